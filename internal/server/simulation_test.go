package server_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"portolan/internal/catalog"
	"portolan/internal/events"
	"portolan/internal/failpoint"
	"portolan/internal/store"
)

// switchedCatalog is one of several catalogs.
type switchedCatalog struct {
	catalog.Catalog
	version uint64
	among   []catalog.Catalog
}

func (s *switchedCatalog) Version() uint64 { return s.version }

func (s *switchedCatalog) switchTo(version uint64) {
	s.version, s.Catalog = version, s.among[version%uint64(len(s.among))]
}

// newSwitchedCatalog has what random calls name: all of it, some of it with other addresses, or nothing.
func newSwitchedCatalog(t *testing.T) *switchedCatalog {
	t.Helper()
	vpc := func(cidr string) []catalog.VPC {
		prefix := netip.MustParsePrefix(cidr)
		subnet := catalog.Subnet{ARN: samples["SubnetArn"], AvailabilityZone: "eu-west-1a", CIDRs: []netip.Prefix{prefix}}
		return []catalog.VPC{{ARN: samples["VpcArn"], CIDRs: []netip.Prefix{prefix}, Subnets: []catalog.Subnet{subnet}}}
	}
	s := &switchedCatalog{}
	for _, contents := range []*catalog.Contents{
		{VPCs: vpc("10.1.0.0/16"), TransitGateways: []catalog.TransitGateway{{ARN: samples["TransitGatewayArn"], ASN: 64600}}},
		{VPCs: vpc("10.2.0.0/16")},
		{},
	} {
		c, err := catalog.New(contents)
		if err != nil {
			t.Fatal(err)
		}
		s.among = append(s.among, c)
	}
	s.switchTo(0)
	return s
}

// takingSink takes what it is given, or a part of it.
type takingSink struct {
	c       *randomCalls
	healthy bool
	took    []string // account and id, each when it came first
	seen    map[string]bool
}

func (s *takingSink) Name() string { return "taking" }

func (s *takingSink) Send(_ context.Context, batch []events.Record) (int, error) {
	sent := len(batch)
	if !s.healthy && s.c.chance(20) {
		sent = s.c.random.IntN(sent + 1)
	}
	for i := range batch[:sent] {
		if id := batch[i].Event.Account + " " + batch[i].Event.ID; !s.seen[id] {
			s.seen[id] = true
			s.took = append(s.took, id)
		}
	}
	if sent < len(batch) {
		return sent, errors.New("the sink takes no more")
	}
	return sent, nil
}

// simulation is a server with all that it has to do with, driven from one seed.
type simulation struct {
	*machine
	c       *randomCalls
	catalog *switchedCatalog
	sink    *takingSink
	text    strings.Builder // what has happened
}

// failures are the places where something goes wrong now and then.
var failures = [...]string{"store.commit", "store.sync", "event.append", "queue.step"}

// simulate makes so many calls and tells all that has happened, byte for byte.
func simulate(t *testing.T, seed uint64, calls int) string {
	t.Helper()
	path := t.TempDir() + "/db"
	s := &simulation{c: newRandomCalls(t, seed), catalog: newSwitchedCatalog(t)}
	s.machine = newMachine(t, seed, s.catalog, func(fail *failpoint.Points) store.Store { return openDisk(t, path, fail) })
	s.sink = &takingSink{c: s.c, seen: map[string]bool{}}
	failed := 0
	for range calls {
		failing := ""
		if s.c.chance(4) {
			failing = pick(s.c, failures[:])
			s.set(failing, "error@1")
		}
		call := s.c.next()
		status, answer := s.answer(call)
		fmt.Fprintf(&s.text, "%s\n%d %s\n", call, status, answer)
		if status == 500 {
			failed++
			if failing == "" {
				t.Errorf("nothing was to fail, and yet: %s: %s", call, answer)
			}
		}
		if failing != "" {
			s.set(failing, "")
		}
		_, body, _ := strings.Cut(answer, " ")
		s.c.learn(body)
		s.happen()
	}
	s.settle()
	sum := sha256.Sum256([]byte(s.dump()))
	fmt.Fprintf(&s.text, "%d failed, stored %x\n", failed, sum)
	return s.text.String()
}

func (s *simulation) set(place, act string) {
	s.t.Helper()
	if err := s.fail.Set(place, act); err != nil {
		s.t.Fatal(err)
	}
}

// happen is what goes on between two calls.
func (s *simulation) happen() {
	if s.c.chance(30) {
		fmt.Fprintln(&s.text, "clock", s.c.moveClock(s.machine))
	}
	if s.c.chance(5) {
		s.catalog.switchTo(s.catalog.version + 1 + uint64(s.c.random.IntN(2)))
		fmt.Fprintln(&s.text, "catalog", s.catalog.version)
	}
	if s.c.chance(15) {
		place := ""
		if s.c.chance(20) {
			place = pick(s.c, []string{"sink.write", "sink.written", "store.commit"})
			s.set(place, "error@1")
		}
		s.deliver()
		if place != "" {
			s.set(place, "")
		}
	}
	if s.c.chance(2) {
		fmt.Fprintln(&s.text, "restart")
		s.restart()
	}
}

// deliver carries events away once.
func (s *simulation) deliver() int {
	before := len(s.sink.took)
	r := &events.Runner{Store: s.store, Sink: s.sink, Log: slog.New(slog.DiscardHandler), Fail: s.fail}
	sent, err := r.Step(s.t.Context())
	fmt.Fprintln(&s.text, "sink", sent, err, s.sink.took[before:])
	return sent
}

// settle lets everything end well, and checks what must hold then.
func (s *simulation) settle() {
	s.sink.healthy = true
	for s.deliver() > 0 { // until nothing is left
	}
	verify(s.t, s.store)
	var logged []string
	if err := s.store.View(s.t.Context(), func(r store.Reader) error {
		for _, account := range events.Accounts(r) {
			for after := uint64(0); ; {
				list, next, err := events.Read(r, events.Query{Account: account, After: after, Limit: 1000})
				if err != nil || len(list) == 0 {
					break
				}
				for i := range list {
					logged = append(logged, account+" "+list[i].Event.ID)
				}
				after = next
			}
		}
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
	took := slices.Clone(s.sink.took)
	slices.SortStableFunc(took, func(a, b string) int { return strings.Compare(a[:12], b[:12]) })
	if !slices.Equal(took, logged) {
		s.t.Errorf("%d events were carried away, %d are logged, or not in their order", len(took), len(logged))
	}
}

// TestSimulation_replays: from one seed the same happens again, byte for byte, failures included; and whatever fails, what is
// stored does not contradict itself and every event is carried away, in order.
func TestSimulation_replays(t *testing.T) {
	list, calls := seeds(t, 2)
	for _, seed := range list {
		t.Run(fmt.Sprint("ROBUSTNESS_SEED=", seed), func(t *testing.T) {
			first, again := simulate(t, seed, calls), simulate(t, seed, calls)
			a, b := strings.Split(first, "\n"), strings.Split(again, "\n")
			for i := range min(len(a), len(b)) {
				if a[i] != b[i] {
					t.Fatalf("line %d:\n%.2000s\nthen\n%.2000s", i+1, a[i], b[i])
				}
			}
			if len(a) != len(b) {
				t.Errorf("%d lines, then %d", len(a), len(b))
			}
		})
	}
}
