package routing_test

import (
	"fmt"
	"maps"
	"net/netip"
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
//	                           [peers=P1:ASN,P2:ASN] [nat=CIDR>CIDR,… [system=true]] [segment=… or group=…]
//	                           [: prefix [path ASN…] [med N] [tags a:b…] [at edge] [peer P1], …]
//	                           and prints where they go; only those that go somewhere, and do not wait, take part
//	remove A1 A2               forgets attachments
//	down A1 A2                 marks them as not working
//	option name=value          turns a switch
//	prefix-list alias          the entries of a prefix list
//	ties                       choices at exact ties: edge prefix choice
//	tables [name…] [edge=…]    FIBs, of all tables or of those named
//	outcomes name…             FIBs with all that different tie-breaks make of them; the order of ties plays no part
//	rib table=… edge=… [prefix=…]
//	advertised A1 [edge=…]     what is advertised to an attachment, or to a peer: then edge must be given
//	why-advertised A1 prefix=… [edge=…]
//	lookup table=… edge=…      addresses or prefixes, one a line
//	translate A1 from=… or to= what NAT makes of an address that comes from an attachment or goes to it
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
		var edge string
		if a, ok := s.tables.Attachment(id); ok {
			edge = a.Edges[0]
		}
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
	case "translate":
		a, _ := s.tables.Attachment(longID(d.CmdArgs[0].Key))
		translate := a.NAT.TranslateSource
		if d.CmdArgs[1].Key == "to" {
			translate = a.NAT.TranslateDestination
		}
		addr, translated := translate(netip.MustParseAddr(d.CmdArgs[1].Vals[0]))
		fmt.Fprintf(&b, "%s translated=%t\n", addr, translated)
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
		case "peers":
			for _, peer := range strings.Split(value, ",") {
				id, number, _ := strings.Cut(peer, ":")
				a.Peers = append(a.Peers, routing.Peer{ID: id, ASN: asn(t, number)})
			}
		case "nat", "system":
			a.NAT = translations(a.NAT, key, value)
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

func translations(nat *routing.NAT, key, value string) *routing.NAT {
	if nat == nil {
		nat = &routing.NAT{}
	}
	if key == "system" {
		nat.SystemRoutes = value == "true"
		return nat
	}
	for _, rule := range strings.Split(value, ",") {
		source, into, _ := strings.Cut(rule, ">")
		nat.Rules = append(nat.Rules, routing.NATRule{Source: netip.MustParsePrefix(source), NAT: netip.MustParsePrefix(into)})
	}
	return nat
}

func announcement(t *testing.T, text string) routing.Announcement {
	f := strings.Fields(text)
	n := routing.Announcement{Prefix: netip.MustParsePrefix(f[0])}
	list := ""
	for _, word := range f[1:] {
		switch {
		case word == "path" || word == "med" || word == "tags" || word == "at" || word == "peer":
			list = word
		case list == "path":
			n.ASPath = append(n.ASPath, asn(t, word))
		case list == "med":
			med := asn(t, word)
			n.MED = &med
		case list == "at":
			n.Edge = word
		case list == "peer":
			n.Peer = word
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
