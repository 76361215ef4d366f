package routing_test

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"portolan/policy"
	"portolan/routing"
)

// TestScripts runs testdata/scripts/*. The commands of a script build a network and print what it routes:
//
//	policy                     compiles a policy document and prints its edges; forgets the attachments
//	attachments                adds or replaces attachments, one a line:
//	                           A1 vpc us-east-1 [accepted] [tag=value…] [label=…] [account=…] [resource=…] [peering=…] [peer=ASN]
//	                           [segment=… or group=…] [: prefix [path ASN…] [med N] [tags a:b…], …]
//	                           and prints where they go; only those that go somewhere, and do not wait, take part
//	remove A1 A2               forgets attachments
//	down A1 A2                 marks them as not working
//	option name=value          turns a switch
//	prefix-list alias          the entries of a prefix list
//	ties                       choices at exact ties: edge prefix choice
//	tables [name…] [edge=…]    FIBs, of all tables or of those named
//	outcomes name…             FIBs with all that different tie-breaks make of them; the order of ties plays no part
//	rib table=… edge=… [prefix=…]
//	advertised A1 [edge=…]     what is advertised to an attachment
//	why-advertised A1 prefix=… [edge=…]
//	lookup table=… edge=…      addresses or prefixes, one a line
//	limits                     the limits that are exceeded
//	why table=… edge=… prefix=…
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		s := &script{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string { return s.run(t, d) })
	})
}

type script struct {
	network routing.Network
	ties    map[[2]string]string
	tables  *routing.Tables
	err     error
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "policy":
		p, errs := compile(d.Input)
		if len(errs) > 0 {
			return fmt.Sprintln(errs)
		}
		*s = script{network: routing.Network{Policy: p, Options: routing.DefaultOptions(), PrefixLists: map[string][]netip.Prefix{}}}
		var b strings.Builder
		for _, e := range p.Edges {
			fmt.Fprintf(&b, "%s %d\n", e.Location, e.ASN)
		}
		return b.String()
	case "attachments":
		var b strings.Builder
		for line := range strings.Lines(d.Input) {
			b.WriteString(s.attach(t, strings.TrimSpace(line)))
		}
		return b.String() + s.compute()
	case "remove", "down":
		for _, arg := range d.CmdArgs {
			s.change(longID(arg.Key), d.Cmd == "down")
		}
		return s.compute()
	case "option":
		for _, arg := range d.CmdArgs {
			if err := s.network.Options.Set(arg.Key, strings.Join(arg.Vals, ",")); err != nil {
				t.Fatal(err)
			}
		}
		return s.compute()
	case "prefix-list":
		alias := d.CmdArgs[0].Key
		s.network.PrefixLists[alias] = nil
		for _, f := range strings.Fields(d.Input) {
			s.network.PrefixLists[alias] = append(s.network.PrefixLists[alias], netip.MustParsePrefix(f))
		}
		return s.compute()
	case "ties":
		s.ties = map[[2]string]string{}
		for line := range strings.Lines(d.Input) {
			f := strings.Fields(line)
			s.ties[[2]string{f[0], f[1]}] = f[2]
		}
		s.network.Options.TieBreak = s.chosen
		return s.compute()
	}
	if s.tables == nil {
		s.compute()
	}
	return s.show(t, d)
}

func (s *script) show(t *testing.T, d *datadriven.TestData) string {
	var b strings.Builder
	switch d.Cmd {
	case "tables":
		wanted, edge := map[string]bool{}, ""
		for _, arg := range d.CmdArgs {
			if arg.Key == "edge" {
				edge = arg.Vals[0]
			} else {
				wanted[arg.Key] = true
			}
		}
		for _, id := range s.tables.TableIDs() {
			if (len(wanted) == 0 || wanted[id.Name()]) && (edge == "" || edge == id.Edge) {
				table, _ := s.tables.Table(id)
				b.WriteString(fib(table))
			}
		}
	case "outcomes":
		for _, arg := range d.CmdArgs {
			b.WriteString(s.outcomes(t, arg.Key))
		}
	case "rib":
		table := s.table(t, d)
		if d.HasArg("prefix") {
			var prefix string
			d.ScanArgs(t, "prefix", &prefix)
			for _, p := range table.Paths(netip.MustParsePrefix(prefix)) {
				b.WriteString(path(p) + "\n")
			}
			break
		}
		for p := range table.RIB() {
			b.WriteString(path(p) + "\n")
		}
	case "advertised", "why-advertised":
		id := longID(d.CmdArgs[0].Key)
		a, _ := s.tables.Attachment(id)
		edge := a.Edges[0]
		if d.HasArg("edge") {
			d.ScanArgs(t, "edge", &edge)
		}
		if d.Cmd == "advertised" {
			b.WriteString(advertised(s.tables, id, edge))
			break
		}
		var prefix string
		d.ScanArgs(t, "prefix", &prefix)
		b.WriteString(whyAdvertised(s.tables.ExplainAdvertised(id, edge, netip.MustParsePrefix(prefix))))
	case "lookup":
		table := s.table(t, d)
		for _, f := range strings.Fields(d.Input) {
			var r routing.Route
			var ok bool
			if addr, err := netip.ParseAddr(f); err == nil {
				r, ok = table.LookupAddr(addr)
			} else {
				r, ok = table.Lookup(netip.MustParsePrefix(f))
			}
			if !ok {
				fmt.Fprintf(&b, "%s: no route\n", f)
			} else {
				fmt.Fprintf(&b, "%s: %s\n", f, row(r))
			}
		}
	case "why":
		var prefix string
		d.ScanArgs(t, "prefix", &prefix)
		b.WriteString(why(s.table(t, d).Explain(netip.MustParsePrefix(prefix))))
	case "limits":
		for _, l := range s.tables.Exceeded() {
			fmt.Fprintf(&b, "%s %s outbound=%t %d of %d\n", shortID(l.Attachment), l.Edge, l.Outbound, l.Routes, l.Max)
		}
	default:
		t.Fatalf("unknown command %s", d.Cmd)
	}
	if b.Len() == 0 {
		return "(empty)\n"
	}
	return b.String()
}

// outcomes computes with many tie-breaks and prints each cell with everything that was in it.
func (s *script) outcomes(t *testing.T, name string) string {
	var ids []routing.TableID
	cells := map[routing.TableID]map[netip.Prefix]map[string]bool{}
	for seed := range 64 {
		n, o := s.network, *s.network.Options
		o.TieBreak = func(tie routing.Tie) int {
			tie.Table.Edge += fmt.Sprint(seed) // another hash for each seed
			return routing.TieByHash(tie)
		}
		n.Options = &o
		tables, err := routing.Compute(n)
		if err != nil {
			t.Fatal(err)
		}
		if ids == nil {
			ids = tables.TableIDs()
		}
		for _, id := range ids {
			table, _ := tables.Table(id)
			for r := range table.Routes() {
				if cells[id] == nil {
					cells[id] = map[netip.Prefix]map[string]bool{}
				}
				if cells[id][r.Prefix] == nil {
					cells[id][r.Prefix] = map[string]bool{}
				}
				cells[id][r.Prefix][strings.TrimPrefix(row(r), r.Prefix.String()+" → ")] = true
			}
		}
	}
	var b strings.Builder
	for _, id := range ids {
		if id.Name() != name {
			continue
		}
		fmt.Fprintf(&b, "%s\n", id)
		for _, p := range slices.SortedFunc(maps.Keys(cells[id]), netip.Prefix.Compare) {
			fmt.Fprintf(&b, "  %s → %s\n", p, strings.Join(slices.Sorted(maps.Keys(cells[id][p])), " or "))
		}
	}
	return b.String()
}

func (s *script) table(t *testing.T, d *datadriven.TestData) routing.Table {
	var name, edge string
	d.ScanArgs(t, "table", &name)
	d.ScanArgs(t, "edge", &edge)
	id := routing.TableID{Segment: name, Edge: edge}
	if group, ok := strings.CutPrefix(name, "nfg:"); ok {
		id = routing.TableID{NetworkFunctionGroup: group, Edge: edge}
	}
	table, ok := s.tables.Table(id)
	if !ok {
		t.Fatalf("no table %s", id)
	}
	return table
}

// compute prints nothing but errors.
func (s *script) compute() string {
	s.tables, s.err = routing.Compute(s.network)
	if s.err != nil {
		return s.err.Error() + "\n"
	}
	return ""
}

// chosen takes what the script says, else the default.
func (s *script) chosen(tie routing.Tie) int {
	want := s.ties[[2]string{tie.Table.Edge, tie.Prefix.String()}]
	for i, p := range tie.Paths {
		if want != "" && (p.Edge == want || shortID(p.Attachment) == want) {
			return i
		}
	}
	return 0
}

func (s *script) change(id string, down bool) {
	var left []routing.Attachment
	for _, a := range s.network.Attachments {
		if a.ID == id && !down {
			continue
		}
		a.Down = a.Down || a.ID == id
		left = append(left, a)
	}
	s.network.Attachments = left
}

func compile(text string) (*policy.Policy, policy.Errors) {
	doc, errs := policy.Parse([]byte(text))
	if len(errs) == 0 {
		errs = policy.Check(doc)
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return policy.Compile(doc, nil)
}

func longID(short string) string {
	n, err := strconv.Atoi(strings.TrimPrefix(short, "A"))
	if err != nil {
		return short
	}
	return fmt.Sprintf("attachment-%017x", n)
}

func shortID(id string) string {
	n, err := strconv.ParseUint(strings.TrimPrefix(id, "attachment-"), 16, 64)
	if err != nil {
		return id
	}
	return fmt.Sprintf("A%d", n)
}

// attach reads a line of attachments and says where it goes.
func (s *script) attach(t *testing.T, line string) string {
	about, offers, _ := strings.Cut(line, " : ")
	f := strings.Fields(about)
	a := routing.Attachment{ID: longID(f[0]), Type: f[1], Edges: strings.Split(f[2], ",")}
	p := policy.Attachment{ID: a.ID, Type: a.Type, Edges: a.Edges, Account: "111122223333", Tags: map[string]string{}}
	accepted := false
	for _, pair := range f[3:] {
		key, value, _ := strings.Cut(pair, "=")
		switch key {
		case "accepted":
			accepted = true
		case "label":
			a.RoutingPolicyLabel = value
		case "account":
			p.Account = value
		case "resource":
			p.ResourceID, a.ResourceID = value, value
		case "peering":
			a.PeeringID = value
		case "peer":
			a.PeerASN = asn(t, value)
		case "segment":
			a.Segment = value
		case "group":
			a.NetworkFunctionGroup = value
		default:
			p.Tags[key] = value
		}
	}
	for _, offer := range strings.Split(offers, ",") {
		if offer = strings.TrimSpace(offer); offer != "" {
			a.Announcements = append(a.Announcements, announcement(t, offer))
		}
	}
	s.change(a.ID, false)
	if a.Segment == "" && a.NetworkFunctionGroup == "" {
		d := s.network.Policy.Associate(p)
		a.Segment, a.NetworkFunctionGroup = d.Segment, d.NetworkFunctionGroup
		switch {
		case d.Segment == "" && d.NetworkFunctionGroup == "":
			return f[0] + " nowhere\n"
		case d.RequireAcceptance && !accepted:
			return fmt.Sprintf("%s waits for %s%s, rule %d\n", f[0], d.Segment, d.NetworkFunctionGroup, d.RuleNumber)
		}
	}
	s.network.Attachments = append(s.network.Attachments, a)
	return f[0] + " " + a.Segment + a.NetworkFunctionGroup + "\n"
}

func announcement(t *testing.T, text string) routing.Announcement {
	f := strings.Fields(text)
	n := routing.Announcement{Prefix: netip.MustParsePrefix(f[0])}
	list := ""
	for _, word := range f[1:] {
		switch {
		case word == "path" || word == "med" || word == "tags" || word == "at":
			list = word
		case list == "path":
			n.ASPath = append(n.ASPath, asn(t, word))
		case list == "med":
			med := asn(t, word)
			n.MED = &med
		case list == "at":
			n.Edge = word
		default:
			n.Communities = append(n.Communities, community(t, word))
		}
	}
	return n
}

func community(t *testing.T, word string) policy.Community {
	high, low, _ := strings.Cut(word, ":")
	return policy.Community(asn(t, high)<<16 | asn(t, low))
}

func asn(t *testing.T, word string) uint32 {
	n, err := strconv.ParseUint(word, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

func fib(table routing.Table) string {
	var b strings.Builder
	b.WriteString(table.ID().String() + "\n")
	empty := true
	for r := range table.Routes() {
		b.WriteString("  " + row(r) + "\n")
		empty = false
	}
	if empty {
		b.WriteString("  (empty)\n")
	}
	return b.String()
}

func row(r routing.Route) string {
	var to []string
	for _, d := range r.Destinations {
		d.Attachment = shortIDOf(d.Attachment)
		to = append(to, d.String())
	}
	if r.State == routing.Blackhole {
		to = append(to, "blackhole")
	}
	out := fmt.Sprintf("%s → %s", r.Prefix, strings.Join(to, " + "))
	if r.Type == routing.Static {
		out += " static"
	}
	return out
}

func shortIDOf(id string) string {
	if id == "" {
		return ""
	}
	return shortID(id)
}

func path(p routing.Path) string {
	mark, hop := " ", "blackhole"
	if p.Best {
		mark = "*"
	}
	if p.NextHop != nil {
		d := *p.NextHop
		d.Attachment = shortIDOf(d.Attachment)
		hop = d.String()
	}
	out := fmt.Sprintf("%s%s %s", mark, p.Prefix, hop)
	if p.NoAttributes {
		return out
	}
	return out + attributes(p.Attributes)
}

// attributes prints a path, and the rest where it is not the default.
func attributes(a routing.Attributes) string {
	var b strings.Builder
	for i, asn := range a.ASPath {
		if i == 0 {
			b.WriteString(" path")
		}
		fmt.Fprintf(&b, " %d", asn)
	}
	if a.MED != routing.DefaultMED {
		fmt.Fprintf(&b, " med %d", a.MED)
	}
	if a.LocalPreference != 0 {
		fmt.Fprintf(&b, " preference %d", a.LocalPreference)
	}
	for i, c := range a.Communities {
		if i == 0 {
			b.WriteString(" tags")
		}
		b.WriteString(" " + c.String())
	}
	return b.String()
}

func why(x routing.Explanation) string {
	var b strings.Builder
	b.WriteString("no route\n")
	if x.Route != nil {
		b.Reset()
		b.WriteString(row(*x.Route) + "\n")
	}
	for _, c := range x.Candidates {
		fmt.Fprintf(&b, "%s", c.Verdict.Outcome)
		if c.Verdict.Outcome != routing.Filtered {
			fmt.Fprintf(&b, " by %s", c.Verdict.By)
		}
		if c.Verdict.Detail != "" {
			fmt.Fprintf(&b, ", %s", shorten(c.Verdict.Detail))
		}
		b.WriteString("\n")
		for i := range c.Steps {
			s := &c.Steps[i]
			fmt.Fprintf(&b, "  %s%s\n", shorten(s.String()), attributes(s.After))
		}
	}
	return b.String()
}

func whyAdvertised(x routing.AdvertisedExplanation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "not advertised: %s\n", shorten(x.Detail))
	if x.Advertisement != nil {
		b.Reset()
		fmt.Fprintf(&b, "advertised%s\n", attributes(x.Advertisement.Attributes))
	}
	for i := range x.Steps {
		s := &x.Steps[i]
		fmt.Fprintf(&b, "  %s%s\n", shorten(s.String()), attributes(s.After))
	}
	return b.String()
}

var longIDs = regexp.MustCompile("attachment-[0-9a-f]{17}")

func shorten(text string) string { return longIDs.ReplaceAllStringFunc(text, shortID) }
