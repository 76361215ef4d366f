// Package wire is restJson1: it matches a request to an operation, decodes it into the operation's input, and writes
// outputs and errors as AWS does. It knows shapes and bytes; it knows no resources, no callers and no state.
package wire

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"portolan/api"
)

// route is an operation's path, cut at its slashes. An empty segment is a label.
type route struct {
	op       *api.Operation
	segments []string
	arn      int // index of a label that holds an ARN, -1 for none
}

// routes are by method and number of segments; arnRoutes by method, for ARNs whose slashes were not encoded.
var routes, arnRoutes = func() (map[string][][]route, map[string][]route) {
	all, arns := map[string][][]route{}, map[string][]route{}
	for i := range api.Operations {
		op := &api.Operations[i]
		r := route{op: op, segments: strings.Split(op.Path[1:], "/"), arn: -1}
		for j, s := range r.segments {
			if strings.HasPrefix(s, "{") {
				r.segments[j] = ""
				if strings.HasSuffix(s, "Arn}") {
					r.arn = j
				}
			}
		}
		byCount := all[op.Method]
		for len(byCount) <= len(r.segments) {
			byCount = append(byCount, nil)
		}
		byCount[len(r.segments)] = append(byCount[len(r.segments)], r)
		all[op.Method] = byCount
		if r.arn >= 0 {
			arns[op.Method] = append(arns[op.Method], r)
		}
	}
	return all, arns
}()

// Labels are the values of an operation's labels in their order.
type Labels [2]string

// maxSegments is more than any path has, raw ARNs included.
const maxSegments = 32

// Match finds the operation of a method and an escaped path, and the decoded values of its labels in order. Routing
// goes by the raw segments: a label's own slashes are encoded. Hand-written clients, and proxies that decode %2F, send
// ARNs with plain slashes; those are put together again.
//
// A path or method that no operation has is a ValidationException with Reason UnknownOperation, a label that cannot be
// decoded one with Reason CannotParse.
func Match(method, escapedPath string) (*api.Operation, Labels, error) {
	if len(escapedPath) == 0 || escapedPath[0] != '/' || strings.Count(escapedPath, "/") > maxSegments {
		return nil, Labels{}, unknownOperation()
	}
	var room [maxSegments]string
	segments := room[:0]
	for rest, more := escapedPath[1:], true; more; {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		segments = append(segments, segment)
	}
	if byCount := routes[method]; len(segments) < len(byCount) {
		for i := range byCount[len(segments)] {
			r := &byCount[len(segments)][i]
			if fits(r.segments, segments) {
				return decoded(r, segments)
			}
		}
	}
	for i := range arnRoutes[method] {
		r := &arnRoutes[method][i]
		after := len(r.segments) - r.arn - 1
		if len(segments) <= len(r.segments) || !fits(r.segments[:r.arn], segments[:r.arn]) ||
			!fits(r.segments[r.arn+1:], segments[len(segments)-after:]) {
			continue
		}
		arn := strings.Join(segments[r.arn:len(segments)-after], "/")
		if len(arn) < 4 || !strings.EqualFold(arn[:3], "arn") {
			continue
		}
		joined := append(append(append([]string{}, segments[:r.arn]...), arn), segments[len(segments)-after:]...)
		return decoded(r, joined)
	}
	return nil, Labels{}, unknownOperation()
}

func fits(pattern, segments []string) bool {
	for i, p := range pattern {
		if p != "" && p != segments[i] {
			return false
		}
	}
	return true
}

func decoded(r *route, segments []string) (_ *api.Operation, labels Labels, _ error) {
	n := 0
	for i, p := range r.segments {
		if p != "" {
			continue
		}
		label, err := url.PathUnescape(segments[i])
		if err != nil || !isText(label) {
			return nil, labels, cannotParse("The request path is not valid: a segment does not decode to text.")
		}
		labels[n] = label
		n++
	}
	return r.op, labels, nil
}

// isText tells whether s is UTF-8 without NUL.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

func unknownOperation() error {
	return &api.ValidationException{Message: "The operation is not known.", Reason: api.ValidationExceptionReasonUnknownOperation}
}

func cannotParse(message string) *api.ValidationException {
	return &api.ValidationException{Message: message, Reason: api.ValidationExceptionReasonCannotParse}
}
