//go:build interop

package bgp

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/internal/bgp"
)

// cell is what one test has a router and the core do.
type cell struct {
	coreAS, routerAS uint32
	ipv6             bool
	password         string
	wrongPassword    bool // the router has another one
	gtsm             bool
	farAway          bool // the router does not take part in GTSM: its packets look as if they came from afar
	graceful         bool
	gre              bool // over a tunnel in user space
	passive          bool // the router connects
	usual            bool // the router has its own timers, by which it tries to connect every two minutes
	maxPrefixes      int
	more             int // prefixes that the router announces beside the usual
}

// The routes of every cell.
const (
	routerNet  = "192.168.7.0/24"
	routerNet6 = "2001:db8:7::/48"
)

// advertised is what the core advertises.
func (c *cell) advertised() []bgp.Route {
	path := []uint32{c.coreAS}
	attrs := &bgp.Attributes{MED: 100, HasMED: true, Communities: []uint32{64512<<16 | 7, 65009<<16 | 1}}
	far := &bgp.Attributes{MED: 100, HasMED: true}
	if c.coreAS == c.routerAS {
		path = nil
		attrs.LocalPref, attrs.HasLocalPref, far.LocalPref, far.HasLocalPref = 100, true, 100, true
	}
	attrs.ASPath = path
	far.ASPath = append(slices.Clone(path), 65010, 4200000077)
	list := []bgp.Route{
		{Prefix: netip.MustParsePrefix("10.0.0.0/16"), Attrs: attrs},
		{Prefix: netip.MustParsePrefix("10.1.0.0/17"), Attrs: far},
		{Prefix: netip.MustParsePrefix("10.2.3.4/32"), Attrs: far},
		{Prefix: netip.MustParsePrefix("10.99.0.0/16"), Attrs: attrs, Source: 1}, // the router's own
	}
	if c.ipv6 {
		list = append(list, bgp.Route{Prefix: netip.MustParsePrefix("2001:db8:1::/48"), Attrs: far})
	}
	return list
}

// lines is what a router must have from one session.
func lines(x *bgp.Export, session string) []string {
	var list []string
	for _, r := range x.Routes(1) {
		hop := session
		if r.Prefix.Addr().Is6() {
			hop = core6
		}
		list = append(list, line(r.Prefix.String(), hop, r.Attrs.ASPath, r.Attrs.MED, r.Attrs.HasMED, r.Attrs.Communities))
	}
	slices.Sort(list)
	return list
}

// announced is what the core must hear from a router that announces the usual with MED 50 and a community.
func (c *cell) announced() []string {
	var path []uint32
	if c.coreAS != c.routerAS {
		path = []uint32{c.routerAS}
	}
	list := []string{line(routerNet, routerAddr, path, 50, true, []uint32{65009<<16 | 50})}
	if c.ipv6 {
		list = append(list, line(routerNet6, router6, path, 50, true, []uint32{65009<<16 | 50}))
	}
	return list
}

// prefixes is what a router announces.
func (c *cell) prefixes() []string {
	list := []string{routerNet}
	for i := range c.more {
		list = append(list, fmt.Sprintf("192.168.%d.0/24", 100+i))
	}
	return list
}

// router is a BGP daemon of another project.
type router interface {
	// start runs the daemon with the two sessions of a cell.
	start(e *env, c *cell)
	// table is what a session has brought, as lines in order. Stale routes end with "stale".
	table(session string) ([]string, error)
	// refresh has the router ask for the routes of both sessions again; false: it never does.
	refresh() (bool, error)
	// retains says whether it has a table to keep routes in while the core restarts.
	retains() bool
	// kill ends it as a crash would.
	kill()
}

// holds waits until the router has from both sessions what the core advertises.
func holds(t *testing.T, r router, c *core) {
	t.Helper()
	for _, d := range c.list {
		holdsLines(t, r, d.Name, lines(c.export, d.Name))
	}
}

func holdsLines(t *testing.T, r router, session string, want []string) {
	t.Helper()
	until(t, "the router's table", func() error {
		got, err := r.table(session)
		if err != nil {
			return err
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("from %s, got:\n%s\nwant:\n%s", session, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		return nil
	})
}

func plain() *cell { return &cell{coreAS: 64512, routerAS: 65001} }

// exchange brings both sides up and looks at both tables.
func exchange(t *testing.T, r router, cl *cell) (*core, *env) {
	t.Helper()
	e := newEnv(t, cl)
	c := newCore(t, e, cl)
	r.start(e, cl)
	c.start(false)
	c.up()
	holds(t, r, c)
	c.hears(cl.announced()...)
	return c, e
}

// everyRouter runs the matrix with one router.
func everyRouter(t *testing.T, make func() router) {
	for name, test := range map[string]func(*testing.T, router){
		"IPv4": func(t *testing.T, r router) {
			c, _ := exchange(t, r, plain())
			c.export.Update([]bgp.Route{
				{Prefix: netip.MustParsePrefix("10.0.0.0/16")},
				{Prefix: netip.MustParsePrefix("10.5.0.0/16"), Attrs: &bgp.Attributes{ASPath: []uint32{64512, 65077}, MED: 7, HasMED: true}},
				{Prefix: netip.MustParsePrefix("10.1.0.0/17"), Attrs: &bgp.Attributes{ASPath: []uint32{64512}}, Source: 1}, // becomes the router's own
			})
			holds(t, r, c)
		},
		"IPv4, router connects": func(t *testing.T, r router) {
			cl := plain()
			cl.passive = true
			exchange(t, r, cl)
		},
		"IPv6": func(t *testing.T, r router) {
			cl := plain()
			cl.ipv6 = true
			c, _ := exchange(t, r, cl)
			c.export.Update([]bgp.Route{{Prefix: netip.MustParsePrefix("2001:db8:1::/48")}, {Prefix: netip.MustParsePrefix("2001:db8:2::/47"), Attrs: &bgp.Attributes{ASPath: []uint32{64512}}}})
			holds(t, r, c)
		},
		"GRE": func(t *testing.T, r router) {
			cl := plain()
			cl.gre, cl.ipv6 = true, true
			_, e := exchange(t, r, cl)
			for _, gre := range e.gre {
				if in, out, _ := gre.Packets(); in == 0 || out == 0 {
					t.Errorf("%d packets in, %d out of the tunnel", in, out)
				}
			}
		},
		"MD5": func(t *testing.T, r router) {
			cl := plain()
			cl.password, cl.passive = "secret", true
			exchange(t, r, cl)
		},
		"MD5, ours connects": func(t *testing.T, r router) {
			cl := plain()
			cl.password = "secret"
			exchange(t, r, cl)
		},
		"MD5, wrong": func(t *testing.T, r router) {
			cl := plain()
			cl.password, cl.wrongPassword = "secret", true
			staysDown(t, r, cl)
		},
		"GTSM": func(t *testing.T, r router) {
			cl := plain()
			cl.gtsm = true
			exchange(t, r, cl)
		},
		"GTSM, from afar": func(t *testing.T, r router) {
			cl := plain()
			cl.gtsm, cl.farAway, cl.passive = true, true, true
			staysDown(t, r, cl)
		},
		"iBGP": func(t *testing.T, r router) {
			exchange(t, r, &cell{coreAS: 64512, routerAS: 64512, ipv6: true})
		},
		"4-octet ASN": func(t *testing.T, r router) {
			exchange(t, r, &cell{coreAS: 4200000001, routerAS: 4200000002, ipv6: true})
		},
		"refresh": func(t *testing.T, r router) {
			cl := plain()
			cl.ipv6 = true
			cl.graceful = true // FRR 8.4 answers after its End-of-RIB, which it sends to peers with graceful restart alone
			c, _ := exchange(t, r, cl)
			before := c.counters()
			asks, err := r.refresh()
			if err != nil {
				t.Fatal(err)
			}
			until(t, "routes are sent again", func() error {
				if asks && c.counters().UpdatesOut <= before.UpdatesOut {
					return errNotYet
				}
				return nil
			})
			holds(t, r, c)
			before = c.counters()
			for _, s := range c.sp.Sessions() {
				if !s.Refresh() {
					t.Fatal("the router cannot refresh")
				}
			}
			until(t, "routes come again", func() error {
				if c.counters().Announced <= before.Announced {
					return errNotYet
				}
				return nil
			})
			c.hears(cl.announced()...)
		},
		"prefix overflow": func(t *testing.T, r router) {
			cl := plain()
			cl.maxPrefixes, cl.more = 3, 3
			e := newEnv(t, cl)
			c := newCore(t, e, cl)
			r.start(e, cl)
			c.start(false)
			until(t, "sessions over their limit", func() error {
				for _, s := range c.sp.Sessions() {
					if i := s.Info(); !strings.Contains(i.LastReason, "Maximum Number of Prefixes") {
						return fmt.Errorf("%s: %s, %q", i.Peer.Name, i.State, i.LastReason)
					}
				}
				return nil
			})
			for _, d := range c.list {
				holdsLines(t, r, d.Name, nil)
			}
		},
		"flap": func(t *testing.T, r router) {
			cl := plain()
			c, _ := exchange(t, r, cl)
			for range 4 {
				for _, s := range c.sp.Sessions() {
					s.Reset("flap")
				}
				c.up()
			}
			holds(t, r, c)
			c.hears(cl.announced()...)
		},
		"kill the router": func(t *testing.T, r router) {
			cl := plain()
			c, e := exchange(t, r, cl)
			r.kill()
			c.hears()
			r.start(e, cl)
			c.up()
			holds(t, r, c)
			c.hears(cl.announced()...)
		},
		"kill the core": func(t *testing.T, r router) {
			cl := plain()
			c, _ := exchange(t, r, cl)
			c.die()
			for _, d := range c.list {
				holdsLines(t, r, d.Name, nil)
			}
			c.start(true)
			c.up()
			holds(t, r, c)
			c.hears(cl.announced()...)
		},
		"graceful restart of the core": func(t *testing.T, r router) {
			cl := plain()
			cl.graceful, cl.ipv6 = true, true
			c, _ := exchange(t, r, cl)
			c.die()
			for _, d := range c.list {
				var stale []string
				if !r.retains() {
					continue
				}
				for _, l := range lines(c.export, d.Name) {
					stale = append(stale, l+" stale")
				}
				holdsLines(t, r, d.Name, stale)
			}
			c.export.Update([]bgp.Route{{Prefix: netip.MustParsePrefix("10.0.0.0/16")}})
			c.start(true)
			c.up()
			holds(t, r, c) // End-of-RIB has removed what is advertised no more
			c.hears(cl.announced()...)
		},
		"graceful restart of the router": func(t *testing.T, r router) {
			cl := plain()
			cl.graceful = true
			c, e := exchange(t, r, cl)
			r.kill()
			until(t, "routes are stale", func() error {
				for _, s := range c.sp.Sessions() {
					if i := s.Info(); i.Stale != len(cl.announced()) {
						return fmt.Errorf("%s: %d stale of %d", i.Peer.Name, i.Stale, i.Heard)
					}
				}
				return nil
			})
			c.hears(cl.announced()...)
			r.start(e, cl)
			c.up()
			until(t, "no route is stale", func() error {
				for _, s := range c.sp.Sessions() {
					if i := s.Info(); i.Stale != 0 || i.Heard == 0 {
						return fmt.Errorf("%s: %d stale of %d", i.Peer.Name, i.Stale, i.Heard)
					}
				}
				return nil
			})
			c.hears(cl.announced()...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, make())
		})
	}
}

// staysDown has both sides try for some seconds, in vain.
func staysDown(t *testing.T, r router, cl *cell) {
	e := newEnv(t, cl)
	c := newCore(t, e, cl)
	r.start(e, cl)
	c.start(false)
	holdsLines(t, r, coreAddr, nil) // it runs, and has nothing
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range 40 {
		<-tick.C
		for _, s := range c.sp.Sessions() {
			if i := s.Info(); i.Established > 0 {
				t.Fatal("a session came up")
			}
		}
	}
}

func (c *core) counters() (sum bgp.Counters) {
	for _, s := range c.sp.Sessions() {
		i := s.Info().Counters
		sum.UpdatesOut += i.UpdatesOut
		sum.Announced += i.Announced
	}
	return sum
}

func TestMain(m *testing.M) {
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "the interoperability suite makes network namespaces: run it as root")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// route is a line in the making, from the output of a router.
type route struct {
	prefix, hop string
	path        []uint32
	med         *uint32
	communities []uint32
	stale       bool
}

func (r *route) line() string {
	med := uint32(0)
	if r.med != nil {
		med = *r.med
	}
	text := line(r.prefix, r.hop, r.path, med, r.med != nil, r.communities)
	if r.stale {
		text += " stale"
	}
	return text
}

// parsePath reads "64512 65010".
func parsePath(text string) (path []uint32, err error) {
	for field := range strings.FieldsSeq(text) {
		var as uint32
		if _, err := fmt.Sscan(field, &as); err != nil {
			return nil, errors.Join(fmt.Errorf("AS path %q", text), err)
		}
		path = append(path, as)
	}
	return path, nil
}
