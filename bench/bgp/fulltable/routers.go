package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"portolan/bench/atquota"
	"portolan/routing"
)

// router is one end of a session: it announces what it is told to and counts what it is advertised.
type router struct {
	conn  net.Conn
	asn   uint16
	self  netip.Addr
	up    chan struct{}
	heard atomic.Int64 // prefixes advertised, those withdrawn taken away
	gone  chan time.Time
}

// routers reads where the sessions are, "ASN OWN-ADDRESS ADDRESS" each, and "ready". Then the first router announces a full table; "done
// MILLISECONDS" says that the second one has it. Each further line has the first withdraw one prefix, or announce it again:
// "gone MILLISECONDS PREFIX" says when the second one was told.
func routers(v4, v6 int) {
	list := atquota.Internet(v4, v6)
	messages := encode(list)
	in := bufio.NewScanner(os.Stdin)
	var both []*router
	for in.Scan() && in.Text() != "ready" {
		var asn uint16
		var own, to string
		_, err := fmt.Sscan(in.Text(), &asn, &own, &to)
		check(err)
		both = append(both, dial(asn, netip.MustParseAddrPort(own).Addr(), to))
	}
	slices.SortFunc(both, func(a, b *router) int { return int(a.asn) - int(b.asn) })
	for _, r := range both {
		<-r.up
	}
	from, to := both[0], both[1]
	began := time.Now()
	for _, m := range messages {
		_, err := from.conn.Write(m)
		check(err)
	}
	fmt.Println("sent", time.Since(began).Milliseconds())
	for to.heard.Load() < int64(len(list)) {
		time.Sleep(5 * time.Millisecond)
	}
	fmt.Println("done", time.Since(began).Milliseconds())
	for i := 0; in.Scan(); i++ {
		p := list[i*7919%len(list)].Prefix
		for len(to.gone) > 0 {
			<-to.gone
		}
		at := time.Now()
		_, err := from.conn.Write(withdraw(p))
		check(err)
		fmt.Println("gone", float64((<-to.gone).Sub(at).Microseconds())/1000, p)
	}
}

func dial(asn uint16, own netip.Addr, to string) *router {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: own.AsSlice()}}
	r := &router{asn: asn, self: own, up: make(chan struct{}), gone: make(chan time.Time, 1000)}
	for {
		var err error
		if r.conn, err = d.Dial("tcp4", to); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	id := own.As4()
	body := append([]byte{4, byte(asn >> 8), byte(asn), 0, 180}, id[:]...)
	caps := []byte{1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1, 65, 4, 0, 0, byte(asn >> 8), byte(asn)}
	body = append(body, byte(len(caps)+2), 2, byte(len(caps)))
	_, err := r.conn.Write(message(1, append(body, caps...)))
	check(err)
	_, err = r.conn.Write(message(4, nil))
	check(err)
	go r.read()
	return r
}

func message(kind byte, body []byte) []byte {
	m := slices.Repeat([]byte{0xff}, 16)
	m = binary.BigEndian.AppendUint16(m, uint16(19+len(body)))
	return append(append(m, kind), body...)
}

func (r *router) read() {
	in := bufio.NewReaderSize(r.conn, 64<<10)
	buf := make([]byte, 65536)
	up := false
	for {
		if _, err := io.ReadFull(in, buf[:19]); err != nil {
			return // the server has ended
		}
		body := buf[19:binary.BigEndian.Uint16(buf[16:])]
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		switch buf[18] {
		case 3:
			check(fmt.Errorf("AS %d: NOTIFICATION % x", r.asn, body))
		case 4:
			if !up {
				up = true
				close(r.up)
			}
			_, _ = r.conn.Write(message(4, nil))
		case 2:
			come, gone := prefixes(body)
			r.heard.Add(int64(come - gone))
			for range min(gone, 1) {
				r.gone <- time.Now()
			}
		}
	}
}

// prefixes counts those that an UPDATE announces and withdraws, of both families.
func prefixes(body []byte) (come, gone int) {
	count := func(b []byte) (n int) {
		for len(b) > 0 {
			b = b[1+(int(b[0])+7)/8:]
			n++
		}
		return n
	}
	size := int(binary.BigEndian.Uint16(body))
	gone, body = count(body[2:2+size]), body[2+size:]
	size = int(binary.BigEndian.Uint16(body))
	attrs := body[2 : 2+size]
	come = count(body[2+size:])
	for len(attrs) > 0 {
		head, long := 3, attrs[0]&0x10 != 0
		size := int(attrs[2])
		if long {
			head, size = 4, int(binary.BigEndian.Uint16(attrs[2:]))
		}
		switch value := attrs[head : head+size]; attrs[1] {
		case 14:
			come += count(value[5+value[3]:])
		case 15:
			gone += count(value[3:])
		}
		attrs = attrs[head+size:]
	}
	return come, gone
}

// encode makes UPDATEs of a table, prefixes that have one path together, as routers do.
func encode(list []routing.Announcement) (messages [][]byte) {
	type group struct {
		path []uint32
		six  bool
		nlri []byte
	}
	groups := map[string]*group{}
	var order []*group
	for _, n := range list {
		key := fmt.Sprint(n.Prefix.Addr().Is6(), n.ASPath)
		g := groups[key]
		if g == nil || len(g.nlri) > 3000 {
			g = &group{path: n.ASPath, six: n.Prefix.Addr().Is6()}
			groups[key] = g
			order = append(order, g)
		}
		g.nlri = appendPrefix(g.nlri, n.Prefix)
	}
	for _, g := range order {
		attrs := []byte{0x40, 1, 1, 0, 0x40, 2, byte(2 + 4*len(g.path)), 2, byte(len(g.path))}
		for _, asn := range g.path {
			attrs = binary.BigEndian.AppendUint32(attrs, asn)
		}
		var nlri []byte
		if g.six {
			value := append([]byte{0, 2, 1, 16}, make([]byte, 17)...)
			value[4], value[5], value[19] = 0xfd, 0, 9 // the next hop
			value = append(value, g.nlri...)
			attrs = append(attrs, 0x90, 14, byte(len(value)>>8), byte(len(value)))
			attrs = append(attrs, value...)
		} else {
			attrs = append(attrs, 0x40, 3, 4, 127, 64, 0, 9)
			nlri = g.nlri
		}
		body := binary.BigEndian.AppendUint16([]byte{0, 0}, uint16(len(attrs)))
		messages = append(messages, message(2, append(append(body, attrs...), nlri...)))
	}
	return messages
}

func appendPrefix(b []byte, p netip.Prefix) []byte {
	return append(append(b, byte(p.Bits())), p.Addr().AsSlice()[:(p.Bits()+7)/8]...)
}

// withdraw is an UPDATE that withdraws a prefix.
func withdraw(p netip.Prefix) []byte {
	nlri := appendPrefix(nil, p)
	if p.Addr().Is4() {
		body := binary.BigEndian.AppendUint16(nil, uint16(len(nlri)))
		return message(2, append(append(body, nlri...), 0, 0))
	}
	attr := append([]byte{0x80, 15, byte(3 + len(nlri)), 0, 2, 1}, nlri...)
	body := binary.BigEndian.AppendUint16([]byte{0, 0}, uint16(len(attr)))
	return message(2, append(body, attr...))
}
