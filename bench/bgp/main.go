// Command bgp is both ends of the BGP measurements: `bgp speaker` is Portolan's speaker as a process of its own, so that
// its processor time and memory can be read from outside, and `bgp peers` is many routers that only count. The bench
// command runs them in a network namespace, and FRR in the place of the speaker.
package main

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"portolan/internal/bgp"
)

const (
	coreAS, peerAS = 64512, 65001
	core           = "10.199.0.1"
)

func peerAddr(i int) netip.Addr {
	i++
	return netip.AddrFrom4([4]byte{10, 200, byte(i >> 8), byte(i)})
}

func main() {
	log.SetFlags(0)
	sessions := flag.Int("sessions", 2000, "")
	routes := flag.Int("routes", 5000, "that the speaker advertises")
	send := flag.Int("send", 0, "prefixes that each peer announces")
	changes := flag.Int("changes", 0, "single changes, one after the other, to be measured")
	flag.Parse()
	switch flag.Arg(0) {
	case "speaker":
		speak(*sessions, *routes)
	case "peers":
		p := &peers{sessions: *sessions, routes: *routes, send: *send, changes: *changes}
		p.run()
	default:
		log.Fatal("speaker or peers")
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// counter is a Handler that counts.
type counter struct{ up, heard atomic.Int64 }

func (c *counter) Changed(_ *bgp.Session, t bgp.Transition) {
	if t.To == bgp.Established {
		c.up.Add(1)
	}
}
func (c *counter) Heard(_ *bgp.Session, changes []bgp.Change) { c.heard.Add(int64(len(changes))) }
func (c *counter) Malformed(*bgp.Session, *bgp.Notification)  {}
func (c *counter) Received(*bgp.Session, []byte)              {}

// speak holds sessions until its input ends. A line on its input changes one route; it answers "heard N" to "heard".
func speak(sessions, routes int) {
	debug.SetGCPercent(100)
	c := &counter{}
	sp := bgp.NewSpeaker(c, slog.New(slog.DiscardHandler))
	x := bgp.NewExport()
	var list []bgp.Route
	for i := range routes {
		list = append(list, bgp.Route{
			Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(i >> 8), byte(i), 0}), 24),
			Attrs:  &bgp.Attributes{ASPath: []uint32{coreAS, uint32(65100 + i%50)}, MED: 100, HasMED: true},
		})
	}
	x.Replace(list)
	var desired []bgp.Desired
	for i := range sessions {
		desired = append(desired, bgp.Desired{Export: x, Peer: bgp.Peer{
			Name: fmt.Sprint(i), Local: netip.MustParseAddrPort(core + ":179"), Remote: netip.AddrPortFrom(peerAddr(i), 179),
			LocalAS: coreAS, PeerAS: peerAS, RouterID: netip.MustParseAddr(core), Passive: true, HoldTime: 180 * time.Second,
			Families: bgp.IPv4, NextHop4: netip.MustParseAddr(core), RestartTime: 120 * time.Second,
		}})
	}
	check(sp.Apply(desired))
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	for n := uint32(0); in.Scan(); n++ {
		switch in.Text() {
		case "heard":
			fmt.Println(c.heard.Load())
		case "change":
			fmt.Println(time.Now().UnixNano())
			x.Update([]bgp.Route{{Prefix: list[0].Prefix, Attrs: &bgp.Attributes{ASPath: []uint32{coreAS, n + 1}}}})
		}
	}
}

// peers are routers that open a session each, announce what they are asked to, and count what they get.
type peers struct {
	sessions, routes, send, changes int

	arrived chan time.Time
	upTimes []time.Duration
	mu      sync.Mutex
}

func (p *peers) run() {
	debug.SetGCPercent(400)
	p.arrived = make(chan time.Time, p.sessions)
	begin := time.Now()
	var up, whole sync.WaitGroup
	limit := make(chan struct{}, 64) // connections being made at once
	for i := range p.sessions {
		up.Add(1)
		whole.Add(1)
		go func() {
			limit <- struct{}{}
			p.session(i, &up, &whole, func() { <-limit })
		}()
	}
	up.Wait()
	fmt.Printf("up %d\n", time.Since(begin).Milliseconds())
	whole.Wait()
	fmt.Printf("whole %d\n", time.Since(begin).Milliseconds())
	slices.Sort(p.upTimes)
	fmt.Printf("session %d\n", p.upTimes[len(p.upTimes)/2].Microseconds())
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() { // each line is when a change was made
		var at int64
		if _, err := fmt.Sscan(in.Text(), &at); err != nil {
			return
		}
		var list []time.Duration
		for range p.sessions {
			list = append(list, (<-p.arrived).Sub(time.Unix(0, at)))
		}
		slices.Sort(list)
		fmt.Printf("change %d %d\n", list[len(list)/2].Microseconds(), list[len(list)*99/100].Microseconds())
	}
}

// open is an OPEN with four-octet ASN, IPv4 and nothing else.
func open(id netip.Addr) []byte {
	body := []byte{4, peerAS >> 8, peerAS & 0xff, 0, 180}
	a := id.As4()
	body = append(body, a[:]...)
	caps := []byte{1, 4, 0, 1, 0, 1, 65, 4, 0, 0, peerAS >> 8, peerAS & 0xff}
	body = append(body, byte(len(caps)+2), 2, byte(len(caps)))
	return message(1, append(body, caps...))
}

func message(kind byte, body []byte) []byte {
	m := slices.Repeat([]byte{0xff}, 16)
	m = binary.BigEndian.AppendUint16(m, uint16(19+len(body)))
	return append(append(m, kind), body...)
}

func (p *peers) session(i int, up, whole *sync.WaitGroup, free func()) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: peerAddr(i).AsSlice()}}
	var conn net.Conn
	for {
		var err error
		if conn, err = d.Dial("tcp4", core+":179"); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	begin := time.Now()
	_, err := conn.Write(open(peerAddr(i)))
	check(err)
	_, err = conn.Write(message(4, nil))
	check(err)
	r := bufio.NewReaderSize(conn, 16<<10)
	buf := make([]byte, 65536)
	established, counted := false, 0
	for {
		_, err := io.ReadFull(r, buf[:19])
		check(err)
		body := buf[19:binary.BigEndian.Uint16(buf[16:])]
		_, err = io.ReadFull(r, body)
		check(err)
		switch buf[18] {
		case 3:
			log.Fatalf("peer %d: NOTIFICATION % x", i, body)
		case 4:
			if !established {
				established = true
				p.mu.Lock()
				p.upTimes = append(p.upTimes, time.Since(begin))
				p.mu.Unlock()
				up.Done()
				free()
				if p.send > 0 {
					go p.announce(i, conn)
				}
				if p.routes == 0 {
					whole.Done()
				}
				go func() {
					for range time.Tick(60 * time.Second) {
						_, _ = conn.Write(message(4, nil)) // a session that is gone takes no keepalive
					}
				}()
			}
		case 2:
			n := prefixes(body)
			before := counted
			counted += n
			if before < p.routes && counted >= p.routes {
				whole.Done()
			} else if before >= p.routes && n > 0 {
				p.arrived <- time.Now()
			}
		}
	}
}

// prefixes counts the NLRI of an UPDATE.
func prefixes(body []byte) (n int) {
	b := body[2+binary.BigEndian.Uint16(body):]
	b = b[2+binary.BigEndian.Uint16(b):]
	for len(b) > 0 {
		b = b[1+(int(b[0])+7)/8:]
		n++
	}
	return n
}

// announce sends prefixes of a realistic shape: a handful for each set of attributes.
func (p *peers) announce(i int, conn net.Conn) {
	w := bufio.NewWriterSize(conn, 64<<10)
	for n := 0; n < p.send; {
		attrs := []byte{0x40, 1, 1, 0, 0x40, 2, 14, 2, 3, 0, 0, peerAS >> 8, peerAS & 0xff, 0, 1}
		attrs = binary.BigEndian.AppendUint16(attrs, uint16(n/7))
		attrs = append(attrs, 0, 2, byte(n>>8), byte(n))
		a := peerAddr(i).As4()
		attrs = append(append(attrs, 0x40, 3, 4), a[:]...)
		body := binary.BigEndian.AppendUint16([]byte{0, 0}, uint16(len(attrs)))
		body = append(body, attrs...)
		for range min(7, p.send-n) {
			x := n
			body = append(body, 24, byte(1+x>>16), byte(x>>8), byte(x))
			n++
		}
		_, err := w.Write(message(2, body))
		check(err)
	}
	check(w.Flush())
}
