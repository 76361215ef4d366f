//go:build interop

package bgp

import (
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portolan/internal/bgp"
)

// core is Portolan's side: two sessions in a namespace.
type core struct {
	t      *testing.T
	e      *env
	sp     *bgp.Speaker
	export *bgp.Export
	list   []bgp.Desired

	mu    sync.Mutex
	heard map[string]map[netip.Prefix]*bgp.Attributes // by session
	downs []string
}

func (c *core) Changed(s *bgp.Session, t bgp.Transition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.From == bgp.Established {
		reason := "connection lost"
		if t.Reason != nil {
			reason = t.Reason.Error()
		}
		c.downs = append(c.downs, reason)
	}
}

func (c *core) Heard(s *bgp.Session, changes []bgp.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := s.Peer().Name
	if c.heard[name] == nil {
		c.heard[name] = map[netip.Prefix]*bgp.Attributes{}
	}
	for _, ch := range changes {
		if ch.Attrs == nil {
			delete(c.heard[name], ch.Prefix)
		} else {
			c.heard[name][ch.Prefix] = ch.Attrs
		}
	}
}

func (c *core) Malformed(*bgp.Session, *bgp.Notification) {}

func (c *core) Received(*bgp.Session, []byte) {}

// restartSeconds is how long both sides keep routes while the other restarts, if they do not say so themselves: longer than a test waits.
const restartSeconds = 300

// newCore is our side of a cell. It starts with start.
func newCore(t *testing.T, e *env, cell *cell) *core {
	c := &core{t: t, e: e, export: bgp.NewExport(), heard: map[string]map[netip.Prefix]*bgp.Attributes{}}
	c.export.Replace(cell.advertised())
	for i, local := range []string{coreAddr, coreAddr2} {
		p := bgp.Peer{
			Name: local, Local: netip.AddrPortFrom(netip.MustParseAddr(local), 179), Remote: netip.MustParseAddrPort(routerAddr + ":179"),
			Namespace: e.path(e.core), LocalAS: cell.coreAS, PeerAS: cell.routerAS, RouterID: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}),
			Passive: cell.passive, HoldTime: 9 * time.Second, ConnectRetry: time.Second, IdleHold: 100 * time.Millisecond, MaxIdleHold: time.Second,
			Families: bgp.IPv4, NextHop4: netip.MustParseAddr(local), NextHop6: netip.MustParseAddr(core6), Source: 1,
			MaxPrefixes: cell.maxPrefixes, Password: cell.password, TTL: 2,
		}
		if cell.ipv6 {
			p.Families |= bgp.IPv6
		}
		if cell.maxPrefixes > 0 {
			p.MaxIdleHold = time.Minute // it does not come back while the test looks
		}
		if cell.gtsm {
			p.TTLSecurity = 1
		}
		if cell.graceful {
			p.RestartTime = restartSeconds * time.Second
		}
		c.list = append(c.list, bgp.Desired{Peer: p, Export: c.export})
	}
	return c
}

// start begins; restarting: an earlier process had the routes that are heard now.
func (c *core) start(restarting bool) {
	c.t.Helper()
	c.sp = bgp.NewSpeaker(c, slog.New(slog.DiscardHandler))
	list := slices.Clone(c.list)
	for i := range list {
		list[i].Restarting = restarting
		if restarting {
			for p, a := range c.heard[list[i].Name] {
				list[i].Restore = append(list[i].Restore, bgp.Change{Prefix: p, Attrs: a})
			}
		}
	}
	// A process that another test is forking may still hold the sockets of an earlier speaker.
	until(c.t, "listen", func() error { return c.sp.Apply(list) })
	sp := c.sp
	c.t.Cleanup(func() { sp.Close(false) })
}

// die ends the connections without a message, as the kernel does for a process that is killed.
func (c *core) die() { c.sp.Close(true) }

// up waits until both sessions are established.
func (c *core) up() {
	c.t.Helper()
	until(c.t, "sessions", func() error {
		for _, s := range c.sp.Sessions() {
			if i := s.Info(); i.State != bgp.Established {
				return fmt.Errorf("%s is %s: %s", i.Peer.Name, i.State, i.LastReason)
			}
		}
		return nil
	})
}

// table is what both sessions have heard, as lines; "differ" where they have not heard the same.
func (c *core) table() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	tables := map[string]string{}
	for _, d := range c.list {
		var lines []string
		for p, a := range c.heard[d.Name] {
			lines = append(lines, line(p.String(), a.NextHop.String(), a.ASPath, a.MED, a.HasMED, a.Communities))
		}
		slices.Sort(lines)
		tables[strings.Join(lines, "\n")] = d.Name
	}
	if len(tables) > 1 {
		return "differ:\n" + strings.Join(slices.Sorted(maps.Keys(tables)), "\n--\n")
	}
	for text := range tables {
		return text
	}
	return ""
}

// hears waits until both sessions have heard exactly these lines.
func (c *core) hears(lines ...string) {
	c.t.Helper()
	slices.Sort(lines)
	until(c.t, "routes heard", func() error {
		if got := c.table(); got != strings.Join(lines, "\n") {
			return fmt.Errorf("got:\n%s\nwant:\n%s", got, strings.Join(lines, "\n"))
		}
		return nil
	})
}

// line is a route as every table of this package has it.
func line(prefix, nextHop string, path []uint32, med uint32, hasMED bool, communities []uint32) string {
	text := fmt.Sprintf("%s via %s path %d", prefix, nextHop, path)
	if hasMED {
		text += fmt.Sprintf(" med %d", med)
	}
	for _, c := range slices.Sorted(slices.Values(communities)) {
		text += fmt.Sprintf(" %d:%d", c>>16, c&0xffff)
	}
	return text
}
