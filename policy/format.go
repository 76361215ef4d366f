package policy

import (
	"bytes"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// formatWidth is how long a line may be before what stands on it is broken up.
const formatWidth = 120

// Format writes a document in its canonical form: two spaces for every level, members in the order in which AWS
// documents them, each section on lines of its own, and whatever fits on one line on one line. It changes nothing but
// that: lists keep their order, numbers their digits, and members that the language does not have stand last, in the
// order in which they were written, since the document need not be a correct one. Formatting twice changes nothing more.
//
// The text ends with a newline. A document that would grow beyond [MaxSize] is written without any white space, which
// is never longer than what was read.
func Format(doc *Document) []byte {
	if doc.node == nil {
		return nil
	}
	f := formatter{}
	f.value(doc.node, 0, 0)
	f.b.WriteByte('\n')
	if f.b.Len() <= MaxSize {
		return f.b.Bytes()
	}
	f = formatter{}
	f.flat(doc.node, "", "")
	return f.b.Bytes()
}

// HasSections says whether the text is an object with a section of a policy. One that has at most a version is of something else:
// a policy of IAM, the manifest of a package.
func (d *Document) HasSections() bool {
	return slices.ContainsFunc(documentShape.keys, func(key string) bool { return key != "version" && d.node.get(key) != nil })
}

type formatter struct {
	b       bytes.Buffer
	scratch []byte
}

// value writes a node that begins after `column` bytes of a line indented by `level`, and must leave room for a comma.
func (f *formatter) value(n *node, level, column int) {
	if !n.isContainer() || len(n.values) == 0 || level >= 2 && fits(n, formatWidth-column-1) {
		f.flat(n, " ", " ")
		return
	}
	opening, closing := n.brackets()
	f.b.WriteByte(opening)
	for i, v := range n.ordered() {
		if i > 0 {
			f.b.WriteByte(',')
		}
		begin := f.newline(level + 1)
		if n.kind == '{' {
			f.quote(v.key)
			f.b.WriteString(": ")
		}
		f.value(v, level+1, f.b.Len()-begin)
	}
	f.newline(level)
	f.b.WriteByte(closing)
}

// newline begins a line and says where it does.
func (f *formatter) newline(level int) int {
	f.b.WriteByte('\n')
	begin := f.b.Len()
	for range level {
		f.b.WriteString("  ")
	}
	return begin
}

// flat writes a node on one line.
func (f *formatter) flat(n *node, afterComma, afterColon string) {
	switch n.kind {
	case '"':
		f.quote(n.text)
		return
	case '0':
		f.b.WriteString(n.text)
		return
	case '{', '[':
	default:
		f.b.WriteString(literals[n.kind])
		return
	}
	opening, closing := n.brackets()
	f.b.WriteByte(opening)
	for i, v := range n.ordered() {
		if i > 0 {
			f.b.WriteString("," + afterComma)
		}
		if n.kind == '{' {
			f.quote(v.key)
			f.b.WriteString(":" + afterColon)
		}
		f.flat(v, afterComma, afterColon)
	}
	f.b.WriteByte(closing)
}

var literals = map[byte]string{'t': "true", 'f': "false", 'n': "null"}

// quote writes a string with no more escapes than JSON asks for.
func (f *formatter) quote(s string) {
	f.scratch, _ = jsontext.AppendQuote(f.scratch[:0], s) // fails for invalid UTF-8, which the reader does not let in
	f.b.Write(f.scratch)
}

// fits says whether a node takes at most so many bytes on one line. It looks no further than that.
func fits(n *node, room int) bool { return flatWidth(n, room) <= room }

// flatWidth is the width of a node on one line, or some number above room. Escapes are counted as what they stand for:
// the line is for reading, and a byte more does no harm.
func flatWidth(n *node, room int) int {
	switch n.kind {
	case '"':
		return len(n.text) + 2
	case '0':
		return len(n.text)
	case '{', '[':
	default:
		return len(literals[n.kind])
	}
	width := 2 + 2*max(0, len(n.values)-1)
	for _, v := range n.values {
		if width > room {
			return width
		}
		if n.kind == '{' {
			width += len(v.key) + 4
		}
		width += flatWidth(v, room-width)
	}
	return width
}

func (n *node) isContainer() bool { return n.kind == '{' || n.kind == '[' }

func (n *node) brackets() (opening, closing byte) {
	if n.kind == '{' {
		return '{', '}'
	}
	return '[', ']'
}

// ordered is the members in canonical order; of an array, the elements as they are.
func (n *node) ordered() []*node {
	if n.kind != '{' {
		return n.values
	}
	s := n.shape()
	if s == nil {
		return n.values
	}
	list := make([]*node, 0, len(n.values))
	known := map[*node]bool{}
	for _, key := range s.keys {
		if v := n.get(key); v != nil {
			list, known[v] = append(list, v), true
		}
	}
	for _, v := range n.values {
		if !known[v] {
			list = append(list, v)
		}
	}
	return list
}

// shape is the shape that an object at this place of a document has, nil where the language has none.
func (n *node) shape() *shape {
	var steps []string
	for at := n; at.parent != nil; at = at.parent {
		if at.parent.kind == '{' {
			steps = append(steps, at.key)
		}
	}
	var path strings.Builder
	for i := len(steps) - 1; i >= 0; i-- {
		path.WriteString("/" + steps[i])
	}
	if path.String() == "/segment-actions" {
		if action := n.get("action"); action != nil && actionShapes[action.text] != nil {
			return actionShapes[action.text]
		}
		return anyActionShape
	}
	return shapesByPath[path.String()]
}

var (
	actionShapes = map[string]*shape{
		ActionShare: shareShape, ActionCreateRoute: createRouteShape, ActionSendVia: sendViaShape,
		ActionSendTo: sendToShape, ActionAssociateRoutingPolicy: associateShape,
	}
	anyActionShape    = shapeOf("action", "description", "segment", "mode")
	anyConditionShape = shapeOf("type", "operator", "key", "value")

	// shapesByPath leaves out the elements of arrays.
	shapesByPath = map[string]*shape{
		"":                            documentShape,
		"/core-network-configuration": configurationShape,
		"/core-network-configuration/edge-locations": edgeLocationShape,
		"/segments":                                              segmentShape,
		"/network-function-groups":                               groupShape,
		"/segment-actions/share-with":                            exceptShape,
		"/segment-actions/when-sent-to":                          whenSentToShape,
		"/segment-actions/via":                                   viaShape,
		"/segment-actions/via/with-edge-overrides":               overrideShape,
		"/segment-actions/edge-location-association":             betweenShape,
		"/attachment-policies":                                   attachmentPolicyShape,
		"/attachment-policies/conditions":                        anyConditionShape,
		"/attachment-policies/action":                            anyAssociationShape,
		"/routing-policies":                                      routingPolicyShape,
		"/routing-policies/routing-policy-rules":                 routingRuleShape,
		"/routing-policies/routing-policy-rules/rule-definition": definitionShape,
		"/routing-policies/routing-policy-rules/rule-definition/match-conditions": typeValueShape,
		"/routing-policies/routing-policy-rules/rule-definition/action":           typeValueShape,
		"/attachment-routing-policy-rules":                                        labelRuleShape,
		"/attachment-routing-policy-rules/conditions":                             typeValueShape,
		"/attachment-routing-policy-rules/action":                                 labelActionShape,
	}
)
