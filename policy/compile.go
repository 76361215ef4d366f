package policy

import (
	"cmp"
	"net/netip"
	"slices"
)

// Policy is a document worked out over a core network: everything that decides where attachments belong and what routes
// they exchange, with the place in the document that says so. It is immutable and may be shared; what its methods and
// members return must not be changed.
type Policy struct {
	Version                         string
	VPNECMPSupport                  bool
	DNSSupport                      bool
	SecurityGroupReferencingSupport bool

	Edges                 []Edge // in document order, which is the order in which they are preferred
	Segments              []Segment
	NetworkFunctionGroups []NetworkFunctionGroup

	Shares           []Share           // both directions of each, by the position of From, then To
	StaticRoutes     []StaticRoute     // in document order
	Insertions       []Insertion       // send-via, one for each pair of segments, in document order
	SendTo           []SendTo          // one for a segment, in document order
	EdgeAssociations []EdgeAssociation // one for each segment and ordered pair of edges, in document order

	AttachmentPolicies           []AttachmentPolicy // by rule number
	RoutingPoliciesByNumber      []*RoutingPolicy   // in the order in which they run
	AttachmentRoutingPolicyRules []AttachmentRoutingPolicyRule

	asns     asnSet   // of its asn-ranges
	names    *checker // of the document it was compiled from
	segments map[string]*Segment
	groups   map[string]*NetworkFunctionGroup
	routing  map[string]*RoutingPolicy
	labels   map[string][]labelRule
	rules    []rule // AttachmentPolicies, made ready to run
}

// Edge is one core network edge.
type Edge struct {
	Place
	Location    string
	ASN         uint32
	ASNWritten  bool // the document writes the ASN; else it was assigned
	InsideCIDRs []netip.Prefix
}

// Segment is one segment.
type Segment struct {
	Place
	Name              string
	Description       string
	Edges             []string // where it has a table, in the order of the core network's edges
	SharedSegments    []string // joined by a share action, whichever side names the other; filters take nothing away
	Isolate           bool
	RequireAcceptance bool
	DenyFilter        []string // refuses shared routes of these
	AllowFilter       []string // when not empty, refuses shared routes of all others
}

// HasEdge says whether the segment has a table at an edge.
func (s *Segment) HasEdge(location string) bool { return slices.Contains(s.Edges, location) }

// Accepts says whether the filters let in shared routes of the attachments of another segment.
func (s *Segment) Accepts(origin string) bool {
	if len(s.AllowFilter) > 0 {
		return slices.Contains(s.AllowFilter, origin)
	}
	return !slices.Contains(s.DenyFilter, origin)
}

// NetworkFunctionGroup is one network function group. It has a table at every edge.
type NetworkFunctionGroup struct {
	Place
	Name              string
	Description       string
	Edges             []string
	SendVia, SendTo   []string // segments whose actions use it
	Learns            []string // segments whose attachment routes it learns: those, and the ones they send to
	RequireAcceptance bool
}

// Share is one direction of a share: the routes of attachments that are in From enter To. The filters of To are not
// applied yet.
type Share struct {
	From, To string
	Policies []*RoutingPolicy // that run on these routes, in order
	Actions  []Place          // the share actions that name the two
}

// StaticRoute is a block of a create-route action.
type StaticRoute struct {
	Place        // of the block
	Action       Place
	Segment      string
	Prefix       netip.Prefix
	Blackhole    bool
	Destinations []string // attachment ids; none for a blackhole
}

// Insertion leads traffic between two segments, either way round, through a network function group. The two may be the
// same.
type Insertion struct {
	Place            // of the action
	Segment   string // the one whose action it is
	With      string
	DualHop   bool
	Group     string
	Overrides []Override
}

// SendTo leads what a segment has no route for to a network function group.
type SendTo struct {
	Place
	Segment   string
	Group     string
	Overrides []Override
}

// Override says where traffic between some edges is inspected. The first override with a set that fits counts.
type Override struct {
	Place
	Sets [][2]string // two edges, either way round; one edge is there twice
	Use  string
}

// EdgeAssociation is the routing policies of a segment between two edges: inbound ones run on routes that Edge gets
// from Peer, outbound ones on routes that Edge tells Peer.
type EdgeAssociation struct {
	Segment, Edge, Peer string
	Policies            []*RoutingPolicy // in the order in which they run
	Actions             []Place
}

// Previous holds the edges a core network has, by location. They keep their ASN and their inside CIDR blocks. An ASN that
// the document before wrote must stay in asn-ranges, one that was assigned need not.
type Previous map[string]Edge

// Compile works a document out over the edges that exist. The errors are those that need these edges, and are
// asynchronous. A document that does not pass [Check] is not for compiling: its errors of form are returned as they are,
// and what it names but does not define is left out.
func Compile(doc *Document, previous Previous) (*Policy, Errors) {
	checked := newChecker(doc)
	if checked.fewTables(); len(doc.form) > 0 || len(checked.errs) > 0 {
		return nil, append(slices.Clone(doc.form), checked.errs...).sorted()
	}
	edges, errs := allocate(doc, previous)
	if len(errs) > 0 {
		return nil, errs.sorted().async()
	}
	c := &compiler{checker: checked, Policy: &Policy{
		Version:                         doc.Version,
		VPNECMPSupport:                  doc.Configuration.VPNECMPSupport,
		DNSSupport:                      doc.Configuration.DNSSupport,
		SecurityGroupReferencingSupport: doc.Configuration.SecurityGroupReferencingSupport,
		Edges:                           edges,
		asns:                            newASNSet(doc.Configuration.ASNRanges),
		names:                           checked,
		segments:                        map[string]*Segment{},
		groups:                          map[string]*NetworkFunctionGroup{},
		routing:                         map[string]*RoutingPolicy{},
		labels:                          map[string][]labelRule{},
	}}
	c.compileTables()
	c.compileRouting()
	c.compileShares()
	c.compileActions()
	c.compileRules()
	return c.Policy, nil
}

// Document is what the policy was compiled from; nil of the zero Policy.
func (p *Policy) Document() *Document {
	if p.names == nil {
		return nil
	}
	return p.names.doc
}

// SentTo is the segments that a send-via is about, by their positions in Segments.
func (p *Policy) SentTo(a *SegmentAction) []int { return p.names.sentTo(a) }

// SharedWith is the segments that a share is with, by their positions in Segments, without the segment itself.
func (p *Policy) SharedWith(a *SegmentAction) []int { return p.names.sharedWith(a) }

// Segment is the segment of a name, nil when there is none.
func (p *Policy) Segment(name string) *Segment { return p.segments[name] }

// NetworkFunctionGroup is the network function group of a name, nil when there is none.
func (p *Policy) NetworkFunctionGroup(name string) *NetworkFunctionGroup { return p.groups[name] }

// OwnASN says whether an ASN is one of the core network's asn-ranges.
func (p *Policy) OwnASN(asn uint32) bool { return p.asns.contains(asn) }

// RoutingPolicy is the routing policy of a name, nil when there is none.
func (p *Policy) RoutingPolicy(name string) *RoutingPolicy { return p.routing[name] }

// compiler fills a Policy. Names that a document defines twice stand for the first.
type compiler struct {
	*checker
	*Policy
}

func (c *compiler) compileTables() {
	everywhere := make([]string, len(c.Edges))
	for i, e := range c.Edges {
		everywhere[i] = e.Location
	}
	for i := range c.doc.Segments {
		s := &c.doc.Segments[i]
		edges := everywhere
		if s.EdgeLocations != nil {
			named := nameSet(s.EdgeLocations)
			edges = slices.DeleteFunc(slices.Clone(everywhere), func(e string) bool { return !named[e] })
		}
		c.Segments = append(c.Segments, Segment{
			Place: s.Place, Name: s.Name, Description: s.Description, Edges: edges, Isolate: s.Isolate,
			RequireAcceptance: s.RequireAcceptance, DenyFilter: c.known(s.DenyFilter), AllowFilter: c.known(s.AllowFilter),
		})
	}
	for i := range c.doc.NetworkFunctionGroups {
		g := &c.doc.NetworkFunctionGroups[i]
		c.NetworkFunctionGroups = append(c.NetworkFunctionGroups, NetworkFunctionGroup{
			Place: g.Place, Name: g.Name, Description: g.Description, Edges: everywhere, RequireAcceptance: g.RequireAcceptance,
		})
	}
	for i := range c.Segments {
		putNew(c.Policy.segments, c.Segments[i].Name, &c.Segments[i])
	}
	for i := range c.NetworkFunctionGroups {
		putNew(c.groups, c.NetworkFunctionGroups[i].Name, &c.NetworkFunctionGroups[i])
	}
}

// known is the names of a list that stand for segments.
func (c *compiler) known(list []Named) []string {
	var names []string
	for _, n := range list {
		if c.segment[n.Name] != nil {
			names = append(names, n.Name)
		}
	}
	return names
}

func nameSet(list []Named) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, n := range list {
		set[n.Name] = true
	}
	return set
}

// byNumber puts routing policies in the order in which they run, each once.
func byNumber(list []*RoutingPolicy) []*RoutingPolicy {
	slices.SortStableFunc(list, func(a, b *RoutingPolicy) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Offset(), b.Offset()))
	})
	return slices.Compact(list)
}
