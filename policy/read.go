package policy

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"portolan/internal/words"
)

// Parse reads the text of a document of either version. The errors are those that leave nothing to be read: a document
// that is too large, is not JSON, or gives a member twice. Everything else is for [Check] to find, so that an author
// sees all of it at once.
func Parse(text []byte) (*Document, Errors) { return parse(text, len(text), 1, 1) }

// ParseAt is [Parse] of a document that stands in a larger text: lines and columns are those of that text, in which the
// document begins at a line and a column, both from 1. White space around its tokens does not count for its size, as it
// is not what would be sent.
func ParseAt(text []byte, line, column int) (*Document, Errors) {
	return parse(text, compactSize(text), line, column)
}

func parse(text []byte, size, line, column int) (*Document, Errors) {
	root, errs := parseTree(text, size, line, column)
	if len(errs) > 0 {
		return nil, errs.sorted()
	}
	r := &reader{}
	doc := r.document(root)
	doc.form = r.errs
	return doc, nil
}

// reader turns nodes into a Document and collects what is wrong with their form. Every method takes a nil node for a
// member that is not there.
type reader struct{ collector }

func (r *reader) failNode(n *node, code, message, hint string) {
	r.fail(n.place(), code, message, hint)
}

// is says whether the node is of a kind, and reports it when not.
func (r *reader) is(n *node, kind byte, expected string) bool {
	if n == nil {
		return false
	}
	if n.kind == kind {
		return true
	}
	r.failNode(n, CodeTypeMismatch, kindName(n)+" found, "+expected+" expected", asExpected(n, expected))
	return false
}

// asExpected is how a value of the wrong type is best written, "" when nobody can tell.
func asExpected(n *node, expected string) string {
	switch {
	case n.kind == 'n' && n.optional:
		return "leave the member out: null is not the same"
	case n.kind == '"' && expected == "array":
		return "a list, even of one: [" + strconv.Quote(words.Clip(n.text)) + "]"
	case n.kind == '0' && expected == "string":
		return "put it in quotation marks: " + strconv.Quote(words.Clip(n.text))
	case n.kind == '"' && expected == "boolean" && (n.text == "true" || n.text == "false"):
		return "write " + n.text + " without quotation marks"
	case n.kind == '"' && expected == "integer" && n.text != "" && strings.Trim(n.text, "0123456789") == "":
		return "write " + words.Clip(n.text) + " without quotation marks"
	}
	return ""
}

func kindName(n *node) string {
	switch n.kind {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case '0':
		if strings.ContainsAny(n.text, ".eE") {
			return "number"
		}
		return "integer"
	case 'n':
		return "null"
	default:
		return "boolean"
	}
}

// object says whether the node is an object, and reports members that the shape does not know or misses.
func (r *reader) object(n *node, s *shape) bool {
	if !r.is(n, '{', "object") {
		return false
	}
	for _, v := range n.values {
		known := slices.Contains(s.keys, v.key)
		v.optional = known && !slices.Contains(s.required, v.key)
		if !known && !r.full() {
			line, column := n.source.position(int(v.keyAt))
			path := v.place().Path()
			r.errs = append(r.errs, Error{
				Code: CodeUnknownProperty, Message: path + ": is not a known property", Path: path,
				Line: line, Column: column, Hint: words.DidYouMean(v.key, s.keys), offset: int(v.keyAt),
			})
		}
	}
	for _, key := range s.required {
		if n.get(key) == nil {
			r.missing(n, key, "")
		}
	}
	return true
}

func (r *reader) missing(n *node, key, hint string) {
	r.failChild(n.place(), key, CodeRequiredProperty, "is missing but it is required", hint)
}

func (r *reader) array(n *node) []*node {
	if !r.is(n, '[', "array") {
		return nil
	}
	return n.values
}

// between is array with bounds on the number of elements; 0 stands for no upper bound.
func (r *reader) between(n *node, least, most int) []*node {
	values := r.array(n)
	switch {
	case n == nil || n.kind != '[':
	case len(values) < least:
		r.failNode(n, CodeMinimumItems, fmt.Sprintf("must have at least %d item", least), "")
	case most > 0 && len(values) > most:
		r.failNode(n, CodeMaximumItemsExceeded, fmt.Sprintf("must have at most %d items, not %d", most, len(values)), "")
	}
	return values
}

func (r *reader) text(n *node) string {
	if !r.is(n, '"', "string") {
		return ""
	}
	return n.text
}

func (r *reader) boolean(n *node, absent bool) bool {
	switch {
	case n == nil:
		return absent
	case n.kind == 't', n.kind == 'f':
		return n.kind == 't'
	}
	return r.is(n, 't', "boolean")
}

// integer is a number within bounds, 0 when it is none.
func (r *reader) integer(n *node, low, high int64) int64 {
	if !r.is(n, '0', "integer") {
		return 0
	}
	return r.digits(n, low, high, "number found, integer expected")
}

// number is an integer that may be written as a string of digits too.
func (r *reader) number(n *node, low, high int64) int64 {
	if n != nil && n.kind == '"' && n.text != "" && strings.Trim(n.text, "0123456789") == "" {
		return r.digits(n, low, high, "")
	}
	if n != nil && n.kind == '"' {
		r.failNode(n, CodeTypeMismatch, "string found, integer expected", "a number, or a string that has digits only")
		return 0
	}
	return r.integer(n, low, high)
}

func (r *reader) digits(n *node, low, high int64, mismatch string) int64 {
	v, err := strconv.ParseInt(n.text, 10, 64)
	switch {
	case err != nil && strings.ContainsAny(n.text, ".eE"):
		r.failNode(n, CodeTypeMismatch, mismatch, "")
		return 0
	case err != nil, v < low, v > high:
		r.failNode(n, CodeOutOfRange, fmt.Sprintf("must have a value from %d to %d", low, high), "")
		return 0
	}
	return v
}

// oneOf is a string out of a list, "" when it is none of them.
func (r *reader) oneOf(n *node, values []string) string {
	s := r.text(n)
	switch {
	case n == nil || n.kind != '"':
	case slices.Contains(values, s):
		return s
	case len(values) == 1:
		r.failNode(n, CodeConstantViolation, "must be a constant value "+values[0], "")
	default:
		r.failNode(n, CodeConstantViolation, "does not have a value in the enumeration ["+strings.Join(values, ", ")+"]", words.DidYouMean(s, values))
	}
	return ""
}

func (r *reader) named(n *node) Named {
	if n == nil {
		return Named{}
	}
	return Named{n.place(), r.text(n)}
}

// names is a list of names; nil when the member is absent, and only then.
func (r *reader) names(n *node, least, most int) []Named {
	if n == nil {
		return nil
	}
	list := make([]Named, 0, len(n.values))
	for _, v := range r.between(n, least, most) {
		list = append(list, r.named(v))
	}
	return list
}

// cidr is a block of addresses. Bits after the prefix are refused: no route has them, so nothing would ever match.
func (r *reader) cidr(n *node) CIDR {
	if n == nil {
		return CIDR{}
	}
	block := CIDR{Place: n.place()}
	if !r.is(n, '"', "string") {
		return block
	}
	prefix, err := netip.ParsePrefix(n.text)
	switch {
	case err != nil:
		r.failNode(n, CodeInvalidCIDR, words.Clip(n.text)+" is not a CIDR block", "such as 10.0.0.0/16 or 2001:db8::/56")
	case prefix.Addr().Is4In6():
		r.failNode(n, CodeInvalidCIDR, n.text+" is an IPv4 block written as an IPv6 block", "write the IPv4 block")
	case prefix != prefix.Masked():
		r.failNode(n, CodeInvalidCIDR, n.text+" has bits set after its prefix", "write "+prefix.Masked().String())
	default:
		block.Prefix = prefix
	}
	return block
}

func (r *reader) cidrs(n *node) []CIDR {
	var list []CIDR
	for _, v := range r.between(n, 1, 0) {
		list = append(list, r.cidr(v))
	}
	return list
}

const maxASN = math.MaxUint32 - 1

func (r *reader) document(n *node) *Document {
	doc := &Document{Place: n.place()}
	if !r.object(n, documentShape) {
		return doc
	}
	doc.Version = r.oneOf(n.get("version"), []string{Version2021, Version2025})
	doc.Configuration = r.configuration(n.get("core-network-configuration"))
	for _, v := range r.between(n.get("segments"), 1, 0) {
		doc.Segments = append(doc.Segments, r.segment(v))
	}
	for _, v := range r.array(n.get("network-function-groups")) {
		doc.NetworkFunctionGroups = append(doc.NetworkFunctionGroups, r.group(v))
	}
	for _, v := range r.array(n.get("segment-actions")) {
		doc.SegmentActions = append(doc.SegmentActions, r.segmentAction(v))
	}
	for _, v := range r.array(n.get("attachment-policies")) {
		doc.AttachmentPolicies = append(doc.AttachmentPolicies, r.attachmentPolicy(v))
	}
	for _, v := range r.array(n.get("routing-policies")) {
		doc.RoutingPolicies = append(doc.RoutingPolicies, r.routingPolicy(v))
	}
	for _, v := range r.array(n.get("attachment-routing-policy-rules")) {
		doc.AttachmentRoutingPolicyRules = append(doc.AttachmentRoutingPolicyRules, r.labelRule(v))
	}
	return doc
}
