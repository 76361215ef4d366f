package analysis_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"portolan/bench/atquota"
	"portolan/internal/analysis"
	"portolan/internal/page"
	"portolan/internal/snapshot"
)

// manyRoutes is a plan that changes a row of every table.
func manyRoutes(t *testing.T) *analysis.Plan {
	t.Helper()
	size := atquota.Size{Attachments: 200, Segments: 12, Edges: 5, Routes: 400}
	s, err := analysis.Examine(size.Snapshot(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(t.Context(), []byte(size.Policy(size.Everything())))
	if err != nil {
		t.Fatal(err)
	}
	if p.RoutesAdded < 10_000 {
		t.Fatalf("only %d routes", p.RoutesAdded)
	}
	return p
}

// TestPlan_routesAreNotKept: what a plan needs does not grow with the routes that change, which are looked up while it is written.
func TestPlan_routesAreNotKept(t *testing.T) {
	p := manyRoutes(t)
	live := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live()
	most := uint64(0)
	rows := 0
	for range p.Routes {
		if rows++; rows%5000 == 0 {
			most = max(most, live())
		}
	}
	if rows != p.RoutesAdded+p.RoutesWithdrawn+p.RoutesRerouted {
		t.Errorf("%d rows, %d+%d+%d were counted", rows, p.RoutesAdded, p.RoutesWithdrawn, p.RoutesRerouted)
	}
	if most > before+1<<20 {
		t.Errorf("%d bytes more are held while %d routes are read", most-before, rows)
	}
}

// failing takes so many bytes.
type failing struct{ left int }

var errGone = errors.New("the client has gone")

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errGone
	}
	return len(p), nil
}

func TestPlan_stopsWhenTheReaderGoes(t *testing.T) {
	p := manyRoutes(t)
	all, rows := p.Routes, 0
	p.Routes = func(yield func(analysis.PlanRow) bool) {
		all(func(row analysis.PlanRow) bool { rows++; return yield(row) })
	}
	for name, write := range map[string]func(io.Writer) error{
		"text": func(w io.Writer) error { return p.Page().Text(w, page.Style{}) }, "markdown": func(w io.Writer) error { return p.Page().Markdown(w) }, "json": func(w io.Writer) error { return analysis.WriteJSON(w, p) },
	} {
		rows = 0
		if err := write(&failing{64 << 10}); !errors.Is(err, errGone) {
			t.Errorf("%s: %v", name, err)
		}
		if rows > p.RoutesAdded/2 {
			t.Errorf("%s: %d of %d rows were looked up for a reader that had gone", name, rows, p.RoutesAdded)
		}
	}
}

func TestSubject_stopsWhenItsContextEnds(t *testing.T) {
	size := atquota.Size{Attachments: 60, Segments: 6, Edges: 3, Routes: 120}
	s, err := analysis.Examine(size.Snapshot(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, matrixErr := s.Matrix(ctx, false)
	_, pairsErr := s.Matrix(ctx, true)
	_, doctorErr := s.Doctor(ctx)
	_, planErr := s.Plan(ctx, []byte(size.Policy(nil)))
	for name, err := range map[string]error{"matrix": matrixErr, "pairs": pairsErr, "doctor": doctorErr, "plan": planErr} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPlan_pairsThatChangeAlikeAreOneLine: pairs with an end in common are one line that names the others, and what was not
// reachable because it was not associated says so.
func TestPlan_pairsThatChangeAlikeAreOneLine(t *testing.T) {
	vpc := func(id, tag, prefix string) string {
		return fmt.Sprintf(`{id: %s, type: vpc, edges: [us-east-1], tags: {%s}, announcements: [{prefix: %s}]}`, id, tag, prefix)
	}
	examine := func(tag string) *analysis.Subject {
		t.Helper()
		s, err := snapshot.Parse([]byte(network(twoSegments, `{action: send-via, segment: a, mode: single-hop, when-sent-to: {segments: [b]}, via: {network-function-groups: [fw]}}`,
			strings.Join([]string{
				vpc("a1", "domain: a", "10.1.0.0/16"), vpc("a2", "domain: a", "10.2.0.0/16"), vpc("a3", "domain: a", "10.3.0.0/16"),
				vpc("b1", tag, "10.9.0.0/16"), "{id: f1, type: vpc, edges: [us-east-1], tags: {nfg: fw}}",
			}, ","))))
		if err != nil {
			t.Fatal(err)
		}
		net, err := analysis.Examine(s, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return net
	}
	p, err := examine("domani: b").PlanTo(t.Context(), examine("domain: b"))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if err := p.Page().Text(&got, page.Style{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"  MODIFY ATTACHMENT b1: tag domain = b is added\n  MODIFY ATTACHMENT b1: tag domani = b is removed\n",
		"  b1 ↔ 3 attachments: reachable via fw (was: b1 is not associated)\n",
		"a1, a2, a3\n", "6 pairs of attachments: ", "Routes: ", " CHANGE ", "nfg:NAME is network function group NAME",
	} {
		if strings.Count(got.String(), want) != 1 {
			t.Errorf("%q is not there once:\n%s", want, &got)
		}
	}
	for _, bad := range []string{"0 pairs", " 0 withdrawn", "no prefix to reach"} {
		if strings.Contains(got.String(), bad) {
			t.Errorf("%q is there:\n%s", bad, &got)
		}
	}
}

// TestPlan_headlineNamesBlackholes: routes that drop what they routed stand in the headline, also where no pair of attachments is cut off.
func TestPlan_headlineNamesBlackholes(t *testing.T) {
	const send = `{action: send-to, segment: a, via: {network-function-groups: [fw]}}`
	const static = `{action: create-route, segment: a, destination-cidr-blocks: [172.16.0.0/12], destinations: [%s]}`
	vpcs := `{id: a1, type: vpc, edges: [us-east-1], tags: {domain: a}, announcements: [{prefix: 10.1.0.0/16}]},
		{id: b1, type: vpc, edges: [eu-west-1], tags: {domain: b}, announcements: [{prefix: 10.2.0.0/16}]}`
	const function = `, {id: f1, type: vpc, edges: [us-east-1], tags: {nfg: fw}}`
	for _, c := range []struct {
		name, before, after string
		want                []string
	}{
		{"the group's last attachment goes", network(twoSegments, send, vpcs+function), network(twoSegments, send, vpcs), []string{"traffic lost: blackholes for 0.0.0.0/0 in 3 tables, ::/0 in 3 tables"}},
		{
			"a route becomes a blackhole", network(twoSegments, fmt.Sprintf(static, "attachment-0123456789abcdef0"), strings.ReplaceAll(vpcs, "a1", "attachment-0123456789abcdef0")),
			network(twoSegments, fmt.Sprintf(static, "blackhole"), strings.ReplaceAll(vpcs, "a1", "attachment-0123456789abcdef0")),
			[]string{"traffic lost: blackholes for 172.16.0.0/12 in 3 tables"},
		},
		{
			"a longer prefix becomes a blackhole", network(twoSegments, fmt.Sprintf(static, "attachment-0123456789abcdef0"), strings.ReplaceAll(vpcs, "a1", "attachment-0123456789abcdef0")),
			network(twoSegments, fmt.Sprintf(static, "attachment-0123456789abcdef0")+", "+strings.ReplaceAll(fmt.Sprintf(static, "blackhole"), "172.16.0.0/12", "172.16.5.0/24"), strings.ReplaceAll(vpcs, "a1", "attachment-0123456789abcdef0")),
			[]string{"traffic lost: blackholes for 172.16.5.0/24 in 3 tables"},
		},
		{"a new blackhole, where nothing was routed", network(twoSegments, "", vpcs), network(twoSegments, fmt.Sprintf(static, "blackhole"), vpcs), nil},
		{"the blackhole stays", network(twoSegments, send, vpcs), network(twoSegments, send, strings.ReplaceAll(vpcs, "10.2.", "10.3.")), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := compute(t, c.before).PlanTo(t.Context(), compute(t, c.after))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, line := range p.Headline {
				if strings.HasPrefix(line, "traffic lost") {
					got = append(got, line)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q of %q, want %q", got, p.Headline, c.want)
			}
		})
	}
}

// TestPlan_connectFailsWithItsVPC: a Connect attachment carries nothing without the VPC attachment that it runs over, in whatever segment
// that is, or in none.
func TestPlan_connectFailsWithItsVPC(t *testing.T) {
	const arn = "arn:aws:ec2:us-east-1:111122223333:vpc/vpc-1"
	for _, domain := range []string{"a", "b", "nowhere"} {
		snap, err := snapshot.Parse([]byte(network(twoSegments, "", `
			{id: v1, type: vpc, edges: [us-east-1], resourceArn: "`+arn+`", tags: {domain: `+domain+`}, announcements: [{prefix: 10.1.0.0/16}]},
			{id: v2, type: vpc, edges: [eu-west-1], resourceArn: "`+arn+`", tags: {domain: a}, announcements: [{prefix: 10.2.0.0/16}]},
			{id: c1, type: connect, edges: [us-east-1], resourceArn: "`+arn+`", tags: {domain: a}, announcements: [{prefix: 10.3.0.0/16, asPath: [65001]}]}`)))
		if err != nil {
			t.Fatal(err)
		}
		n, err := analysis.Examine(snap, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		next, err := (&analysis.Change{Fail: []string{"attachment=v1"}}).Of(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := n.PlanTo(t.Context(), next)
		if err != nil {
			t.Fatal(err)
		}
		text := pageText(t, plan)
		if !strings.Contains(text, "10.3.0.0/16") || strings.Contains(text, "10.2.0.0/16") || strings.Contains(text, "changes nothing") {
			t.Errorf("the VPC in segment %s: %s", domain, text)
		}
	}
}

// TestPlan_failuresWithoutEffect: what is supposed to fail and carried no traffic before is named, whether something else changes or not.
func TestPlan_failuresWithoutEffect(t *testing.T) {
	snap, err := snapshot.Parse([]byte(network(twoSegments, "", `
		{id: a1, type: vpc, edges: [us-east-1], tags: {domain: a}, announcements: [{prefix: 10.1.0.0/16}]},
		{id: b1, type: vpc, edges: [eu-west-1], tags: {domain: b}, state: REJECTED},
		{id: c1, type: vpc, edges: [eu-west-1], tags: {domian: b}}`)))
	if err != nil {
		t.Fatal(err)
	}
	n, err := analysis.Examine(snap, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		fail []string
		want string
	}{
		{[]string{"attachment=b1"}, "Nothing changes.\n  attachment b1 fails, which changes nothing: it is REJECTED: it carries no traffic\n"},
		{[]string{"attachment=c1"}, "Nothing changes.\n  attachment c1 fails, which changes nothing: it is AVAILABLE but not associated: no attachment-policy rule matches\n"},
		{[]string{"edge=eu-west-1"}, "Nothing changes.\n  edge location eu-west-1 fails, which changes nothing: of its 2 attachments none carries traffic\n"},
		{[]string{"edge=us-east-1", "edge=eu-west-1"}, "  1 attachment moves: a1 from segment a to FAILED\n  edge location eu-west-1 fails, which"},
	} {
		next, err := (&analysis.Change{Fail: c.fail}).Of(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := n.PlanTo(t.Context(), next)
		if err != nil {
			t.Fatal(err)
		}
		if text := pageText(t, plan); !strings.Contains(text, c.want) {
			t.Errorf("%v: %s", c.fail, text)
		}
	}
	one := *snap
	one.Attachments = one.Attachments[:2]
	if n, err = analysis.Examine(&one, nil, nil); err != nil {
		t.Fatal(err)
	}
	next, err := (&analysis.Change{Fail: []string{"edge=eu-west-1"}}).Of(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := n.PlanTo(t.Context(), next)
	if err != nil {
		t.Fatal(err)
	}
	if text, want := pageText(t, plan), "edge location eu-west-1 fails, which changes nothing: its only attachment carries no traffic\n"; !strings.Contains(text, want) {
		t.Errorf("one attachment: %s", text)
	}
	empty := *snap
	empty.Attachments = empty.Attachments[:1]
	if n, err = analysis.Examine(&empty, nil, nil); err != nil {
		t.Fatal(err)
	}
	sup, err := analysis.ParseSupposition([]byte(`{"fail": {"edges": ["eu-west-1"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	what, err := n.WhatIf(t.Context(), sup)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"edge location eu-west-1 fails, which changes nothing: it has no attachments"}; !what.Empty || !slices.Equal(what.Headline, want) {
		t.Errorf("what if: %v %q", what.Empty, what.Headline)
	}
}

// TestPlan_failureOfWhatTheChangePutsToUse: a failure changes something when the attachment was idle before, but would not be
// after what changes beside it.
func TestPlan_failureOfWhatTheChangePutsToUse(t *testing.T) {
	read := func(domain, segments string) *snapshot.Snapshot {
		snap, err := snapshot.Parse([]byte(network(segments, "", `
			{id: a1, type: vpc, edges: [us-east-1], tags: {domain: a}, announcements: [{prefix: 10.1.0.0/16}]},
			{id: b1, type: vpc, edges: [eu-west-1], tags: {domain: `+domain+`}, announcements: [{prefix: 10.2.0.0/16}]}`)))
		if err != nil {
			t.Fatal(err)
		}
		return snap
	}
	const threeSegments = twoSegments + `, {name: c, require-attachment-acceptance: false}`
	const idle = "fails, which changes nothing"
	for name, c := range map[string]struct {
		change analysis.Change
		idle   bool
	}{
		"a policy with the segment":      {analysis.Change{Policy: read("c", threeSegments).Policy}, false},
		"a policy without the segment":   {analysis.Change{Policy: read("c", `{name: d, require-attachment-acceptance: false}, {name: a, require-attachment-acceptance: false}`).Policy}, true},
		"a snapshot in which it is used": {analysis.Change{To: read("b", twoSegments)}, false},
		"a snapshot in which it is not":  {analysis.Change{To: read("x", twoSegments)}, true},
	} {
		for _, fail := range []string{"attachment=b1", "edge=eu-west-1"} {
			n, err := analysis.Examine(read("c", twoSegments), nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			c.change.Fail = []string{fail}
			next, err := c.change.Of(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := n.PlanTo(t.Context(), next)
			if err != nil {
				t.Fatal(err)
			}
			if text := pageText(t, plan); strings.Contains(text, idle) != c.idle {
				t.Errorf("%s, %s: %s", name, fail, text)
			}
		}
	}
}
