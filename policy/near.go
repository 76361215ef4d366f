package policy

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"portolan/internal/words"
)

// NearMiss is a rule that would associate an attachment, were one of its tags spelled as the policy spells it: they differ in
// case, in spaces around, by one character, or by two neighbors that changed places.
type NearMiss struct {
	RuleNumber int
	Place      Place  // of the rule
	Key        string // of the tag that is misspelt, as the attachment has it
	Fix        string // what to change: "set tag environment = development"
	Has        string // what the attachment has: tag "Segment", or tag "env" = "prdo"
	Wants      string // what the rule asks for
	CaseOnly   bool
	To         Association
}

func (n *NearMiss) String() string {
	where := "segment " + n.To.Segment
	if n.To.NetworkFunctionGroup != "" {
		where = "network function group " + n.To.NetworkFunctionGroup
	}
	how := "looks like a misspelling of " + n.Wants
	if n.CaseOnly {
		how = "differs from " + n.Wants + " in case only"
	}
	return "rule " + strconv.Itoa(n.RuleNumber) + " would associate it with " + where + ": it has " + n.Has + ", which " + how
}

// Speller finds near misses of the rules of a policy.
type Speller struct {
	p      *Policy
	keys   map[string]bool            // of tags, as rules name them
	values map[string]map[string]bool // of tags, as rules name them, by key
	names  map[string]bool            // of segments
}

// Speller returns a finder of near misses.
func (p *Policy) Speller() *Speller {
	s := &Speller{p, map[string]bool{}, map[string]map[string]bool{}, map[string]bool{}}
	for i := range p.Segments {
		s.names[p.Segments[i].Name] = true
	}
	for i := range p.rules {
		for _, c := range p.rules[i].conditions {
			if c.Kind != TestTagExists && c.Kind != TestTagValue {
				continue
			}
			s.keys[c.Key] = true
			if c.Kind == TestTagValue {
				if s.values[c.Key] == nil {
					s.values[c.Key] = map[string]bool{}
				}
				s.values[c.Key][c.Value] = true
			}
		}
		if key := p.rules[i].Action.TagKey; key.Known() {
			s.keys[key.Name] = true
		}
	}
	return s
}

// NearMisses are the rules that come before the one that decides about an attachment, or that one where it associates nothing,
// and would associate it elsewhere with one tag spelled otherwise. They are in the order of the rules, one for each rule.
func (s *Speller) NearMisses(a *Attachment) []NearMiss {
	var list []NearMiss
	decided := s.p.Decide(a).Association
	for i := range s.p.rules {
		r := &s.p.rules[i]
		matched := r.matches(a)
		if matched && !decided.Same(Association{}) {
			break
		}
		for _, c := range s.corrections(r, a) {
			if !r.matches(&c.as) {
				continue
			}
			d, why := r.decide(s.p, &c.as)
			if why == associated && !d.Association.Same(decided) {
				list = append(list, NearMiss{r.RuleNumber, r.Place, c.key, c.fix, c.has, c.wants, strings.EqualFold(c.has, c.wants), d.Association})
				break
			}
		}
		if matched {
			break
		}
	}
	return list
}

// correction is an attachment with one tag spelled otherwise.
type correction struct {
	as         Attachment
	key        string // of the tag
	fix        string
	has, wants string
}

// corrections are the spellings that a rule may have meant.
func (s *Speller) corrections(r *rule, a *Attachment) []correction {
	var list []correction
	keys := func(wanted string) {
		if _, has := a.Tags[wanted]; has || wanted == "" {
			return
		}
		for _, key := range slices.Sorted(maps.Keys(a.Tags)) {
			if !s.keys[key] && near(key, wanted) {
				tags := maps.Clone(a.Tags)
				tags[wanted] = tags[key]
				delete(tags, key)
				list = append(list, correction{a.with(tags), key, "rename tag " + key + " to " + wanted, "tag " + strconv.Quote(key), "tag " + strconv.Quote(wanted)})
			}
		}
	}
	value := func(key, wanted string, known map[string]bool) {
		if has, ok := a.Tags[key]; ok && !known[has] && near(has, wanted) {
			tags := maps.Clone(a.Tags)
			tags[key] = wanted
			name := "tag " + strconv.Quote(key) + " = "
			list = append(list, correction{a.with(tags), key, "set tag " + key + " = " + wanted, name + strconv.Quote(has), name + strconv.Quote(wanted)})
		}
	}
	for i := range r.conditions {
		switch c := &r.conditions[i]; {
		case c.Kind == TestTagExists:
			keys(c.Key)
		case c.Kind == TestTagValue:
			keys(c.Key)
			if c.Operator == Equals {
				value(c.Key, c.Value, s.values[c.Key])
			}
		}
	}
	if key := r.Action.TagKey; r.segment == nil && key.Known() {
		keys(key.Name)
		for _, name := range slices.Sorted(maps.Keys(s.names)) {
			value(key.Name, name, s.names)
		}
	}
	return list
}

func (a *Attachment) with(tags map[string]string) Attachment {
	other := *a
	other.Tags = tags
	return other
}

// near says whether a word is most likely another one, misspelt.
func near(has, wanted string) bool {
	has = strings.TrimSpace(has)
	if strings.EqualFold(has, wanted) {
		return true
	}
	a, b := strings.ToLower(has), strings.ToLower(wanted)
	const short = 3 // words of fewer letters are all alike
	if min(len(a), len(b)) < short {
		return false
	}
	if words.Distance(a, b, 2) < 2 {
		return true
	}
	if len(a) != len(b) {
		return false
	}
	i := 0
	for a[i] == b[i] {
		i++
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}
