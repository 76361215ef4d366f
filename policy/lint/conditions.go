package lint

import (
	"slices"
	"strings"

	"portolan/policy"
)

// term is a condition made comparable with others. Where an attribute has few possible values, it is the set of those
// for which the condition holds, so that "begins-with eu-" and "equals eu-west-1" are the same if there is one such edge.
type term struct {
	policy.Test
	sure bool   // holds for every attachment
	none bool   // holds for no attachment
	few  bool   // set is filled
	set  uint64 // values for which it holds, by their number
	at   policy.Place
}

// branch is terms that must all hold. A rule that asks for all its conditions has one branch, a rule that asks for any
// of them has one for each.
type branch []term

// attachmentTypes is every type there is.
var attachmentTypes = policy.AttachmentTypes()

// maxSet is how many values a set can hold.
const maxSet = 64

func (l *linter) term(c policy.Test, at policy.Place) term {
	t := term{Test: c, at: at}
	switch c.Kind {
	case policy.TestAny:
		t.sure = true
	case policy.TestAttachmentType:
		t.over(attachmentTypes)
	case policy.TestRegion:
		if len(l.locations) <= maxSet {
			t.over(l.locations)
		}
	case policy.TestAccountID:
		t.shaped("0123456789", 12)
	case policy.TestResourceID:
		t.shaped("0123456789abcdefghijklmnopqrstuvwxyz-", 0)
	}
	if t.Kind != policy.TestTagValue && (t.Operator == policy.Contains || t.Operator == policy.BeginsWith) && t.Value == "" && t.Kind >= policy.TestRegion {
		t.sure = true
	}
	return t
}

// over tries the values an attribute can have.
func (t *term) over(values []string) {
	t.few = true
	count := 0
	for i, v := range values {
		if t.Compare(v) {
			t.set |= 1 << i
			count++
		}
	}
	t.none, t.sure = count == 0, count == len(values)
	if count == 1 {
		for i, v := range values {
			if t.set == 1<<i {
				t.Operator, t.Value = policy.Equals, v
			}
		}
	}
}

// shaped compares the value with the form of an identifier: its characters, and its length if that is fixed.
func (t *term) shaped(characters string, length int) {
	possible := strings.Trim(t.Value, characters) == "" && (length == 0 || len(t.Value) <= length)
	if t.Operator == policy.Equals || t.Operator == policy.NotEquals {
		possible = possible && t.Value != "" && (length == 0 || len(t.Value) == length)
	}
	switch {
	case possible:
	case t.Operator == policy.NotEquals:
		t.sure = true
	default:
		t.none = true
	}
}

// same says whether two terms are about one attribute.
func (t *term) same(other *term) bool { return t.Kind == other.Kind && t.Key == other.Key }

// implies says whether a term holds wherever this one does.
func (t *term) implies(other *term) bool {
	switch {
	case t.none, other.sure:
		return true
	case t.sure:
		return false
	case other.Kind == policy.TestTagExists:
		return t.Key == other.Key && (t.Kind == policy.TestTagExists || t.Kind == policy.TestTagValue)
	case !t.same(other) || t.Kind == policy.TestTagExists:
		return false
	case t.few && other.few:
		return t.set&^other.set == 0
	}
	a, b := t.Value, other.Value
	switch t.Operator {
	case policy.Equals:
		return other.Compare(a)
	case policy.NotEquals:
		return other.Operator == policy.NotEquals && a == b || other.Operator != policy.Equals && other.Operator != policy.NotEquals && b == ""
	case policy.BeginsWith:
		switch other.Operator {
		case policy.BeginsWith:
			return strings.HasPrefix(a, b)
		case policy.Contains:
			return strings.Contains(a, b)
		case policy.NotEquals:
			return !strings.HasPrefix(b, a)
		}
	case policy.Contains:
		switch other.Operator {
		case policy.BeginsWith:
			return b == ""
		case policy.Contains:
			return strings.Contains(a, b)
		case policy.NotEquals:
			return !strings.Contains(b, a)
		}
	}
	return false
}

// excludes says whether two terms can never hold together. Two edges exclude each other only for attachments that are
// at one edge.
func (t *term) excludes(other *term, oneEdge bool) bool {
	switch {
	case t.none || other.none:
		return true
	case !t.same(other), t.sure, other.sure, t.Kind == policy.TestTagExists, t.Kind == policy.TestRegion && !oneEdge:
		return false
	case t.few && other.few:
		return t.set&other.set == 0
	case t.Operator == policy.Equals:
		return !other.Compare(t.Value)
	case other.Operator == policy.Equals:
		return !t.Compare(other.Value)
	case t.Operator == policy.BeginsWith && other.Operator == policy.BeginsWith:
		return !strings.HasPrefix(t.Value, other.Value) && !strings.HasPrefix(other.Value, t.Value)
	}
	return false
}

// oneEdge says whether the attachments of a branch are at one edge each: all types but Direct Connect gateways are.
func (b branch) oneEdge() bool {
	direct := uint64(1) << slices.Index(attachmentTypes, policy.TypeDirectConnectGateway)
	return slices.ContainsFunc(b, func(t term) bool { return t.Kind == policy.TestAttachmentType && t.set&direct == 0 })
}

// work counts comparisons, so that a document of nothing but conditions is given up on and not puzzled over: what is not
// found in time is not said.
type work struct{ left int }

const maxWork = 3 << 20

// spend says whether there is time left to compare two terms.
func (w *work) spend(a, b *term) bool {
	w.left -= 1 + (len(a.Value)+len(b.Value))/64
	return w.left > 0
}

// conflict is two terms of a branch that can never hold together.
func (b branch) conflict(w *work) (first, second *term) {
	alone := b.oneEdge()
	byAttribute := map[anchor][]*term{}
	for i := range b {
		t := &b[i]
		a := anchor{kind: t.Kind, key: t.Key}
		for _, other := range byAttribute[a] {
			if !w.spend(t, other) {
				return nil, nil
			}
			if other.excludes(t, alone) {
				return other, t
			}
		}
		byAttribute[a] = append(byAttribute[a], t)
	}
	return nil, nil
}

// lintedRule is an attachment policy taken apart.
type lintedRule struct {
	*policy.AttachmentPolicy
	segment  *policy.Segment // of the constant method
	group    *policy.NetworkFunctionGroup
	terms    []term   // all conditions, in document order
	branches []branch // those that an attachment can meet
}

// takeApart works out the branches of every rule.
func (l *linter) takeApart() {
	w := work{maxWork}
	for i := range l.AttachmentPolicies {
		p := &l.AttachmentPolicies[i]
		r := lintedRule{AttachmentPolicy: p, segment: l.Segment(p.Action.Segment.Name), group: l.NetworkFunctionGroup(p.Action.Group.Name)}
		for j := range p.Conditions {
			r.terms = append(r.terms, l.term(p.Conditions[j].Test(), p.Conditions[j].Place))
		}
		switch {
		case len(r.terms) == 0:
		case r.Or:
			for _, t := range r.terms {
				if !t.none {
					r.branches = append(r.branches, branch{t})
				}
			}
		case slices.ContainsFunc(r.terms, func(t term) bool { return t.none }):
		default:
			b := branch(r.terms)
			if first, _ := b.conflict(&w); first == nil {
				r.branches = []branch{b}
			}
		}
		l.linted = append(l.linted, r)
	}
	l.indexBranches()
}

// anchor is what a branch is found by: an attribute, and its value if the branch asks for exactly that.
type anchor struct {
	kind  policy.TestKind
	key   string
	exact bool
	value string
}

// ruleBranch is a branch and the number of its rule in the order in which rules run.
type ruleBranch struct {
	rule int
	branch
}

// indexBranches makes branches findable by one of their terms, an exact one if there is one.
func (l *linter) indexBranches() {
	l.anchored = map[anchor][]ruleBranch{}
	for i := range l.linted {
		for _, b := range l.linted[i].branches {
			a := anchor{kind: policy.TestAny}
			for j := range b {
				t := &b[j]
				if t.sure {
					continue
				}
				a = anchor{kind: t.Kind, key: t.Key}
				if t.Operator == policy.Equals && t.Kind != policy.TestTagExists {
					a.exact, a.value = true, t.Value
					break
				}
			}
			l.anchored[a] = append(l.anchored[a], ruleBranch{i, b})
		}
	}
}

// coveredBefore finds a rule that comes before another and takes every attachment that meets a branch; -1 is none.
func (l *linter) coveredBefore(b branch, rule int, w *work) int {
	best := l.coveredBy(b, anchor{kind: policy.TestAny}, rule, w)
	for i := range b {
		t := &b[i]
		anchors := []anchor{{kind: t.Kind, key: t.Key}}
		if t.Operator == policy.Equals {
			anchors = append(anchors, anchor{t.Kind, t.Key, true, t.Value})
		}
		if t.Kind == policy.TestTagValue {
			anchors = append(anchors, anchor{kind: policy.TestTagExists, key: t.Key})
		}
		for _, a := range anchors {
			if found := l.coveredBy(b, a, rule, w); found >= 0 && (best < 0 || found < best) {
				best = found
			}
		}
	}
	return best
}

func (l *linter) coveredBy(b branch, a anchor, rule int, w *work) int {
	for _, other := range l.anchored[a] {
		if other.rule >= rule {
			break
		}
		if b.implies(other.branch, w) {
			return other.rule
		}
	}
	return -1
}

// implies says whether everything that meets one branch meets another.
func (b branch) implies(other branch, w *work) bool {
	for i := range other {
		met := other[i].sure
		for j := range b {
			if met {
				break
			}
			if !w.spend(&b[j], &other[i]) {
				return false
			}
			met = b[j].implies(&other[i])
		}
		if !met {
			return false
		}
	}
	return true
}

// permits says whether an attachment that meets the branch can have this value in a tag.
func (b branch) permits(key, value string) bool {
	return !slices.ContainsFunc(b, func(t term) bool { return t.Kind == policy.TestTagValue && t.Key == key && !t.Compare(value) })
}

// requiresTag says whether an attachment that meets the branch has the tag.
func (b branch) requiresTag(key string) bool {
	return slices.ContainsFunc(b, func(t term) bool {
		return (t.Kind == policy.TestTagExists || t.Kind == policy.TestTagValue) && t.Key == key
	})
}

// with is the branch for attachments whose tag has this value, too.
func (b branch) with(key, value string) branch {
	return append(slices.Clone(b), term{Test: policy.Test{Kind: policy.TestTagValue, Operator: policy.Equals, Key: key, Value: value}})
}
