//go:build interop

package bgp

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// exabgp is ExaBGP: it has no table, so a process of its own writes all that happens to a file, which is replayed.
type exabgp struct {
	e    *env
	d    *daemon
	fifo *os.File
	ipv6 bool
}

func TestExaBGP(t *testing.T) {
	t.Parallel()
	everyRouter(t, func() router { return &exabgp{} })
}

func (r *exabgp) start(e *env, c *cell) {
	e.t.Helper()
	r.e, r.ipv6 = e, c.ipv6
	os.Remove(filepath.Join(e.dir, "events"))
	fifo := filepath.Join(e.dir, "commands")
	if r.fifo == nil {
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			e.t.Fatal(err)
		}
		var err error
		if r.fifo, err = os.OpenFile(fifo, os.O_RDWR, 0); err != nil {
			e.t.Fatal(err)
		}
		e.t.Cleanup(func() { r.fifo.Close() })
	}
	script := e.file("observe", fmt.Sprintf("#!/bin/sh\ncat %s &\nexec cat >%s/events\n", fifo, e.dir))
	if err := os.Chmod(script, 0o755); err != nil {
		e.t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "process observe { run %s; encoder json; }\n", script)
	for _, n := range []string{coreAddr, coreAddr2} {
		fmt.Fprintf(&b, "neighbor %s {\n router-id 10.9.9.9;\n local-address %s;\n local-as %d;\n peer-as %d;\n hold-time 9;\n", n, routerAddr, c.routerAS, c.coreAS)
		if !c.passive {
			b.WriteString(" passive true;\n listen 179;\n")
		}
		if c.password != "" {
			password := c.password
			if c.wrongPassword {
				password = "other"
			}
			fmt.Fprintf(&b, " md5-password '%s';\n", password)
		}
		if c.gtsm && !c.farAway {
			b.WriteString(" outgoing-ttl 255;\n incoming-ttl 255;\n")
		}
		b.WriteString(" family { ipv4 unicast;")
		if c.ipv6 {
			b.WriteString(" ipv6 unicast;")
		}
		b.WriteString(" }\n capability { route-refresh enable; asn4 enable;")
		if c.graceful {
			fmt.Fprintf(&b, " graceful-restart %d;", restartSeconds)
		}
		b.WriteString(" }\n static {\n")
		for _, p := range c.prefixes() {
			fmt.Fprintf(&b, "  route %s next-hop self med 50 community [ 65009:50 ];\n", p)
		}
		if c.ipv6 {
			fmt.Fprintf(&b, "  route %s next-hop %s med 50 community [ 65009:50 ];\n", routerNet6, router6)
		}
		b.WriteString(" }\n api { processes [ observe ]; neighbor-changes; receive { parsed; update; } }\n}\n")
	}
	conf := e.file("exabgp.conf", b.String())
	environ := []string{"exabgp.daemon.user=root", "exabgp.daemon.daemonize=false", "exabgp.tcp.bind=" + routerAddr, "exabgp.api.cli=false", "exabgp.log.destination=stderr", "exabgp.tcp.delay=0", "exabgp.api.ack=false"}
	if c.passive {
		environ = slices.DeleteFunc(environ, func(s string) bool { return strings.HasPrefix(s, "exabgp.tcp.bind") })
	}
	r.d = e.start(environ, "exabgp", conf)
}

// table replays what has happened.
func (r *exabgp) table(session string) ([]string, error) {
	events, err := os.ReadFile(filepath.Join(r.e.dir, "events"))
	if err != nil {
		return nil, err
	}
	events = bytes.Map(func(r rune) rune { // it writes the data of a NOTIFICATION as it came
		if r < ' ' && r != '\n' {
			return '?'
		}
		return r
	}, events)
	routes := map[string]route{}
	for text := range bytes.Lines(events) {
		var event struct {
			Type     string
			Neighbor struct {
				Address struct{ Peer string }
				State   string
				Message struct {
					Update struct {
						Attribute struct {
							ASPath    jsontext.Value `json:"as-path"`
							MED       *uint32
							Community [][2]uint32
						}
						Announce map[string]map[string][]struct{ NLRI string }
						Withdraw map[string][]struct{ NLRI string }
					}
				}
			}
		}
		if err := json.Unmarshal(text, &event, json.MatchCaseInsensitiveNames(true)); err != nil {
			if !bytes.HasSuffix(text, []byte("\n")) {
				return nil, errNotYet // half a line
			}
			return nil, fmt.Errorf("%w: %s", err, text)
		}
		n := event.Neighbor
		if n.Address.Peer != session {
			continue
		}
		if event.Type == "state" && n.State != "up" && n.State != "connected" {
			clear(routes)
		}
		u := n.Message.Update
		for _, list := range u.Withdraw {
			for _, p := range list {
				delete(routes, p.NLRI)
			}
		}
		for _, hops := range u.Announce {
			for hop, list := range hops {
				for _, p := range list {
					rt := route{prefix: p.NLRI, hop: hop, med: u.Attribute.MED}
					for _, c := range u.Attribute.Community {
						rt.communities = append(rt.communities, c[0]<<16|c[1])
					}
					if rt.path, err = exabgpPath(u.Attribute.ASPath); err != nil {
						return nil, err
					}
					if rt.prefix != "" {
						routes[rt.prefix] = rt
					}
				}
			}
		}
	}
	var list []string
	for _, rt := range routes {
		list = append(list, rt.line())
	}
	slices.Sort(list)
	return list, nil
}

// exabgpPath reads an AS path, which is a list or segments by number.
func exabgpPath(raw jsontext.Value) (path []uint32, err error) {
	if len(raw) == 0 || json.Unmarshal(raw, &path) == nil {
		return path, nil
	}
	var segments map[string]struct{ Value []uint32 }
	if err := json.Unmarshal(raw, &segments, json.MatchCaseInsensitiveNames(true)); err != nil {
		return nil, errors.Join(fmt.Errorf("AS path %s", raw), err)
	}
	for i := range len(segments) {
		path = append(path, segments[fmt.Sprint(i)].Value...)
	}
	return path, nil
}

func (r *exabgp) refresh() (bool, error) {
	families := []string{"ipv4"}
	if r.ipv6 {
		families = append(families, "ipv6")
	}
	for _, n := range []string{coreAddr, coreAddr2} {
		for _, family := range families {
			if _, err := fmt.Fprintf(r.fifo, "neighbor %s announce route-refresh %s unicast\n", n, family); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

func (r *exabgp) retains() bool { return false }

func (r *exabgp) kill() { r.d.kill() }
