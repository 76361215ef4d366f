package policy

import (
	"slices"
	"strings"
)

// term is a condition made comparable with others. Where an attribute has few possible values, it is the set of those
// for which the condition holds, so that "begins-with eu-" and "equals eu-west-1" are the same if there is one such edge.
type term struct {
	condition
	sure bool   // holds for every attachment
	none bool   // holds for no attachment
	few  bool   // set is filled
	set  uint64 // values for which it holds, by their number
	at   Place
}

// branch is terms that must all hold. A rule that asks for all its conditions has one branch, a rule that asks for any
// of them has one for each.
type branch []term

// attachmentTypes is every type there is.
var attachmentTypes = []string{TypeVPC, TypeConnect, TypeSiteToSiteVPN, TypeDirectConnectGateway, TypeTransitGatewayRouteTable}

// maxSet is how many values a set can hold.
const maxSet = 64

func (l *linter) term(c condition, at Place) term {
	t := term{condition: c, at: at}
	switch c.kind {
	case always:
		t.sure = true
	case attachmentType:
		t.over(attachmentTypes)
	case region:
		if len(l.locations) <= maxSet {
			t.over(l.locations)
		}
	case accountID:
		t.shaped("0123456789", 12)
	case resourceID:
		t.shaped("0123456789abcdefghijklmnopqrstuvwxyz-", 0)
	}
	if t.kind != tagValue && (t.operator == contains || t.operator == beginsWith) && t.value == "" && t.kind >= region {
		t.sure = true
	}
	return t
}

// over tries the values an attribute can have.
func (t *term) over(values []string) {
	t.few = true
	count := 0
	for i, v := range values {
		if t.compare(v) {
			t.set |= 1 << i
			count++
		}
	}
	t.none, t.sure = count == 0, count == len(values)
	if count == 1 {
		for i, v := range values {
			if t.set == 1<<i {
				t.operator, t.value = equals, v
			}
		}
	}
}

// shaped compares the value with the form of an identifier: its characters, and its length if that is fixed.
func (t *term) shaped(characters string, length int) {
	possible := strings.Trim(t.value, characters) == "" && (length == 0 || len(t.value) <= length)
	if t.operator == equals || t.operator == notEquals {
		possible = possible && t.value != "" && (length == 0 || len(t.value) == length)
	}
	switch {
	case possible:
	case t.operator == notEquals:
		t.sure = true
	default:
		t.none = true
	}
}

// same says whether two terms are about one attribute.
func (t *term) same(other *term) bool { return t.kind == other.kind && t.key == other.key }

// implies says whether a term holds wherever this one does.
func (t *term) implies(other *term) bool {
	switch {
	case t.none, other.sure:
		return true
	case t.sure:
		return false
	case other.kind == tagExists:
		return t.key == other.key && (t.kind == tagExists || t.kind == tagValue)
	case !t.same(other) || t.kind == tagExists:
		return false
	case t.few && other.few:
		return t.set&^other.set == 0
	}
	a, b := t.value, other.value
	switch t.operator {
	case equals:
		return other.compare(a)
	case notEquals:
		return other.operator == notEquals && a == b || other.operator != equals && other.operator != notEquals && b == ""
	case beginsWith:
		switch other.operator {
		case beginsWith:
			return strings.HasPrefix(a, b)
		case contains:
			return strings.Contains(a, b)
		case notEquals:
			return !strings.HasPrefix(b, a)
		}
	case contains:
		switch other.operator {
		case beginsWith:
			return b == ""
		case contains:
			return strings.Contains(a, b)
		case notEquals:
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
	case !t.same(other), t.sure, other.sure, t.kind == tagExists, t.kind == region && !oneEdge:
		return false
	case t.few && other.few:
		return t.set&other.set == 0
	case t.operator == equals:
		return !other.compare(t.value)
	case other.operator == equals:
		return !t.compare(other.value)
	case t.operator == beginsWith && other.operator == beginsWith:
		return !strings.HasPrefix(t.value, other.value) && !strings.HasPrefix(other.value, t.value)
	}
	return false
}

// oneEdge says whether the attachments of a branch are at one edge each: all types but Direct Connect gateways are.
func (b branch) oneEdge() bool {
	direct := uint64(1) << slices.Index(attachmentTypes, TypeDirectConnectGateway)
	return slices.ContainsFunc(b, func(t term) bool { return t.kind == attachmentType && t.set&direct == 0 })
}

// work counts comparisons, so that a document of nothing but conditions is given up on and not puzzled over: what is not
// found in time is not said.
type work struct{ left int }

const maxWork = 3 << 20

// spend says whether there is time left to compare two terms.
func (w *work) spend(a, b *term) bool {
	w.left -= 1 + (len(a.value)+len(b.value))/64
	return w.left > 0
}

// conflict is two terms of a branch that can never hold together.
func (b branch) conflict(w *work) (first, second *term) {
	alone := b.oneEdge()
	byAttribute := map[anchor][]*term{}
	for i := range b {
		t := &b[i]
		a := anchor{kind: t.kind, key: t.key}
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
	*rule
	terms    []term   // all conditions, in document order
	branches []branch // those that an attachment can meet
}

// takeApart works out the branches of every rule.
func (l *linter) takeApart() {
	w := work{maxWork}
	for i := range l.Policy.rules {
		r := lintedRule{rule: &l.Policy.rules[i]}
		for j, c := range r.conditions {
			r.terms = append(r.terms, l.term(c, r.Conditions[j].Place))
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
	kind  conditionKind
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
			a := anchor{kind: always}
			for j := range b {
				t := &b[j]
				if t.sure {
					continue
				}
				a = anchor{kind: t.kind, key: t.key}
				if t.operator == equals && t.kind != tagExists {
					a.exact, a.value = true, t.value
					break
				}
			}
			l.anchored[a] = append(l.anchored[a], ruleBranch{i, b})
		}
	}
}

// coveredBefore finds a rule that comes before another and takes every attachment that meets a branch; -1 is none.
func (l *linter) coveredBefore(b branch, rule int, w *work) int {
	best := l.coveredBy(b, anchor{kind: always}, rule, w)
	for i := range b {
		t := &b[i]
		anchors := []anchor{{kind: t.kind, key: t.key}}
		if t.operator == equals {
			anchors = append(anchors, anchor{t.kind, t.key, true, t.value})
		}
		if t.kind == tagValue {
			anchors = append(anchors, anchor{kind: tagExists, key: t.key})
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
	return !slices.ContainsFunc(b, func(t term) bool { return t.kind == tagValue && t.key == key && !t.compare(value) })
}

// requiresTag says whether an attachment that meets the branch has the tag.
func (b branch) requiresTag(key string) bool {
	return slices.ContainsFunc(b, func(t term) bool { return (t.kind == tagExists || t.kind == tagValue) && t.key == key })
}

// with is the branch for attachments whose tag has this value, too.
func (b branch) with(key, value string) branch {
	return append(slices.Clone(b), term{condition: condition{kind: tagValue, operator: equals, key: key, value: value}})
}
