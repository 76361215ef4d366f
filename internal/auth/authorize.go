package auth

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"portolan/api"
)

// TagSource knows the tags of resources, for aws:ResourceTag. False: there is no such resource, or it has no tags.
type TagSource interface {
	ResourceTags(ctx context.Context, arn string) (map[string]string, bool)
}

// SharingSource knows whose a core network is and what its resource policy says, "" for none. False: there is no such
// core network, or it is not shared with the caller in the context: both are answered alike.
type SharingSource interface {
	CoreNetwork(ctx context.Context, id string) (owner, resourcePolicy string, ok bool)
}

// Authorizer decides whether a principal may do what an operation's input asks. Its zero value works: without Tags no
// resource has tags, without Sharing every core network is the caller's own.
type Authorizer struct {
	Tags    TagSource
	Sharing SharingSource

	Policies *ResourcePolicies // those of Sharing, read

	Log *slog.Logger // gets what was allowed, at debug level; a denial is in the error's Cause
}

// DeniedError is the cause of an [api.AccessDeniedException]: the decision with the statements it rests on, for the log.
type DeniedError struct{ Decision }

func (e *DeniedError) Error() string { return e.Decision.String() }

// Authorize decides for each resource that in names, and for the actions that op implies: networkmanager:TagResource
// when something is created with tags, networkmanager:PutAttachmentRoutingPolicyLabel when an attachment is created
// with a label. The error is an [api.AccessDeniedException] with a [DeniedError]. A principal whose signature nobody
// checked may do everything.
func (a *Authorizer) Authorize(ctx context.Context, p *Principal, op *api.Operation, in api.Input) error {
	if p == nil || p.key == nil {
		return nil
	}
	q := a.query(ctx, p, op)
	if ask := asks[op.Name]; ask == nil || !ask(q, in) || len(q.checks) == 0 {
		return &api.AccessDeniedException{
			Message: "User: " + p.caller.ARN + " is not authorized to perform: " + op.Action,
			Cause:   fmt.Errorf("the authorization rules do not know operation %s with %T", op.Name, in),
		}
	}
	var denied *verdict
	for _, c := range q.checks {
		v := q.decide(c, 0)
		if v.effect == ExplicitDeny {
			denied = &v
			break
		}
		if v.effect != Allow && denied == nil {
			denied = &v
		}
		a.logAllowed(ctx, p, &v)
	}
	if denied == nil {
		return nil
	}
	explained := q.decide(denied.check, maxTrace)
	return &api.AccessDeniedException{Message: denied.message(p), Cause: &DeniedError{explained.decision()}}
}

// May tells whether the identity policies of a principal allow an action of any service on a resource: what AWS does in a
// caller's name while it does what was asked for. Nil: nobody checked who it is, and nothing limits it.
func (a *Authorizer) May(ctx context.Context, p *Principal) func(action, resource string) bool {
	if p == nil || p.key == nil {
		return nil
	}
	return func(action, resource string) bool {
		q := a.query(ctx, p, nil)
		return q.decide(check{action: action, resource: resource}, 0).effect == Allow
	}
}

func (a *Authorizer) logAllowed(ctx context.Context, p *Principal, v *verdict) {
	if a.Log == nil || v.effect != Allow || !a.Log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	a.Log.LogAttrs(ctx, slog.LevelDebug, "allowed", slog.Any("principal", p), slog.String("action", v.action),
		slog.String("resource", v.resource), slog.String("statement", v.statement.String()))
}

// check is one action on one resource.
type check struct {
	action   string
	resource string
	policy   string // the resource's own policy, "" for none
	foreign  bool   // the resource is another account's
}

// verdict is a decided check. byResource tells whose policies settled it.
type verdict struct {
	check
	effect     Effect
	statement  *StatementRef
	byResource bool
	steps      []Step
}

func (v *verdict) decision() Decision {
	return Decision{Effect: v.effect, Action: v.action, Resource: v.resource, Statement: v.statement, Trace: v.steps}
}

// message is the text AWS's services answer with.
func (v *verdict) message(p *Principal) string {
	article, kind := "an ", "identity-based"
	if v.byResource {
		article, kind = "a ", "resource-based"
	}
	text := "User: " + p.caller.ARN + " is not authorized to perform: " + v.action + " on resource: " + v.resource
	if v.effect == ExplicitDeny {
		return text + " with an explicit deny in " + article + kind + " policy"
	}
	return text + " because no " + kind + " policy allows the " + v.action + " action"
}

// query is a request for permission: what its operation and input come to.
type query struct {
	principal *Principal
	op        *api.Operation // nil: the question is not about an operation
	checks    []check
	keys      map[string][]string // condition keys of the input, lower case
	tags      map[string]map[string]string

	// tagsOf and sharingOf look things up; nil where there is nowhere to look. unreadable is told of a resource policy that is
	// none.
	tagsOf     func(arn string) map[string]string
	policies   *ResourcePolicies
	sharingOf  func(coreNetwork string) (owner, policy string, ok bool)
	unreadable func(resource string, err error)
}

// query starts a question that is answered within ctx.
func (a *Authorizer) query(ctx context.Context, p *Principal, op *api.Operation) *query {
	q := &query{principal: p, op: op, policies: a.Policies, unreadable: func(resource string, err error) {
		if a.Log != nil {
			a.Log.LogAttrs(ctx, slog.LevelWarn, "a resource policy allows nothing, it cannot be read",
				slog.String("resource", resource), slog.String("error", err.Error()))
		}
	}}
	if a.Tags != nil {
		q.tagsOf = func(arn string) map[string]string {
			tags, _ := a.Tags.ResourceTags(ctx, arn)
			return tags
		}
	}
	if a.Sharing != nil {
		q.sharingOf = func(id string) (owner, policy string, ok bool) { return a.Sharing.CoreNetwork(ctx, id) }
	}
	return q
}

// decide joins the identity policies and the resource's own: a deny in either decides. On one's own resource either may
// allow, on another account's both must. A resource policy that cannot be read allows nothing to others; the owner keeps
// what his identity policies allow, or nobody could replace it.
func (q *query) decide(c check, trace int) verdict {
	v := verdict{check: c}
	e := evaluation{
		action: strings.ToLower(c.action), resource: c.resource, trace: trace, caller: q.principal.key, foreign: c.foreign,
		look: func(key string) ([]string, bool) { return q.value(c.resource, key) },
	}
	v.effect, v.statement = e.decide(q.principal.key.policies)
	v.steps = e.steps
	if v.effect == ExplicitDeny || c.policy == "" && !c.foreign {
		return v
	}
	var effect Effect
	var by *StatementRef
	if c.policy != "" {
		policy, err := q.policies.policy(c.policy)
		if err != nil {
			q.unreadable(c.resource, err)
			policy = &Policy{}
		}
		effect, by = e.decide([]*Policy{policy})
		v.steps = e.steps
	}
	switch {
	case effect == ExplicitDeny:
		v.effect, v.statement, v.byResource = effect, by, true
	case c.foreign && v.effect == Allow && effect != Allow:
		v.effect, v.statement, v.byResource = ImplicitDeny, nil, true
	case !c.foreign && v.effect == ImplicitDeny && effect == Allow:
		v.effect, v.statement, v.byResource = Allow, by, true
	}
	return v
}

// value gives the values of a condition key, lower case, for one of the resources.
func (q *query) value(resource, key string) ([]string, bool) {
	if values, ok := q.keys[key]; ok {
		return values, true
	}
	if tag, ok := strings.CutPrefix(key, "aws:resourcetag/"); ok {
		return taggedAs(q.resourceTags(resource), tag)
	}
	one := q.principal.ConditionKey(key)
	if key == "aws:resourceaccount" {
		one = accountOf(resource)
	}
	if one == "" {
		return nil, false
	}
	return []string{one}, true
}

// accountOf is the account of an ARN, "" when it has none.
func accountOf(arn string) string {
	if f := strings.SplitN(arn, ":", 6); len(f) == 6 {
		return f[4]
	}
	return ""
}

// taggedAs finds tags by a key in lower case: condition keys do not know case.
func taggedAs(tags map[string]string, lower string) (values []string, ok bool) {
	for k, v := range tags {
		if strings.ToLower(k) == lower {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	return values, values != nil
}

// resourceTags asks once for each resource.
func (q *query) resourceTags(resource string) map[string]string {
	if q.tagsOf == nil || strings.HasSuffix(resource, "*") {
		return nil
	}
	tags, asked := q.tags[resource]
	if !asked {
		tags = q.tagsOf(resource)
		if q.tags == nil {
			q.tags = map[string]map[string]string{}
		}
		q.tags[resource] = tags
	}
	return tags
}

// maxConditionValue bounds what a request says of itself, in bytes: conditions are decided by the policies of others too.
const maxConditionValue = 2048

// short is a text of a request, "" when it is too long to be compared.
func short(text string) string {
	if len(text) > maxConditionValue {
		return ""
	}
	return text
}

// ConditionKey is the value of a key that is about the caller or the request, "" when there is none. Of a principal whose
// signature nobody checked nothing is known but its account.
func (p *Principal) ConditionKey(key string) string {
	who := p.key
	if who == nil {
		who = &credential{principalType: "Account"}
	}
	switch key {
	case "aws:principalaccount":
		return p.caller.Account
	case "aws:principalarn":
		if who.roleARN != "" {
			return who.roleARN
		}
		return p.caller.ARN
	case "aws:principaltype":
		return who.principalType
	case "aws:username":
		return who.name
	case "aws:requestedregion":
		return p.region
	case "aws:currenttime":
		return p.at.Format("2006-01-02T15:04:05Z")
	case "aws:epochtime":
		return fmt.Sprint(p.at.Unix())
	case "aws:sourceip":
		return p.sourceIP()
	case "aws:securetransport":
		return fmt.Sprint(p.request.TLS != nil)
	case "aws:useragent":
		return short(p.request.UserAgent())
	case "aws:referer":
		return short(p.request.Referer())
	case "aws:viaawsservice", "aws:principalisawsservice":
		return "false"
	}
	return ""
}
