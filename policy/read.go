package policy

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Parse reads a document of either version. The errors are those of its form: syntax, types, missing and unknown
// properties, values outside an enumeration. A document is returned only when there are none.
func Parse(text []byte) (*Document, Errors) {
	r := &reader{source: newSource(text)}
	root, syntax := parseTree(text)
	if syntax != nil {
		syntax.Line, syntax.Column = r.source.position(syntax.offset)
		return nil, Errors{*syntax}
	}
	doc := r.document(root)
	doc.source = r.source
	if len(r.errs) > 0 {
		return nil, r.errs.sorted()
	}
	return doc, nil
}

// reader turns nodes into a Document and collects what is wrong with their form.
type reader struct {
	source *source
	errs   Errors
}

func (r *reader) fail(n *node, code, message, hint string) {
	r.failAt(n.place(r.source), code, message, hint)
}

func (r *reader) failAt(p Place, code, message, hint string) {
	if len(r.errs) >= 4*maxErrors {
		return // sorted and cut later; this only bounds the work
	}
	line, column := r.source.position(p.at)
	r.errs = append(r.errs, Error{Code: code, Message: p.Path + ": " + message, Path: p.Path, Line: line, Column: column, Hint: hint, offset: p.at})
}

func (n *node) place(s *source) Place {
	line, _ := s.position(n.at)
	return Place{Path: n.path, Line: line, at: n.at}
}

var kindNames = map[jsontext.Kind]string{
	'{': "object", '[': "array", '"': "string", '0': "number", 't': "boolean", 'f': "boolean", 'n': "null",
}

func (r *reader) is(n *node, kind jsontext.Kind, expected string) bool {
	if n.kind == kind || kind == 't' && n.kind == 'f' {
		return true
	}
	r.fail(n, CodeTypeMismatch, kindNames[n.kind]+" found, "+expected+" expected", "")
	return false
}

// object checks that n is an object of known properties with the required ones, which are marked by "!" in front.
func (r *reader) object(n *node, properties ...string) bool {
	if !r.is(n, '{', "object") {
		return false
	}
	for i, key := range n.keys {
		if !slices.Contains(properties, key) && !slices.Contains(properties, "!"+key) {
			path := childPath(n.path, key)
			line, _ := r.source.position(n.keysAt[i])
			hint := ""
			if near := nearest(key, properties); near != "" {
				hint = "did you mean " + near + "?"
			}
			r.failAt(Place{path, line, n.keysAt[i]}, CodeUnknownProperty, "is not a known property", hint)
		}
	}
	for _, p := range properties {
		if key, required := strings.CutPrefix(p, "!"); required && n.get(key) == nil {
			path := childPath(n.path, key)
			p := n.place(r.source)
			p.Path = path
			r.failAt(p, CodeRequiredProperty, "is missing but it is required", "")
		}
	}
	return true
}

func (r *reader) array(n *node) []*node {
	if n == nil || !r.is(n, '[', "array") {
		return nil
	}
	return n.values
}

func (r *reader) text(n *node) string {
	if n == nil || !r.is(n, '"', "string") {
		return ""
	}
	return n.text
}

func (r *reader) boolean(n *node, absent bool) bool {
	if n == nil || !r.is(n, 't', "boolean") {
		return absent
	}
	return n.kind == 't'
}

func (r *reader) integer(n *node, low, high int64) int64 {
	if n == nil || !r.is(n, '0', "integer") {
		return 0
	}
	v, err := strconv.ParseInt(n.text, 10, 64)
	if err != nil {
		r.fail(n, CodeTypeMismatch, "number found, integer expected", "")
		return 0
	}
	if v < low || v > high {
		r.fail(n, CodeOutOfRange, fmt.Sprintf("must have a value from %d to %d", low, high), "")
	}
	return v
}

func (r *reader) oneOf(n *node, values ...string) string {
	s := r.text(n)
	if n == nil || n.kind != '"' || slices.Contains(values, s) {
		return s
	}
	if len(values) == 1 {
		r.fail(n, CodeConstantViolation, "must be a constant value "+values[0], "")
		return s
	}
	hint := ""
	if near := nearest(s, values); near != "" {
		hint = "did you mean " + near + "?"
	}
	r.fail(n, CodeConstantViolation, "does not have a value in the enumeration ["+strings.Join(values, ", ")+"]", hint)
	return s
}

func (r *reader) named(n *node) Named {
	if n == nil {
		return Named{}
	}
	return Named{Place: n.place(r.source), Name: r.text(n)}
}

func (r *reader) names(n *node) []Named {
	if n == nil {
		return nil
	}
	list := []Named{}
	for _, v := range r.array(n) {
		list = append(list, r.named(v))
	}
	return list
}

func (r *reader) atLeastOne(n *node) {
	if n != nil && n.kind == '[' && len(n.values) == 0 {
		r.fail(n, CodeMinimumItems, "must have at least 1 item", "")
	}
}

func (r *reader) document(n *node) *Document {
	doc := &Document{}
	if !r.object(n, "!version", "!core-network-configuration", "!segments", "network-function-groups", "segment-actions",
		"attachment-policies", "routing-policies", "attachment-routing-policy-rules") {
		return doc
	}
	doc.Version = r.oneOf(n.get("version"), "2021.12", "2025.11")
	if c := n.get("core-network-configuration"); c != nil {
		doc.Configuration = r.configuration(c)
	}
	r.atLeastOne(n.get("segments"))
	for _, s := range r.array(n.get("segments")) {
		doc.Segments = append(doc.Segments, r.segment(s))
	}
	for _, g := range r.array(n.get("network-function-groups")) {
		doc.NetworkFunctionGroups = append(doc.NetworkFunctionGroups, r.group(g))
	}
	for _, p := range r.array(n.get("attachment-policies")) {
		doc.AttachmentPolicies = append(doc.AttachmentPolicies, r.attachmentPolicy(p))
	}
	doc.SegmentActions = r.kept(n.get("segment-actions"))
	doc.RoutingPolicies = r.kept(n.get("routing-policies"))
	doc.AttachmentRoutingPolicyRules = r.kept(n.get("attachment-routing-policy-rules"))
	if doc.Version == "2021.12" {
		for _, key := range []string{"routing-policies", "attachment-routing-policy-rules"} {
			if v := n.get(key); v != nil {
				r.fail(v, CodeConstantViolation, "needs version 2025.11", `set "version" to "2025.11"`)
			}
		}
	}
	return doc
}

// kept is a section of objects that are not looked into.
func (r *reader) kept(n *node) *node {
	for _, v := range r.array(n) {
		r.is(v, '{', "object")
	}
	return n
}

func (r *reader) configuration(n *node) Configuration {
	c := Configuration{Place: n.place(r.source), VPNECMPSupport: true, DNSSupport: true}
	if !r.object(n, "!asn-ranges", "!edge-locations", "inside-cidr-blocks", "vpn-ecmp-support", "dns-support", "security-group-referencing-support") {
		return c
	}
	if v := n.get("asn-ranges"); v != nil {
		c.ASNRangesAt = v.place(r.source)
		r.atLeastOne(v)
		for _, item := range r.array(v) {
			c.ASNRanges = append(c.ASNRanges, r.asnRange(item))
		}
	}
	r.atLeastOne(n.get("edge-locations"))
	for _, item := range r.array(n.get("edge-locations")) {
		c.EdgeLocations = append(c.EdgeLocations, r.edgeLocation(item))
	}
	if v := n.get("inside-cidr-blocks"); v != nil {
		c.InsideCIDRsAt = v.place(r.source)
		c.InsideCIDRs = r.insideCIDRs(v)
	}
	c.VPNECMPSupport = r.boolean(n.get("vpn-ecmp-support"), true)
	c.DNSSupport = r.boolean(n.get("dns-support"), true)
	c.SecurityGroupRefs = r.boolean(n.get("security-group-referencing-support"), false)
	return c
}

// The private ASNs a range may be taken from.
var privateASNs = []ASNRange{{Low: 64512, High: 65535}, {Low: 4200000000, High: 4294967295}}

func (r *reader) asnRange(n *node) ASNRange {
	text := r.text(n)
	if n.kind != '"' {
		return ASNRange{}
	}
	lowText, highText, ok := strings.Cut(text, "-")
	low, err1 := strconv.ParseUint(lowText, 10, 32)
	high, err2 := strconv.ParseUint(highText, 10, 32)
	rng := ASNRange{Place: n.place(r.source), Low: uint32(low), High: uint32(high)}
	switch {
	case !ok || err1 != nil || err2 != nil:
		r.fail(n, CodeInvalidASNRange, text+" is not a valid ASN range", `write it as "64512-65534"`)
		return ASNRange{}
	case low >= high:
		r.fail(n, CodeInvalidASNRange, text+" is an empty ASN range", "the upper end is not part of a range: 64512-64513 is one ASN")
		return ASNRange{}
	}
	for _, private := range privateASNs {
		if private.contains(rng.Low) && rng.High <= private.High {
			return rng
		}
	}
	r.fail(n, CodeInvalidASNRange, text+" is outside the private ASNs", "ranges lie within 64512-65534 or 4200000000-4294967294")
	return ASNRange{}
}

func (r *reader) edgeLocation(n *node) EdgeLocation {
	e := EdgeLocation{Place: n.place(r.source)}
	if !r.object(n, "!location", "asn", "inside-cidr-blocks") {
		return e
	}
	if v := n.get("location"); v != nil {
		e.Location = r.text(v)
		if v.kind == '"' && !regionPattern.MatchString(e.Location) {
			r.fail(v, CodeInvalidString, "must be the code of a Region", "such as eu-west-1")
		}
	}
	if v := n.get("asn"); v != nil {
		e.ASN = uint32(r.integer(v, 1, 4294967294))
		e.ASNAt = v.place(r.source)
	}
	if v := n.get("inside-cidr-blocks"); v != nil {
		e.InsideCIDRs = r.insideCIDRs(v)
	}
	return e
}

var (
	regionPattern = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	// AWS refuses hyphens and underscores; how long a name may be is told in two ways, and the longer is taken.
	namePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,99}$`)
)

func (r *reader) insideCIDRs(n *node) []netip.Prefix {
	r.atLeastOne(n)
	var list []netip.Prefix
	for _, v := range r.array(n) {
		if !r.is(v, '"', "string") {
			continue
		}
		prefix, err := netip.ParsePrefix(v.text)
		switch {
		case err != nil:
			r.fail(v, CodeInvalidCIDR, v.text+" is not a CIDR block", "")
			continue
		case prefix != prefix.Masked():
			r.fail(v, CodeInvalidCIDR, v.text+" has bits set after its prefix", "write "+prefix.Masked().String())
			continue
		case prefix.Addr().Is4() && prefix.Bits() > 24, prefix.Addr().Is6() && prefix.Bits() > 64:
			r.fail(v, CodeInvalidCIDR, v.text+" is too small", "an inside CIDR block is a /24 or larger, for IPv6 a /64 or larger")
			continue
		}
		if i := slices.IndexFunc(list, prefix.Overlaps); i >= 0 {
			r.fail(v, CodeInvalidCIDR, v.text+" overlaps "+list[i].String(), "")
			continue
		}
		list = append(list, prefix)
	}
	return list
}

func (r *reader) name(n *node) string {
	s := r.text(n)
	if n != nil && n.kind == '"' && !namePattern.MatchString(s) {
		r.fail(n, CodeInvalidString, "must begin with a letter and have letters and digits only, at most 100", "")
	}
	return s
}

func (r *reader) segment(n *node) DocumentSegment {
	s := DocumentSegment{Place: n.place(r.source), RequireAcceptance: true}
	if !r.object(n, "!name", "description", "edge-locations", "isolate-attachments", "require-attachment-acceptance", "deny-filter", "allow-filter") {
		return s
	}
	s.Name = r.name(n.get("name"))
	s.Description = r.text(n.get("description"))
	s.EdgeLocations = r.names(n.get("edge-locations"))
	r.atLeastOne(n.get("edge-locations"))
	s.Isolate = r.boolean(n.get("isolate-attachments"), false)
	s.RequireAcceptance = r.boolean(n.get("require-attachment-acceptance"), true)
	s.DenyFilter = r.names(n.get("deny-filter"))
	s.AllowFilter = r.names(n.get("allow-filter"))
	if n.get("deny-filter") != nil && n.get("allow-filter") != nil {
		r.fail(n, CodeMutuallyExclusive, "deny-filter and allow-filter exclude each other", "keep one of the two")
	}
	return s
}

func (r *reader) group(n *node) DocumentGroup {
	g := DocumentGroup{Place: n.place(r.source), RequireAcceptance: true}
	if !r.object(n, "!name", "description", "require-attachment-acceptance") {
		return g
	}
	g.Name = r.name(n.get("name"))
	g.Description = r.text(n.get("description"))
	g.RequireAcceptance = r.boolean(n.get("require-attachment-acceptance"), true)
	return g
}

func (r *reader) attachmentPolicy(n *node) AttachmentPolicy {
	p := AttachmentPolicy{Place: n.place(r.source)}
	if !r.object(n, "!rule-number", "description", "condition-logic", "!conditions", "!action") {
		return p
	}
	p.Description = r.text(n.get("description"))
	if v := n.get("rule-number"); v != nil {
		p.RuleNumber = int(r.integer(v, 1, 65535))
		p.NumberAt = v.place(r.source)
	}
	logic := n.get("condition-logic")
	if logic != nil {
		p.Or = r.oneOf(logic, "and", "or") == "or"
	}
	for _, c := range r.array(n.get("conditions")) {
		p.Conditions = append(p.Conditions, r.condition(c))
	}
	if len(p.Conditions) > 1 && logic == nil {
		at := p.Place
		at.Path = childPath(n.path, "condition-logic")
		r.failAt(at, CodeRequiredProperty, "is missing but it is required", "with more than one condition, say whether all (and) or any (or) must hold")
	}
	if a := n.get("action"); a != nil {
		p.Action = r.association(a)
	}
	return p
}

// The properties of each condition type besides type. The guide writes "account"; the service takes "account-id" only.
var conditionProperties = map[string][]string{
	"any":             {"!type"},
	"tag-exists":      {"!type", "!key"},
	"tag-name":        {"!type", "!key"},
	"tag-value":       {"!type", "!key", "!operator", "!value"},
	"region":          {"!type", "!operator", "!value"},
	"attachment-type": {"!type", "!operator", "!value"},
	"account-id":      {"!type", "!operator", "!value"},
	"resource-id":     {"!type", "!operator", "!value"},
}

var (
	conditionTypes  = []string{"any", "tag-exists", "tag-name", "tag-value", "region", "attachment-type", "account-id", "resource-id"}
	operators       = []string{"equals", "not-equals", "contains", "begins-with"}
	attachmentTypes = []string{"vpc", "vpn", "site-to-site-vpn", "connect", "transit-gateway-route-table", "direct-connect-gateway"}
)

func (r *reader) condition(n *node) Condition {
	c := Condition{Place: n.place(r.source)}
	if n.kind != '{' || n.get("type") == nil {
		r.object(n, "!type", "key", "operator", "value")
		return c
	}
	c.Type = r.oneOf(n.get("type"), conditionTypes...)
	properties, ok := conditionProperties[c.Type]
	if !ok {
		return c
	}
	r.object(n, properties...)
	c.Key = r.text(n.get("key"))
	if v := n.get("operator"); v != nil {
		c.Operator = r.oneOf(v, operators...)
	}
	if v := n.get("value"); v != nil {
		c.Value = r.text(v)
		if c.Type == "attachment-type" && c.Operator == "equals" {
			r.oneOf(v, attachmentTypes...)
		}
	}
	return c
}

func (r *reader) association(n *node) Association {
	a := Association{Place: n.place(r.source)}
	if n.kind == '{' && n.get("add-to-network-function-group") != nil {
		r.object(n, "!add-to-network-function-group", "require-acceptance")
		a.Group = r.named(n.get("add-to-network-function-group"))
	} else if r.object(n, "!association-method", "segment", "tag-value-of-key", "require-acceptance", "add-to-network-function-group") {
		method := n.get("association-method")
		switch r.oneOf(method, "constant", "tag") {
		case "constant":
			r.object(n, "!association-method", "!segment", "require-acceptance")
			a.Segment = r.named(n.get("segment"))
		case "tag":
			r.object(n, "!association-method", "!tag-value-of-key", "require-acceptance")
			a.TagKey = r.text(n.get("tag-value-of-key"))
		}
	}
	if v := n.get("require-acceptance"); v != nil {
		a.RequireAcceptance = r.boolean(v, false)
		if v.kind == 'f' {
			r.fail(v, CodeConstantViolation, "the property must be omitted or the value must be true", "a rule can add the need for acceptance, not take the segment's away")
		}
	}
	return a
}

// nearest is the known word a misspelt one is closest to, "" when none is close.
func nearest(word string, known []string) string {
	best, bestDistance := "", 3
	for _, k := range known {
		k = strings.TrimPrefix(k, "!")
		if d := distance(word, k); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance counts the edits between two short words.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
