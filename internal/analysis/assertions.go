package analysis

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

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

// ParseAssertions reads a file: one assertion on a line, # begins a comment. All errors are given, with their lines.
func ParseAssertions(text string) ([]Assertion, error) {
	var list []Assertion
	var errs []error
	number := 0
	for line := range strings.Lines(text) {
		number++
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		a, err := parseAssertion(words)
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", number, err))
			continue
		}
		a.Line, a.Text = number, strings.Join(words, " ")
		if list = append(list, a); len(list) > MaxAssertions {
			return nil, fmt.Errorf("more than %d assertions", MaxAssertions)
		}
		if len(errs) > maxFindings {
			break
		}
	}
	return list, errors.Join(errs...)
}

func parseAssertion(words []string) (Assertion, error) {
	is := func(at int, text string) bool {
		want := strings.Fields(text)
		return len(words) >= at+len(want) && slices.Equal(words[at:at+len(want)], want)
	}
	a := Assertion{}
	switch {
	case is(1, "is in table") && is(5, "at") && len(words) == 7, is(1, "is not in table") && is(6, "at") && len(words) == 8:
		a.not = words[2] == "not"
		p, err := netip.ParsePrefix(words[0])
		if err != nil {
			return a, fmt.Errorf("%q is not a prefix such as 10.0.0.0/8", words[0])
		}
		a.prefix, a.table, a.edge = p.Masked(), words[len(words)-3], words[len(words)-1]
		return a, nil
	case is(1, "cannot reach") && len(words) == 4:
		a.subject, a.target, a.not = words[0], words[3], true
		return a, nil
	case is(1, "reaches") && len(words) == 3:
		a.subject, a.target = words[0], words[2]
		return a, nil
	case is(1, "reaches") && is(3, "via") && len(words) == 5:
		a.subject, a.target, a.via = words[0], words[2], words[4]
		return a, nil
	case is(1, "reaches") && is(3, "not via") && len(words) == 6:
		a.subject, a.target, a.via, a.not = words[0], words[2], words[5], true
		return a, nil
	}
	return a, errors.New(`want "A reaches B", "A reaches B via GROUP", "A reaches B not via GROUP", "A cannot reach B", ` +
		`"PREFIX is in table TABLE at EDGE" or "PREFIX is not in table TABLE at EDGE"`)
}

// Assert tries assertions, in their order. An assertion about what the network does not have does not hold.
func (n *Net) Assert(list []Assertion) []Outcome {
	outcomes := make([]Outcome, len(list))
	for i, a := range list {
		outcomes[i] = n.assert(a)
	}
	return outcomes
}

func (n *Net) assert(a Assertion) Outcome {
	o := Outcome{Assertion: a}
	if a.table != "" {
		return n.assertTable(o)
	}
	sources, err := n.sources(a.subject)
	if err == nil && len(sources) == 0 {
		err = fmt.Errorf("segment %s has no attachment to try it from", a.subject)
	}
	targets, expected, targetErr := n.addresses(a.target)
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
	for _, s := range sources {
		for _, edge := range s.Edges {
			for _, addr := range targets {
				p := packet{tableOf(s, edge), addr}
				if tried[p] || n.owns(s, addr) {
					continue
				}
				tried[p] = true
				w := &Way{From: s.ID, Edge: edge, To: addr}
				n.follow(w, p.table)
				if reason := a.fails(w, expected); reason != "" {
					o.Way, o.Reason = w, reason
					return o
				}
			}
		}
	}
	if len(tried) == 0 {
		o.Reason = a.target + " has no address to try"
		return o
	}
	o.Holds = true
	return o
}

// fails says why a packet shows that the assertion does not hold, "" when it does not show it.
func (a *Assertion) fails(w *Way, expected func(at string) bool) string {
	arrives := w.Verdict == Delivered && expected(w.At)
	switch {
	case a.not && a.via == "" && arrives:
		return fmt.Sprintf("%s reaches %s, by %s", w.From, w.To, w.At)
	case a.not && a.via == "":
		return ""
	case !arrives && w.Verdict == Delivered:
		return fmt.Sprintf("%s from %s ends at %s", w.To, w.From, w.At)
	case !arrives:
		return fmt.Sprintf("%s from %s is lost: %s", w.To, w.From, w.Reason)
	}
	through := slices.ContainsFunc(w.Inspections, func(i Inspection) bool { return i.NetworkFunctionGroup == a.via })
	if a.via != "" && through == a.not {
		return fmt.Sprintf("%s from %s passes %s", w.To, w.From, listed(w.Inspections))
	}
	return ""
}

func (n *Net) assertTable(o Outcome) Outcome {
	id := routing.TableID{Segment: o.table, Edge: o.edge}
	if n.network.Policy.Segment(o.table) == nil {
		id = routing.TableID{NetworkFunctionGroup: o.table, Edge: o.edge}
	}
	if !slices.Contains(n.tables.IDs(), id) {
		o.Reason = fmt.Sprintf("there is no table %s at %s", o.table, o.edge)
		return o
	}
	_, found := n.tables.Route(id, o.prefix)
	if o.Holds = found != o.not; !o.Holds {
		o.Reason = fmt.Sprintf("table %s has no route %s", id, o.prefix)
		if found {
			o.Reason = fmt.Sprintf("table %s has %s", id, o.prefix)
		}
	}
	return o
}

// sources are the attachments a subject stands for.
func (n *Net) sources(name string) ([]*routing.Attachment, error) {
	if a, ok := n.attachment[name]; ok {
		return []*routing.Attachment{a}, nil
	}
	if n.network.Policy.Segment(name) == nil {
		return nil, fmt.Errorf("%s is neither a segment nor an attachment of the network", name)
	}
	var list []*routing.Attachment
	for _, a := range n.speakers() {
		if a.Segment == name {
			list = append(list, a)
		}
	}
	return list, nil
}

// addresses are what a target stands for, and where a packet for them is expected to end. A prefix is all of its parts
// that a table may treat differently.
func (n *Net) addresses(name string) ([]netip.Addr, func(at string) bool, error) {
	anywhere := func(string) bool { return true }
	if p, err := netip.ParsePrefix(name); err == nil {
		return n.classes().samples(p), anywhere, nil
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		return []netip.Addr{addr}, anywhere, nil
	}
	list, err := n.sources(name)
	if err != nil {
		return nil, nil, err
	}
	var addrs []netip.Addr
	for _, a := range list {
		addrs = append(addrs, n.hosts(a, len(a.Announcements))...)
	}
	return addrs, func(at string) bool {
		a := n.attachment[at]
		return at == name || a != nil && a.Segment == name
	}, nil
}

// owns tells whether an address is at the attachment itself: nobody announces it more precisely. A packet for it does not
// leave.
func (n *Net) owns(a *routing.Attachment, addr netip.Addr) bool {
	if !slices.ContainsFunc(a.Announcements, func(x routing.Announcement) bool { return x.Prefix.Contains(addr) }) {
		return false
	}
	by := n.announcers()
	for bits := addr.BitLen(); bits >= 0; bits-- {
		if p, err := addr.Prefix(bits); err == nil && len(by[p]) > 0 {
			return slices.Contains(by[p], a)
		}
	}
	return false
}
