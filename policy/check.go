package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"portolan/internal/words"
)

// Check says everything that is wrong with a document: its form, and names that are not unique or not defined, Regions
// that are no edge, ASNs and CIDR blocks that do not fit, actions that contradict each other. What needs the network as
// it is, is for [Compile], [CheckOrphans], [CheckDestinations] and [CheckPrefixLists]. At most 1000 errors are returned.
func Check(doc *Document) Errors {
	c := newChecker(doc)
	c.configuration()
	c.tables()
	c.segments()
	c.attachmentPolicies()
	c.versions()
	c.segmentActions()
	c.routingPolicies()
	c.labelRules()
	return append(slices.Clone(doc.form), c.errs...).sorted()
}

// checker holds what the names of a document stand for. Of a name given twice the first counts.
type checker struct {
	collector
	doc      *Document
	edges    map[string]bool
	segment  map[string]*DocumentSegment
	index    map[string]int // of segments
	shadowed []bool         // segments whose name an earlier one has, or that have none
	group    map[string]*DocumentGroup
	policy   map[string]*RoutingPolicy
	reserved asnSet // the ASNs of edges
}

func newChecker(doc *Document) *checker {
	c := &checker{doc: doc, edges: map[string]bool{}, segment: map[string]*DocumentSegment{}, group: map[string]*DocumentGroup{}, policy: map[string]*RoutingPolicy{}}
	for _, e := range doc.Configuration.EdgeLocations {
		c.edges[e.Location] = true
	}
	c.index, c.shadowed = map[string]int{}, make([]bool, len(doc.Segments))
	for i := range doc.Segments {
		s := &doc.Segments[i]
		putNew(c.segment, s.Name, s)
		putNew(c.index, s.Name, i)
		c.shadowed[i] = c.segment[s.Name] != s
	}
	for i := range doc.NetworkFunctionGroups {
		putNew(c.group, doc.NetworkFunctionGroups[i].Name, &doc.NetworkFunctionGroups[i])
	}
	for i := range doc.RoutingPolicies {
		putNew(c.policy, doc.RoutingPolicies[i].Name, &doc.RoutingPolicies[i])
	}
	c.reserved = newASNSet(doc.Configuration.ASNRanges)
	return c
}

func putNew[T any](m map[string]T, name string, v T) {
	if _, taken := m[name]; !taken && name != "" {
		m[name] = v
	}
}

// maxTables bounds segments and network function groups together.
const maxTables = 40

// tables checks the names that segments and network function groups share.
func (c *checker) tables() {
	seen := map[string]bool{}
	unique := func(name string, at Place) {
		if name != "" && seen[name] {
			c.fail(at, CodeDuplicateValue, words.Clip(name)+" is used twice", "segments and network function groups share one set of names")
		}
		seen[name] = true
	}
	for _, s := range c.doc.Segments {
		unique(s.Name, s.NameAt)
	}
	for _, g := range c.doc.NetworkFunctionGroups {
		unique(g.Name, g.NameAt)
	}
	c.fewTables()
}

func (c *checker) fewTables() {
	if n := len(c.doc.Segments) + len(c.doc.NetworkFunctionGroups); n > maxTables {
		at := c.doc.Place
		if v := c.doc.node.get("segments"); v != nil {
			at = v.place()
		}
		c.fail(at, CodeMaximumItemsExceeded, fmt.Sprintf("a core network has at most %d segments and network function groups, not %d", maxTables, n), "")
	}
}

// crowded says that there are more tables than a core network can have. Rules about pairs of them are not tried then.
func (c *checker) crowded() bool {
	return len(c.doc.Segments)+len(c.doc.NetworkFunctionGroups) > maxTables
}

func (c *checker) segments() {
	for _, s := range c.doc.Segments {
		c.edgeNames(s.EdgeLocations)
		for _, other := range s.DenyFilter {
			c.definedSegment(other)
		}
		for _, other := range s.AllowFilter {
			c.definedSegment(other)
		}
		if len(s.DenyFilter) > 0 && len(s.AllowFilter) > 0 {
			c.fail(s.Place, CodeMutuallyExclusive, "deny-filter and allow-filter exclude each other", "keep one of the two")
		}
	}
}

func (c *checker) attachmentPolicies() {
	numbers := map[int]Place{}
	for i := range c.doc.AttachmentPolicies {
		p := &c.doc.AttachmentPolicies[i]
		c.uniqueNumber(numbers, p.RuleNumber, p.NumberAt)
		c.definedSegment(p.Action.Segment)
		if p.Action.Group.Known() {
			defined(c, c.group, p.Action.Group, "network function group")
		}
	}
}

// uniqueNumber checks that a number is not used before; 0 is none.
func (c *checker) uniqueNumber(numbers map[int]Place, n int, at Place) {
	if n == 0 {
		return
	}
	if first, taken := numbers[n]; taken {
		c.fail(at, CodeDuplicateValue, fmt.Sprintf("%d is used twice", n), fmt.Sprintf("the other one is on line %d", first.Line()))
		return
	}
	numbers[n] = at
}

// edgeNames checks a list of Regions: every one an edge of the core network, none twice.
func (c *checker) edgeNames(list []Named) {
	c.distinct(list)
	for _, e := range list {
		c.edge(e)
	}
}

func (c *checker) edge(e Named) {
	if !e.is('"') || c.edges[e.Name] || c.full() {
		return
	}
	hint := words.DidYouMean(e.Name, words.Keys(c.edges))
	if hint == "" {
		hint = "list it in core-network-configuration.edge-locations"
	}
	c.fail(e.Place, CodeUndefinedEdgeLocation, words.Clip(e.Name)+" is not an edge location of the core network", hint)
}

// distinct checks that no name is in a list twice.
func (c *checker) distinct(list []Named) {
	if len(list) < 2 {
		return
	}
	seen := make(map[string]bool, len(list))
	for _, n := range list {
		if n.is('"') && seen[n.Name] {
			c.fail(n.Place, CodeDuplicateValue, words.Clip(n.Name)+" is listed twice", "keep one")
		}
		seen[n.Name] = true
	}
}

func (c *checker) definedSegment(n Named) { defined(c, c.segment, n, "segment") }

// policies checks a list of routing policies.
func (c *checker) policies(list []Named) {
	c.distinct(list)
	for _, n := range list {
		defined(c, c.policy, n, "routing policy")
	}
}

func defined[T any](c *checker, known map[string]T, n Named, what string) {
	if !n.is('"') || c.full() {
		return
	}
	if _, ok := known[n.Name]; !ok {
		names := words.Keys(known)
		hint := words.DidYouMean(n.Name, names)
		if hint == "" && len(names) > 0 && len(names) <= fewNames {
			hint = "choose from " + strings.Join(clipped(names), ", ")
		}
		c.fail(n.Place, CodeUndefinedReference, cmp.Or(words.Clip(n.Name), `""`)+" is not a defined "+what, hint)
	}
}

// fewNames is how many names a hint may list.
const fewNames = 6

func clipped(names []string) []string {
	for i, n := range names {
		names[i] = words.Clip(n)
	}
	return names
}

// versions refuses what the older version of the language does not have.
func (c *checker) versions() {
	if c.doc.Version != Version2021 {
		return
	}
	const message, hint = "needs version " + Version2025, `set "version" to "` + Version2025 + `"`
	for _, key := range []string{"routing-policies", "attachment-routing-policy-rules"} {
		if v := c.doc.node.get(key); v != nil {
			c.fail(v.place(), CodeAdvancedRouting, message, hint)
		}
	}
	for i := range c.doc.SegmentActions {
		node := c.doc.SegmentActions[i].node
		if v := node.get("routing-policy-names"); v != nil {
			c.fail(v.place(), CodeAdvancedRouting, message, hint)
		}
		if v := node.get("action"); v != nil && v.text == ActionAssociateRoutingPolicy {
			c.fail(v.place(), CodeAdvancedRouting, message, hint)
		}
	}
}
