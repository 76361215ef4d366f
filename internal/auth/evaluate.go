package auth

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Effect is the outcome of an evaluation.
type Effect byte

// An explicit deny beats an allow, an allow beats nothing.
const (
	ImplicitDeny Effect = iota
	Allow
	ExplicitDeny
)

func (e Effect) String() string {
	return [...]string{"implicit deny", "allow", "explicit deny"}[e]
}

// Request is what policies are asked about. Each of the resources must be allowed.
type Request struct {
	Action    string   // "networkmanager:CreateSite"
	Resources []string // ARNs, or "*" for an action that has no resource

	// Context holds the values of condition keys, in any case. Lookup, if there is one, is asked for those it does not
	// hold, by the resource being decided and the key in lower case.
	Context map[string][]string
	Lookup  func(resource, key string) ([]string, bool)
}

// StatementRef names a statement.
type StatementRef struct {
	Policy string
	Sid    string
	Index  int // in its policy, from 0
}

func (r StatementRef) String() string {
	if r.Sid != "" {
		return "statement " + strconv.Quote(r.Sid) + " of " + r.Policy
	}
	return "statement " + strconv.Itoa(r.Index) + " of " + r.Policy
}

// Decision is an answer and what it rests on.
type Decision struct {
	Effect    Effect
	Action    string
	Resource  string        // the first that was denied; when all are allowed, the first
	Statement *StatementRef // that allowed or denied it; nil for an implicit deny
	Trace     []Step        // by [Explain]
}

// Step is how one statement stood to one resource.
type Step struct {
	Statement StatementRef
	Resource  string
	Deny      bool   // the statement's effect
	Applies   bool   // if not, Why names what did not fit
	Why       string // "" when it applies
}

func (s Step) String() string {
	if s.Applies {
		return s.Statement.String() + " applies to " + s.Resource
	}
	return s.Statement.String() + " does not apply to " + s.Resource + ": " + s.Why
}

func (d Decision) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s on %s", d.Effect, d.Action, d.Resource)
	if d.Statement != nil {
		b.WriteString(" by " + d.Statement.String())
	}
	for i, s := range d.Trace {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString("; ")
		}
		b.WriteString(s.String())
	}
	return b.String()
}

// Evaluate decides a request by identity policies.
func Evaluate(policies []*Policy, r Request) Decision { return evaluateAll(policies, r, 0) }

// maxTrace bounds what a decision says of itself.
const maxTrace = 64

// Explain decides like [Evaluate] and says of every statement, up to a few dozen, why it applied or not.
func Explain(policies []*Policy, r Request) Decision { return evaluateAll(policies, r, maxTrace) }

func evaluateAll(policies []*Policy, r Request, trace int) Decision {
	e := evaluation{action: strings.ToLower(r.Action), trace: trace}
	base := r.lookup()
	result := Decision{Effect: ImplicitDeny, Action: r.Action}
	for i, resource := range r.Resources {
		e.resource = resource
		e.look = func(key string) ([]string, bool) { return base(resource, key) }
		effect, by := e.decide(policies)
		if i == 0 || effect != Allow && result.Effect == Allow || effect == ExplicitDeny && result.Effect != ExplicitDeny {
			result.Effect, result.Resource, result.Statement = effect, resource, by
		}
	}
	result.Trace = e.steps
	return result
}

// lookup joins Context and Lookup.
func (r *Request) lookup() func(resource, key string) ([]string, bool) {
	var lower map[string][]string
	if len(r.Context) > 0 {
		lower = make(map[string][]string, len(r.Context))
		for k, v := range r.Context {
			lower[strings.ToLower(k)] = v
		}
	}
	return func(resource, key string) ([]string, bool) {
		if v, ok := lower[key]; ok {
			return v, true
		}
		if r.Lookup != nil {
			return r.Lookup(resource, key)
		}
		return nil, false
	}
}

// evaluation is the deciding of one resource after the other.
type evaluation struct {
	action   string // lower case
	resource string
	look     lookup
	caller   *credential // for resource policies
	foreign  bool        // the resource is another account's than the caller's
	trace    int         // steps still to be kept
	steps    []Step
}

func (e *evaluation) decide(policies []*Policy) (Effect, *StatementRef) {
	effect, by := ImplicitDeny, (*StatementRef)(nil)
	for _, p := range policies {
		for i := range p.statements {
			s := &p.statements[i]
			if effect == Allow && !s.deny && e.trace == 0 {
				continue
			}
			why, applies := e.applies(s)
			if e.trace > 0 {
				e.trace--
				e.steps = append(e.steps, Step{StatementRef{p.Name, s.sid, s.index}, e.resource, s.deny, applies, why})
			}
			if !applies || effect == ExplicitDeny || effect == Allow && !s.deny {
				continue
			}
			effect, by = Allow, &StatementRef{p.Name, s.sid, s.index}
			if s.deny {
				effect = ExplicitDeny
			}
		}
	}
	return effect, by
}

// applies tells whether a statement is about the request, and if not, why; the reason is given for a trace only.
func (e *evaluation) applies(s *statement) (why string, applies bool) {
	if s.who != nil && !e.isAbout(s) {
		return e.because("the caller is not its principal"), false
	}
	named := false
	for _, p := range s.actions {
		if named = glob(p.glyphs, e.action); named {
			break
		}
	}
	if named == s.notAction {
		return e.because("the action is not one of its own"), false
	}
	named = false
	for _, p := range s.resources {
		glyphs, ok := p.filled(e.look)
		if !ok {
			// A variable without a value names nothing. For NotResource that would widen an Allow.
			if s.notRes && !s.deny {
				return e.because("the request has no value for a variable of " + p.text), false
			}
			continue
		}
		if named = p.names(glyphs, e.resource); named {
			break
		}
	}
	if named == s.notRes {
		return e.because("the resource is not one of its own"), false
	}
	for i := range s.when {
		c := &s.when[i]
		// As above: what is not known must not make "not equal" hold for an Allow.
		if !s.deny && c.negated && c.unfilled(e.look) {
			return e.because("the request has no value for a variable in the condition " + c.operator + " of " + c.key), false
		}
		if !c.holds(e.look) {
			return e.because("the condition " + c.operator + " of " + c.key + " does not hold"), false
		}
	}
	return "", true
}

// isAbout tells whether a statement's Principal is the caller. To name an account is to leave it to that account's own
// policies, so that inside the account it allows nothing; a deny it is all the same.
func (e *evaluation) isAbout(s *statement) bool {
	c := e.caller
	if c == nil {
		return false
	}
	return s.who.everybody || slices.Contains(s.who.arns, c.arn) || c.roleARN != "" && slices.Contains(s.who.arns, c.roleARN) ||
		(s.deny || e.foreign) && slices.Contains(s.who.accounts, c.account)
}

func (e *evaluation) because(why string) string {
	if e.trace == 0 {
		return ""
	}
	return why
}
