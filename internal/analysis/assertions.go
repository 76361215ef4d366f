package analysis

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"portolan/routing"
)

// Assertion is one line of a file of assertions:
//
//	SUBJECT reaches TARGET
//	SUBJECT reaches TARGET via GROUP
//	SUBJECT reaches TARGET not via GROUP
//	SUBJECT cannot reach TARGET
//	PREFIX is in table TABLE at EDGE
//	PREFIX is not in table TABLE at EDGE
//
// A subject is a segment or an attachment; a target is one of these, a prefix or an address. What is said of a segment is
// said of all its attachments that announce something. TABLE is a segment or a network function group.
type Assertion struct {
	Line int
	Text string

	subject, target string
	via             string
	not             bool // cannot reach; not via; is not in table
	prefix          netip.Prefix
	table, edge     string
}

// Outcome is what became of an assertion.
type Outcome struct {
	Assertion
	Holds  bool
	Reason string // why not
	Way    *Way   // a packet that shows it; may be nil
}

// MaxAssertions bounds a file.
const MaxAssertions = 10_000

// maxMistakes bounds the lines of a file that are said not to be assertions.
const maxMistakes = 200

// ParseAssertions reads a file: one assertion on a line, # begins a comment. All errors are given, with their lines.
func ParseAssertions(text string) ([]Assertion, error) {
	var list []Assertion
	var errs []error
	number := 0
	for line := range strings.Lines(text) {
		number++
		line, _, _ = strings.Cut(line, "#")
		p := assertionParser{words: wordsOf(line), end: len([]rune(strings.TrimRightFunc(line, unicode.IsSpace))) + 1}
		if len(p.words) == 0 {
			continue
		}
		a := p.assertion()
		if p.err != nil {
			errs = append(errs, fmt.Errorf("line %d, column %d: %w", number, p.column, p.err))
			if len(errs) > maxMistakes {
				break
			}
			continue
		}
		a.Line, a.Text = number, strings.Join(strings.Fields(line), " ")
		if list = append(list, a); len(list) > MaxAssertions {
			return nil, fmt.Errorf("more than %d assertions", MaxAssertions)
		}
	}
	return list, errors.Join(errs...)
}

// assertionParser reads the words of one line. After the first error it does nothing.
type assertionParser struct {
	words  []word
	end    int // the column after the last word
	err    error
	column int // of the error, in characters from 1
}

type word struct {
	text   string
	column int
}

func wordsOf(line string) []word {
	var list []word
	column, inside := 0, false
	for _, r := range line {
		column++
		switch {
		case unicode.IsSpace(r):
			inside = false
		case !inside:
			list, inside = append(list, word{string(r), column}), true
		default:
			list[len(list)-1].text += string(r)
		}
	}
	return list
}

func (p *assertionParser) assertion() Assertion {
	subject := p.words[0]
	a := Assertion{subject: p.name("a segment, an attachment or a prefix")}
	switch p.keyword("reaches", "cannot", "is") {
	case "reaches":
		a.target = p.target()
		if len(p.words) > 0 {
			if a.not = p.keyword("via", "not") == "not"; a.not {
				p.keyword("via")
			}
			a.via = p.name("a network function group")
		}
	case "cannot":
		p.keyword("reach")
		a.target, a.not = p.target(), true
	case "is":
		prefix, err := netip.ParsePrefix(a.subject)
		if err != nil || prefix.Addr().Is4In6() {
			p.fail(subject.column, "%q is not a prefix such as 10.0.0.0/8", a.subject)
		}
		a.subject, a.prefix = "", prefix.Masked()
		if a.not = p.keyword("in", "not") == "not"; a.not {
			p.keyword("in")
		}
		p.keyword("table")
		a.table = p.name("a segment or a network function group")
		p.keyword("at")
		a.edge = p.name("an edge location")
	}
	if len(p.words) > 0 {
		p.fail(p.words[0].column, "unexpected %q after the end of the assertion", p.words[0].text)
	}
	return a
}

func (p *assertionParser) fail(column int, format string, args ...any) {
	if p.err == nil {
		p.err, p.column = fmt.Errorf(format, args...), column
	}
	p.words = nil
}

func (p *assertionParser) name(what string) string {
	if len(p.words) == 0 {
		p.fail(p.end, "the line ends; expected %s", what)
		return ""
	}
	text := p.words[0].text
	p.words = p.words[1:]
	return text
}

// keyword takes one of some words.
func (p *assertionParser) keyword(choices ...string) string {
	if len(p.words) > 0 && !slices.Contains(choices, p.words[0].text) {
		p.fail(p.words[0].column, "expected %s; got %q", either(choices), p.words[0].text)
		return ""
	}
	return p.name(either(choices))
}

// either lists words to choose from: "reaches", "cannot" or "is".
func either(words []string) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i > 0 && i == len(words)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", w)
	}
	return b.String()
}

// target is a name, a prefix or an address.
func (p *assertionParser) target() string {
	column := p.end
	if len(p.words) > 0 {
		column = p.words[0].column
	}
	text := p.name("a segment, an attachment, a prefix or an address")
	if _, _, err := parsePrefix(text); strings.Contains(text, ":") && err != nil {
		p.fail(column, "%w", err)
	}
	return text
}

// Assert tries assertions, in their order. An assertion about what the network does not have does not hold.
func (s *Subject) Assert(list []Assertion) []Outcome {
	outcomes := make([]Outcome, len(list))
	for i, a := range list {
		outcomes[i] = s.assert(a)
	}
	return outcomes
}

func (s *Subject) assert(a Assertion) Outcome {
	o := Outcome{Assertion: a}
	if a.table != "" {
		return s.assertTable(o)
	}
	sources, err := s.sources(a.subject)
	if err == nil && len(sources) == 0 {
		err = errors.New(withFirst(fmt.Sprintf("segment %s has no attachment that announces a prefix: there is no source to test from", a.subject), idleIn(s, a.subject)))
	}
	targets, expected, targetErr := s.addresses(a.target)
	if err == nil {
		err = targetErr
	}
	if err != nil {
		o.Reason = err.Error()
		return o
	}
	type packet struct {
		table routing.TableID
		to    netip.Addr
	}
	tried := map[packet]bool{} // the way of a packet does not depend on who sent it to the table
	for _, from := range sources {
		for _, edge := range from.Edges {
			for _, addr := range targets {
				p := packet{tableOf(from, edge), addr}
				if tried[p] || s.owns(from, addr) {
					continue
				}
				tried[p] = true
				w := &Way{From: from.ID, Edge: edge, To: addr}
				s.follow(w, p.table)
				if reason := s.fails(&a, w, expected); reason != "" {
					if w.Verdict != Delivered {
						reason = withFirst(reason, idleAnnouncers(s, addr.String()))
					}
					o.Way, o.Reason = w, reason
					return o
				}
			}
		}
	}
	if len(tried) == 0 {
		o.Reason = withFirst(a.target+" announces no prefix: there is no address to test", idleIn(s, a.target))
		if len(targets) > 0 {
			o.Reason = fmt.Sprintf("%s lies in the networks of %s itself: a packet to it does not leave them", targets[0], a.subject)
		}
		return o
	}
	o.Holds = true
	return o
}

// withFirst is a reason with the first of the notes that explain it.
func withFirst(reason string, notes []string) string {
	switch len(notes) {
	case 0:
		return reason
	case 1:
		return reason + "; " + notes[0]
	}
	return fmt.Sprintf("%s; %s; and %d more", reason, notes[0], len(notes)-1)
}

// fails says why a packet shows that the assertion does not hold, "" when it does not show it. What a network function does
// with a packet that send-to hands it is not known: it may pass it on to where its own table leads, so nobody can be said
// not to reach that; and it is what somebody means who says via.
func (s *Subject) fails(a *Assertion, w *Way, expected func(at string) bool) string {
	arrives := w.Verdict == Delivered && expected(w.At)
	if w.Verdict == HandedOver {
		function := w.Inspections[len(w.Inspections)-1]
		beyond := &Way{From: w.At, Edge: function.Edge, To: w.To}
		s.follow(beyond, routing.TableID{NetworkFunctionGroup: function.NetworkFunctionGroup, Edge: function.Edge})
		passedOn := beyond.Verdict == Delivered && expected(beyond.At)
		switch {
		case a.not && a.via == "" && passedOn:
			return fmt.Sprintf("%s reaches %s, at %s, if %s forwards it", w.From, w.To, beyond.At, function)
		case a.not && a.via == "":
			return ""
		case !a.not && a.via == function.NetworkFunctionGroup && (passedOn || a.targetIsAddress()):
			return ""
		}
		return fmt.Sprintf("%s from %s is handed to %s; what the network function does with it is not known", w.To, w.From, function)
	}
	switch {
	case a.not && a.via == "" && arrives:
		return fmt.Sprintf("%s reaches %s, at %s", w.From, w.To, w.At)
	case a.not && a.via == "":
		return ""
	case !arrives && w.Verdict == Delivered:
		return fmt.Sprintf("%s from %s ends at %s", w.To, w.From, w.At)
	case !arrives:
		return fmt.Sprintf("%s is not reachable from %s: %s", w.To, w.From, w.Reason)
	}
	through := slices.ContainsFunc(w.Inspections, func(i Inspection) bool { return i.NetworkFunctionGroup == a.via })
	switch {
	case a.via == "" || through != a.not:
		return ""
	case through:
		return fmt.Sprintf("%s from %s is inspected by %s", w.To, w.From, listed(w.Inspections))
	default:
		return fmt.Sprintf("%s from %s is not inspected: no hop through network function group %s", w.To, w.From, a.via)
	}
}

// targetIsAddress tells a prefix or an address from a segment or an attachment.
func (a *Assertion) targetIsAddress() bool {
	_, _, err := parsePrefix(a.target)
	return err == nil
}

func (s *Subject) assertTable(o Outcome) Outcome {
	id := routing.TableID{Segment: o.table, Edge: o.edge}
	if s.Network.Policy.Segment(o.table) == nil {
		id = routing.TableID{NetworkFunctionGroup: o.table, Edge: o.edge}
	}
	if _, ok := s.Tables.Table(id); !ok {
		o.Reason = fmt.Sprintf("%s has no table at %s", o.table, o.edge)
		return o
	}
	_, found := s.route(id, o.prefix)
	if o.Holds = found != o.not; !o.Holds {
		o.Reason = fmt.Sprintf("%s has no route %s", tableName(id), o.prefix)
		if found {
			o.Reason = fmt.Sprintf("%s has %s", tableName(id), o.prefix)
		} else {
			o.Reason = withFirst(o.Reason, idleAnnouncers(s, o.prefix.String()))
		}
	}
	return o
}

// sources are the attachments a subject stands for.
func (s *Subject) sources(name string) ([]*routing.Attachment, error) {
	id, err := s.Identify("assertions", name)
	if err != nil {
		return nil, err
	}
	if a, ok := s.attachment[id]; ok {
		return []*routing.Attachment{a}, nil
	}
	if s.Network.Policy.Segment(name) == nil {
		if a := s.inventory.byID[id]; a != nil {
			return nil, fmt.Errorf("attachment %s %s", id, s.Idle(a).Sentence())
		}
		return nil, fmt.Errorf("there is no segment or attachment %s", name)
	}
	var list []*routing.Attachment
	for _, a := range s.speakers() {
		if a.Segment == name {
			list = append(list, a)
		}
	}
	return list, nil
}

// addresses are what a target stands for, and where a packet for them is expected to end. A prefix is all of its parts
// that a table may treat differently.
func (s *Subject) addresses(name string) ([]netip.Addr, func(at string) bool, error) {
	anywhere := func(string) bool { return true }
	if p, err := netip.ParsePrefix(name); err == nil {
		return s.classes().samples(p), anywhere, nil
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		return []netip.Addr{addr}, anywhere, nil
	}
	list, err := s.sources(name)
	if err != nil {
		return nil, nil, err
	}
	var addrs []netip.Addr
	for _, a := range list {
		addrs = append(addrs, s.hosts(a, -1)...)
	}
	id, _ := s.Identify("assertions", name)
	return addrs, func(at string) bool {
		a := s.attachment[at]
		return at == id || a != nil && a.Segment == name
	}, nil
}

// owns tells whether an address is at the attachment itself: nobody announces it more precisely. A packet for it does not
// leave.
func (s *Subject) owns(a *routing.Attachment, addr netip.Addr) bool {
	if !slices.ContainsFunc(a.Announcements, func(x routing.Announcement) bool { return x.Prefix.Contains(addr) }) {
		return false
	}
	by := s.announcers()
	for bits := addr.BitLen(); bits >= 0; bits-- {
		if p, err := addr.Prefix(bits); err == nil && len(by[p]) > 0 {
			return slices.Contains(by[p], a)
		}
	}
	return false
}
