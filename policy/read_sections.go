package policy

import (
	"strconv"
	"strings"

	"portolan/internal/words"
)

// maxEdges bounds the edges of a core network. Each is in another Region, and AWS has far fewer; a segment has a table at
// each, so that nothing else would bound a change set.
const maxEdges = 64

// maxRuleNumber is the largest number of a rule about attachments.
const maxRuleNumber = 65535

func (r *reader) configuration(n *node) Configuration {
	c := Configuration{VPNECMPSupport: true, DNSSupport: true}
	if !r.object(n, configurationShape) {
		return c
	}
	c.Place = n.place()
	for _, v := range r.between(n.get("asn-ranges"), 1, 0) {
		c.ASNRanges = append(c.ASNRanges, r.asnRange(v))
	}
	for _, v := range r.between(n.get("edge-locations"), 1, maxEdges) {
		c.EdgeLocations = append(c.EdgeLocations, r.edgeLocation(v))
	}
	c.InsideCIDRs = r.insideCIDRs(n.get("inside-cidr-blocks"))
	c.VPNECMPSupport = r.boolean(n.get("vpn-ecmp-support"), true)
	c.DNSSupport = r.boolean(n.get("dns-support"), true)
	c.SecurityGroupReferencingSupport = r.boolean(n.get("security-group-referencing-support"), false)
	return c
}

// asnRange reads "low-high". The private ASNs are 64512 to 65534 and 4200000000 to 4294967294.
func (r *reader) asnRange(n *node) ASNRange {
	rng := ASNRange{Place: n.place()}
	if !r.is(n, '"', "string") {
		return rng
	}
	lowText, highText, ok := strings.Cut(n.text, "-")
	low, err1 := strconv.ParseUint(strings.TrimSpace(lowText), 10, 32)
	high, err2 := strconv.ParseUint(strings.TrimSpace(highText), 10, 32)
	switch {
	case !ok || err1 != nil || err2 != nil:
		r.failNode(n, CodeInvalidASNRange, words.Clip(n.text)+" is not a valid ASN range", `write it as "64512-65534"`)
	case low >= high:
		r.failNode(n, CodeInvalidASNRange, words.Clip(n.text)+" is an empty ASN range", "the upper end is not part of a range: 64512-64513 is one ASN")
	case low >= 64512 && high <= 65535, low >= 4200000000 && high <= maxASN+1:
		rng.Low, rng.High = uint32(low), uint32(high)
	default:
		r.failNode(n, CodeInvalidASNRange, words.Clip(n.text)+" is outside the private ASNs", "ranges lie within 64512-65534 or 4200000000-4294967294")
	}
	return rng
}

func (r *reader) edgeLocation(n *node) EdgeLocation {
	e := EdgeLocation{Place: n.place()}
	if !r.object(n, edgeLocationShape) {
		return e
	}
	if v := n.get("location"); v != nil {
		e.Location, e.LocationAt = r.text(v), v.place()
		if v.kind == '"' && !isRegion(e.Location) {
			r.failNode(v, CodeInvalidString, "must be the code of a Region", "such as eu-west-1")
		}
	}
	if v := n.get("asn"); v != nil {
		e.ASN, e.ASNAt = uint32(r.integer(v, 1, maxASN)), v.place()
	}
	e.InsideCIDRs = r.insideCIDRs(n.get("inside-cidr-blocks"))
	return e
}

// namePattern is the names of segments and groups. AWS refuses hyphens and underscores; how long a name may be is told in two ways, and the longer is taken.
const namePattern = `^[A-Za-z][A-Za-z0-9]{0,99}$`

const maxName = 100

// isName is whether a text matches namePattern.
func isName(s string) bool {
	return s != "" && (s[0] < '0' || s[0] > '9') && lettersAndDigits(s)
}

// lettersAndDigits is whether a text is that, one at least, and short enough for a name.
func lettersAndDigits(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return s != "" && len(s) <= maxName
}

func (r *reader) insideCIDRs(n *node) []CIDR {
	list := r.cidrs(n)
	for _, block := range list {
		p := block.Prefix
		if p.IsValid() && (p.Addr().Is4() && p.Bits() > 24 || p.Addr().Is6() && p.Bits() > 64) {
			r.fail(block.Place, CodeInvalidCIDR, p.String()+" is too small", "an inside CIDR block is a /24 or larger, for IPv6 a /64 or larger")
		}
	}
	return list
}

func (r *reader) name(n *node) (string, Place) {
	if n == nil {
		return "", Place{}
	}
	s := r.text(n)
	if n.kind == '"' && !isName(s) {
		r.failNode(n, CodeInvalidString, "must begin with a letter and have letters and digits only, at most 100", "")
	}
	return s, n.place()
}

func (r *reader) segment(n *node) DocumentSegment {
	s := DocumentSegment{Place: n.place(), RequireAcceptance: true}
	if !r.object(n, segmentShape) {
		return s
	}
	s.Name, s.NameAt = r.name(n.get("name"))
	s.Description = r.text(n.get("description"))
	s.EdgeLocations = r.names(n.get("edge-locations"), 1, 0)
	s.Isolate = r.boolean(n.get("isolate-attachments"), false)
	s.RequireAcceptance = r.boolean(n.get("require-attachment-acceptance"), true)
	s.DenyFilter = r.names(n.get("deny-filter"), 0, 0)
	s.AllowFilter = r.names(n.get("allow-filter"), 0, 0)
	return s
}

func (r *reader) group(n *node) DocumentGroup {
	g := DocumentGroup{Place: n.place(), RequireAcceptance: true}
	if !r.object(n, groupShape) {
		return g
	}
	g.Name, g.NameAt = r.name(n.get("name"))
	g.Description = r.text(n.get("description"))
	g.RequireAcceptance = r.boolean(n.get("require-attachment-acceptance"), true)
	return g
}

func (r *reader) attachmentPolicy(n *node) AttachmentPolicy {
	p := AttachmentPolicy{Place: n.place()}
	if !r.object(n, attachmentPolicyShape) {
		return p
	}
	p.Description = r.text(n.get("description"))
	p.RuleNumber, p.NumberAt = r.ruleNumber(n.get("rule-number"), maxRuleNumber)
	for _, v := range r.array(n.get("conditions")) {
		p.Conditions = append(p.Conditions, r.condition(v))
	}
	logic := n.get("condition-logic")
	if len(p.Conditions) > 1 {
		if logic == nil {
			r.missing(n, "condition-logic", "with more than one condition, say whether all (and) or any (or) must hold")
		} else {
			logic.optional = false
		}
	}
	p.Or = r.logic(logic)
	if v := n.get("action"); v != nil {
		p.Action = r.association(v)
	}
	return p
}

func (r *reader) ruleNumber(n *node, high int64) (int, Place) {
	if n == nil {
		return 0, Place{}
	}
	return int(r.integer(n, 1, high)), n.place()
}

func (r *reader) logic(n *node) (or bool) {
	return r.oneOf(n, logics) == "or"
}

var (
	logics         = []string{"and", "or"}
	conditionTypes = []string{"any", "tag-exists", "tag-name", "tag-value", "region", "attachment-type", "account-id", "resource-id"}
	operators      = []string{"equals", "not-equals", "contains", "begins-with"}
	methods        = []string{"constant", "tag"}
)

func (r *reader) condition(n *node) Condition {
	c := Condition{Place: n.place()}
	if n.kind != '{' || n.get("type") == nil {
		r.object(n, typeShape)
		return c
	}
	c.Type = r.oneOf(n.get("type"), conditionTypes)
	if c.Type == "" {
		return c
	}
	r.object(n, conditionShapes[c.Type])
	c.Key = r.text(n.get("key"))
	c.Operator = r.oneOf(n.get("operator"), operators)
	c.Value = r.text(n.get("value"))
	return c
}

func (r *reader) association(n *node) AttachmentAction {
	a := AttachmentAction{Place: n.place()}
	if n.kind == '{' && n.get("association-method") == nil && n.get("add-to-network-function-group") != nil {
		r.object(n, intoGroupShape)
		a.Group = r.named(n.get("add-to-network-function-group"))
	} else {
		switch method := n.get("association-method"); {
		case method == nil:
			r.object(n, anyAssociationShape)
		default:
			switch r.oneOf(method, methods) {
			case "constant":
				r.object(n, constantShape)
				a.Segment = r.named(n.get("segment"))
			case "tag":
				r.object(n, tagShape)
				a.TagKey = r.named(n.get("tag-value-of-key"))
			}
		}
	}
	if v := n.get("require-acceptance"); v != nil {
		a.RequireAcceptance = r.boolean(v, false)
		if v.kind == 'f' {
			r.failNode(v, CodeConstantViolation, "the property must be omitted or the value must be true", "a rule can add the need for acceptance, not take the segment's away")
		}
	}
	return a
}

// isRegion tells whether a text has the form of a Region's code: letters, words and a number with hyphens between them. It
// stands in the place of ^[a-z]{2,}(-[a-z]+)+-[0-9]+$, which is matched once per edge and takes memory each time.
func isRegion(s string) bool {
	made := func(part string, low, high byte) bool {
		for i := range len(part) {
			if part[i] < low || part[i] > high {
				return false
			}
		}
		return part != ""
	}
	first, rest, _ := strings.Cut(s, "-")
	if len(first) < 2 || !made(first, 'a', 'z') {
		return false
	}
	for words := 0; ; words++ {
		part, more, found := strings.Cut(rest, "-")
		if !found {
			return words > 0 && made(part, '0', '9')
		}
		if !made(part, 'a', 'z') {
			return false
		}
		rest = more
	}
}
