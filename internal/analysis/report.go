package analysis

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/internal/page"
	"portolan/internal/snapshot"
	"portolan/policy"
	"portolan/policy/source"
	"portolan/routing"
)

// Report is an answer that people read as a page; marshalled it is what programs read. [Subject.Page] is its page with names.
type Report interface {
	Page() *page.Page
}

// WriteJSON writes a report for programs: indented, the same bytes for the same answer.
func WriteJSON(w io.Writer, r any) error {
	if err := json.MarshalWrite(w, r, json.Deterministic(true), jsontext.WithIndent("  ")); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// QuestionError is a question that cannot be answered as it was asked.
type QuestionError struct {
	Field string // what of the question is wrong: segment, edge, to, …
	Err   error
}

func (e *QuestionError) Error() string { return e.Err.Error() }

// Unwrap is why.
func (e *QuestionError) Unwrap() error { return e.Err }

func mistake(field, format string, args ...any) error {
	return &QuestionError{field, fmt.Errorf(format, args...)}
}

// table finds a table by the names in a question.
func (s *Subject) table(id routing.TableID) (routing.Table, error) {
	switch {
	case id.Segment == "" && id.NetworkFunctionGroup == "":
		return routing.Table{}, mistake("segment", "name a route table: a segment or a network function group, and an edge location")
	case id.Segment != "" && id.NetworkFunctionGroup != "":
		return routing.Table{}, mistake("segment", "name a segment or a network function group, not both")
	case id.Edge == "":
		return routing.Table{}, mistake("edge", "name the edge location of the route table")
	}
	table, ok := s.Tables.Table(id)
	if !ok {
		return table, mistake("segment", "there is no route table %s; there are: %s", id, tableNames(s))
	}
	return table, nil
}

// tableNames are the names of the tables, of many the first.
func tableNames(s *Subject) string {
	var names []string
	for _, known := range s.Tables.TableIDs() {
		if names = append(names, known.String()); len(names) > maxNames {
			names[maxNames] = "…"
			break
		}
	}
	return strings.Join(names, " ")
}

const maxNames = 100

// parsePrefix reads a prefix, or an address as the prefix of itself.
func parsePrefix(text string) (p netip.Prefix, isAddress bool, err error) {
	if p, err = netip.ParsePrefix(text); err == nil && !p.Addr().Is4In6() {
		return p.Masked(), false, nil
	}
	a, err := parseAddr("prefix", text)
	if err != nil {
		return p, false, mistake("prefix", "%q is neither a prefix nor an address", text)
	}
	return netip.PrefixFrom(a, a.BitLen()), true, nil
}

// parseAddr reads an address. IPv4 written as IPv6 is refused: no table has routes of that form.
func parseAddr(field, text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" || a.Is4In6() {
		if text == "" {
			return netip.Addr{}, mistake(field, "name the address that the packet is sent to")
		}
		return netip.Addr{}, mistake(field, "%q is not an address", text)
	}
	return a, nil
}

// PolicyDocument is the only core network policy of a file in any form that [source.Read] reads.
func PolicyDocument(text []byte) ([]byte, error) {
	if len(text) == 0 {
		return nil, mistake("policy", "there is no policy")
	}
	p, err := source.ReadOne("", text)
	if err != nil {
		return nil, &QuestionError{"policy", err}
	}
	return p.Placed(), nil
}

// asQuestionError says that a policy that was asked about is to blame, if it is.
func asQuestionError(err error) error {
	var refused *snapshot.PolicyError
	if errors.As(err, &refused) {
		return &QuestionError{"policy", err}
	}
	return err
}

func texts[T fmt.Stringer](list []T) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = x.String()
	}
	return out
}

func joined[T fmt.Stringer](list []T) string { return strings.Join(texts(list), " ") }

func asPath(path []uint32) string {
	out := make([]string, len(path))
	for i, asn := range path {
		out[i] = fmt.Sprint(asn)
	}
	return strings.Join(out, " ")
}

// tableName is a route table in words.
func tableName(id routing.TableID) string {
	if id.NetworkFunctionGroup != "" {
		return "the route table of network function group " + id.NetworkFunctionGroup + " at " + id.Edge
	}
	return "table " + id.String()
}

// placeText is where the policy says something: the path, and the line where the policy is a text of lines.
func placeText(p policy.Place) string {
	switch line := p.Line(); {
	case !p.Known():
		return ""
	case line > 1:
		return fmt.Sprintf(" (policy line %d, %s)", line, p.Path())
	default:
		return " (" + p.Path() + ")"
	}
}

func originText(o *routing.Origin) string {
	text := o.Kind.String()
	if o.Attachment != "" {
		text = (routing.Destination{Attachment: o.Attachment, Peer: o.Peer}).String()
	}
	return text + placeText(o.Place)
}
