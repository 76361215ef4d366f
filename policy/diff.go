package policy

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// ChangeType is what a change is about, in the words of change sets. The constants stand in the order in which [Diff]
// returns them.
type ChangeType string

const (
	ChangeCoreNetworkConfiguration    ChangeType = "CORE_NETWORK_CONFIGURATION"
	ChangeCoreNetworkEdge             ChangeType = "CORE_NETWORK_EDGE"
	ChangeSegmentsConfiguration       ChangeType = "SEGMENTS_CONFIGURATION"
	ChangeCoreNetworkSegment          ChangeType = "CORE_NETWORK_SEGMENT"
	ChangeNetworkFunctionGroup        ChangeType = "NETWORK_FUNCTION_GROUP"
	ChangeRoutingPolicy               ChangeType = "ROUTING_POLICY"
	ChangeSegmentActionsConfiguration ChangeType = "SEGMENT_ACTIONS_CONFIGURATION"
	ChangeRoutingPolicySegment        ChangeType = "ROUTING_POLICY_SEGMENT_ASSOCIATION"
	ChangeRoutingPolicyEdge           ChangeType = "ROUTING_POLICY_EDGE_ASSOCIATION"
	ChangeAttachmentPolicies          ChangeType = "ATTACHMENT_POLICIES_CONFIGURATION"
	ChangeAttachmentMapping           ChangeType = "ATTACHMENT_MAPPING"
	ChangeAttachmentRoutePropagation  ChangeType = "ATTACHMENT_ROUTE_PROPAGATION"
	ChangeAttachmentRouteStatic       ChangeType = "ATTACHMENT_ROUTE_STATIC"
	ChangeRoutingPolicyAttachment     ChangeType = "ROUTING_POLICY_ATTACHMENT_ASSOCIATION"
)

var changeOrder = []ChangeType{
	ChangeCoreNetworkConfiguration, ChangeCoreNetworkEdge, ChangeSegmentsConfiguration, ChangeCoreNetworkSegment,
	ChangeNetworkFunctionGroup, ChangeRoutingPolicy, ChangeSegmentActionsConfiguration, ChangeRoutingPolicySegment,
	ChangeRoutingPolicyEdge, ChangeAttachmentPolicies, ChangeAttachmentMapping, ChangeAttachmentRoutePropagation,
	ChangeAttachmentRouteStatic, ChangeRoutingPolicyAttachment,
}

// ChangeAction is what happens to it.
type ChangeAction string

const (
	ChangeAdd    ChangeAction = "ADD"
	ChangeModify ChangeAction = "MODIFY"
	ChangeRemove ChangeAction = "REMOVE"
)

// Change is one difference in meaning between two policies.
type Change struct {
	Type           ChangeType
	Action         ChangeAction
	Identifier     string        // the edge, segment, block, attachment … that changes
	IdentifierPath string        // such as CORE_NETWORK_SEGMENT/us-east-1/prod
	Previous       *ChangeValues // nil of what is added
	New            *ChangeValues // nil of what is removed
	Edges          []string      // where it takes effect, sorted; none when nothing of the network changes by itself
}

// ChangeValues is what something is before or after a change. Which members are filled depends on the type.
type ChangeValues struct {
	SegmentName                     string
	NetworkFunctionGroupName        string
	EdgeLocations                   []string
	PeerEdgeLocations               []string
	ASN                             uint32 // 0: no value
	InsideCIDRBlocks                []netip.Prefix
	CIDR                            netip.Prefix // the zero Prefix: no value
	DestinationIdentifier           string       // attachment id, or "blackhole"
	SharedSegments                  []string
	ServiceInsertionActions         []ServiceInsertion
	VPNECMPSupport                  *bool
	DNSSupport                      *bool
	SecurityGroupReferencingSupport *bool
	RoutingPolicy                   string // JSON
	RoutingPolicyDirection          string // inbound, outbound
	AttachmentID                    string
	RoutingPolicyAssociations       []RoutingPolicyAssociation
}

// ServiceInsertion is an action that leads traffic of a segment through a network function group, whichever of the two
// segments it is written at.
type ServiceInsertion struct {
	Action     string   // send-via, send-to
	Mode       string   // of send-via
	WhenSentTo []string // of send-via: the segments at the other end, sorted
	Group      string
	Overrides  []Override // as written: the first that fits counts
}

// RoutingPolicyAssociation is routing policies in the order in which they run and, of a share, the segments at the
// other end.
type RoutingPolicyAssociation struct {
	RoutingPolicyNames []string
	SharedSegments     []string
}

// Diff tells how the meaning of two policies differs. It is empty when the new one is the old one in another order or
// form. Either may be nil: everything is added, or removed. The new policy should be compiled over the edges of the old
// one ([Policy.Previous]), as AWS does, so that edges keep what they have.
//
// The order of the changes is that of the types above, then that of the paths.
func Diff(previous, next *Policy) []Change { return DiffAttached(previous, next, nil) }

// DiffDocuments is [Diff] of two documents that pass [Check]. The errors are those of [Compile].
func DiffDocuments(previous, next *Document) ([]Change, Errors) {
	old, errs := Compile(previous, nil)
	if len(errs) > 0 {
		return nil, errs
	}
	p, errs := Compile(next, old.Previous())
	if len(errs) > 0 {
		return nil, errs
	}
	return Diff(old, p), nil
}

// DiffAttached is [Diff] with what the new policy means for attachments: where they go, which tables learn their routes,
// which routing policies run on them. attached is what [Policy.AssociateAll] of the new policy makes of them; those that
// it does not decide about do not count.
func DiffAttached(previous, next *Policy, attached []Associated) []Change {
	attached = slices.DeleteFunc(slices.Clone(attached), func(a Associated) bool { return a.Fixed || a.Out })
	d := &differ{old: previous, new: next, edgesOf: make(map[string][]string, len(attached))}
	if d.old == nil {
		d.old = &Policy{names: newChecker(&Document{})}
	}
	if d.new == nil {
		d.new = &Policy{names: newChecker(&Document{})}
	}
	d.everywhere = sortedUnion(edgeNames(d.old), edgeNames(d.new))
	for _, a := range attached {
		d.edgesOf[a.ID] = a.Edges
	}
	d.sections(previous != nil, next != nil)
	d.edges()
	d.segments()
	d.groups()
	d.routingPolicies(attached)
	d.shareAssociations()
	d.edgeAssociations()
	d.labels()
	d.staticRoutes()
	d.attachments(attached)
	sortChanges(d.changes)
	return d.changes
}

// Previous is the edges of the policy, for a policy that is to follow it.
func (p *Policy) Previous() Previous {
	previous := make(Previous, len(p.Edges))
	for _, e := range p.Edges {
		previous[e.Location] = e
	}
	return previous
}

// differ collects changes. Of what is compared under one key, the values are compared and, with them, a note of what
// the API has no member for.
type differ struct {
	old, new   *Policy
	everywhere []string // the edges of both, sorted
	edgesOf    map[string][]string
	changes    []Change
}

// item is something that either policy may have.
type item struct {
	identifier string
	values     *ChangeValues
	canonical  string // equal where the meaning is equal
	quiet      string // the same of what changes no table
	edges      []string
}

// compare adds the changes from one set of items to another. The keys are paths below the type.
func (d *differ) compare(kind ChangeType, old, next map[string]item) {
	for path, o := range old {
		n, stays := next[path]
		switch {
		case !stays:
			d.add(kind, ChangeRemove, path, o, item{})
		case o.canonical != n.canonical:
			d.add(kind, ChangeModify, path, o, n)
		case o.quiet != n.quiet:
			o.edges, n.edges = nil, nil
			d.add(kind, ChangeModify, path, o, n)
		}
	}
	for path, n := range next {
		if _, was := old[path]; !was {
			d.add(kind, ChangeAdd, path, item{}, n)
		}
	}
}

func (d *differ) add(kind ChangeType, action ChangeAction, path string, old, next item) {
	full := string(kind)
	if path != "" {
		path, _, _ = strings.Cut(path, "\x00") // what follows only tells items of one path apart
		full += "/" + path
	}
	d.changes = append(d.changes, Change{
		Type: kind, Action: action, Identifier: cmp.Or(next.identifier, old.identifier), IdentifierPath: full,
		Previous: old.values, New: next.values, Edges: sortedUnion(old.edges, next.edges),
	})
}

func sortChanges(changes []Change) {
	keys := make(map[*Change]string, len(changes))
	order := make([]*Change, len(changes))
	for i := range changes {
		order[i] = &changes[i]
		keys[order[i]] = changes[i].Key()
	}
	slices.SortFunc(order, func(a, b *Change) int { return cmp.Compare(keys[a], keys[b]) })
	sorted := make([]Change, len(changes))
	for i, c := range order {
		sorted[i] = *c
	}
	copy(changes, sorted)
}

// Key is what changes are ordered by and told apart by within one difference. It is of no use beyond that.
func (c *Change) Key() string {
	v := c.New
	if v == nil {
		v = c.Previous
	}
	detail := "" // tells changes of one path apart: the destinations of a static route, the directions of a share
	if v != nil {
		detail = v.DestinationIdentifier + v.RoutingPolicyDirection
	}
	rank := rune('A' + slices.Index(changeOrder, c.Type))
	return string(rank) + "\x00" + c.IdentifierPath + "\x00" + detail + "\x00" + string(c.Action)
}

func edgeNames(p *Policy) []string {
	names := make([]string, len(p.Edges))
	for i, e := range p.Edges {
		names[i] = e.Location
	}
	return names
}

func sortedUnion(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }
