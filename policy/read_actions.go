package policy

import (
	"strings"

	"portolan/internal/words"
)

// attachmentPattern is the ids of attachments: isAttachmentID.
const attachmentPattern = `^attachment-[a-f0-9]{17}$`

var (
	actions            = []string{ActionShare, ActionCreateRoute, ActionSendVia, ActionSendTo, ActionAssociateRoutingPolicy}
	shareModes         = []string{"attachment-route"}
	sendViaModes       = []string{SingleHop, DualHop}
	maxPolicies        = 5 // of one association
	attachmentIDFormat = `attachment identifiers must be prefixed with "attachment-" and must end in 17 characters where all characters are from the set "a..f" or "0..9"`
)

func isAttachmentID(s string) bool {
	digits, ok := strings.CutPrefix(s, "attachment-")
	return ok && len(digits) == 17 && strings.Trim(digits, "abcdef0123456789") == ""
}

// segmentAction reads the branch that the action names; AWS complains about all of them.
func (r *reader) segmentAction(n *node) SegmentAction {
	a := SegmentAction{Place: n.place()}
	action := n.get("action")
	if action == nil {
		if r.is(n, '{', "object") {
			r.missing(n, "action", "one of share, create-route, send-via, send-to, associate-routing-policy")
		}
		return a
	}
	switch a.Action = r.oneOf(action, actions); a.Action {
	case ActionShare:
		r.object(n, shareShape)
		r.mode(&a, n.get("mode"), shareModes)
		a.ShareWith = r.shareWith(n.get("share-with"))
		a.RoutingPolicyNames = r.names(n.get("routing-policy-names"), 0, maxPolicies)
	case ActionCreateRoute:
		r.object(n, createRouteShape)
		a.DestinationCIDRs = r.cidrs(n.get("destination-cidr-blocks"))
		r.destinations(&a, n.get("destinations"))
	case ActionSendVia:
		r.object(n, sendViaShape)
		r.mode(&a, n.get("mode"), sendViaModes)
		a.WhenSentTo = r.whenSentTo(n.get("when-sent-to"))
		a.Via = r.via(n.get("via"))
	case ActionSendTo:
		r.object(n, sendToShape)
		a.WhenSentTo = r.whenSentTo(n.get("when-sent-to"))
		a.Via = r.via(n.get("via"))
	case ActionAssociateRoutingPolicy:
		r.object(n, associateShape)
		a.EdgeAssociation = r.edgeAssociation(n.get("edge-location-association"))
	default:
		return a
	}
	a.Segment = r.named(n.get("segment"))
	a.Description = r.text(n.get("description"))
	return a
}

func (r *reader) mode(a *SegmentAction, n *node, modes []string) {
	if n != nil {
		a.Mode, a.ModeAt = r.oneOf(n, modes), n.place()
	}
}

// shareWith takes an array of names, "*", ["*"] and {"except": […]}.
func (r *reader) shareWith(n *node) SegmentSet {
	if n == nil {
		return SegmentSet{}
	}
	s := SegmentSet{Place: n.place()}
	switch n.kind {
	case '"':
		if s.All = n.text == "*"; !s.All {
			r.failNode(n, CodeConstantViolation, "must be a constant value *", "a segment stands in a list: [\""+words.Clip(n.text)+"\"]")
		}
	case '{':
		r.object(n, exceptShape)
		s.All, s.Except = true, r.names(n.get("except"), 0, 0)
	case '[':
		s = r.list(n)
	default:
		r.is(n, '[', "array")
	}
	return s
}

// list is an array of names, or one that holds nothing but "*".
func (r *reader) list(n *node) SegmentSet {
	s := SegmentSet{Place: n.place(), Names: r.names(n, 1, 0)}
	if len(s.Names) == 1 && s.Names[0].Name == "*" {
		s.All, s.Names = true, nil
	}
	for _, name := range s.Names {
		if name.Name == "*" {
			r.fail(name.Place, CodeConstantViolation, "* stands for all other segments and may only exist in a singleton list", "")
		}
	}
	return s
}

// whenSentTo takes {"segments": …} with an array of names, "*" or one name, and the last two without the object around
// them. Unlike share-with it does not take ["*"]: the service refuses that.
func (r *reader) whenSentTo(n *node) SegmentSet {
	if n == nil {
		return SegmentSet{}
	}
	bare := n.kind != '{'
	if !bare {
		at := n.place()
		r.object(n, whenSentToShape)
		if n = n.get("segments"); n == nil {
			return SegmentSet{Place: at}
		}
	}
	switch n.kind {
	case '"':
		if n.text == "*" {
			return SegmentSet{Place: n.place(), All: true}
		}
		return SegmentSet{Place: n.place(), Names: []Named{r.named(n)}}
	case '[':
		if bare {
			r.failNode(n, CodeTypeMismatch, "array found, object expected", `write {"segments": […]}`)
			return SegmentSet{Place: n.place()}
		}
		s := SegmentSet{Place: n.place(), Names: r.names(n, 1, 0)}
		for _, name := range s.Names {
			if name.Name == "*" {
				r.fail(name.Place, CodeConstantViolation, "* stands for all other segments and is not an element of a list here", `write "segments": "*", without the brackets`)
			}
		}
		return s
	default:
		if bare {
			r.is(n, '{', "object")
		} else {
			r.is(n, '[', "array")
		}
		return SegmentSet{Place: n.place()}
	}
}

func (r *reader) destinations(a *SegmentAction, n *node) {
	if n == nil {
		return
	}
	a.DestinationsAt = n.place()
	a.Destinations = r.names(n, 1, 0)
	for _, d := range a.Destinations {
		switch {
		case !d.is('"'):
		case d.Name == Blackhole:
			if len(a.Destinations) > 1 {
				r.failNode(n, CodeMaximumItemsExceeded, "blackhole may only exist in a singleton list", "a route either drops or leads to attachments")
				return
			}
		case isAttachmentID(d.Name):
		case words.Distance(d.Name, Blackhole, 3) < 3:
			r.fail(d.Place, CodeConstantViolation, "must be a constant value blackhole", "")
		default:
			r.fail(d.Place, CodeInvalidString, attachmentIDFormat, "such as attachment-0123456789abcdef0")
		}
	}
}

func (r *reader) via(n *node) Via {
	if n == nil {
		return Via{}
	}
	v := Via{Place: n.place()}
	if !r.object(n, viaShape) {
		return v
	}
	if groups := n.get("network-function-groups"); groups != nil {
		v.Groups, v.GroupsAt = r.names(groups, 1, 1), groups.place()
	}
	for _, o := range r.array(n.get("with-edge-overrides")) {
		v.Overrides = append(v.Overrides, r.override(o))
	}
	return v
}

func (r *reader) override(n *node) EdgeOverride {
	o := EdgeOverride{Place: n.place()}
	if !r.object(n, overrideShape) {
		return o
	}
	for _, set := range r.between(n.get("edge-sets"), 1, 0) {
		if names := r.names(set, 1, 0); len(names) > 0 {
			o.Sets = append(o.Sets, names)
		}
	}
	o.Use = r.named(n.get("use-edge-location"))
	return o
}

func (r *reader) edgeAssociation(n *node) EdgeLocationAssociation {
	if n == nil {
		return EdgeLocationAssociation{}
	}
	e := EdgeLocationAssociation{Place: n.place()}
	if !r.object(n, betweenShape) {
		return e
	}
	e.EdgeLocation = r.named(n.get("edge-location"))
	e.PeerEdgeLocation = r.named(n.get("peer-edge-location"))
	e.RoutingPolicyNames = r.names(n.get("routing-policy-names"), 1, maxPolicies)
	return e
}
