//go:build interop

package bgp

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
)

// bmpStation notes which messages it has had (RFC 7854 §4).
type bmpStation struct {
	ln   net.Listener
	mu   sync.Mutex
	seen map[bmpMessage]int
}

// bmpMessage is a type of message, and the address of the router that it is about.
type bmpMessage struct {
	kind byte
	peer netip.Addr
}

func listenBMP(t *testing.T) *bmpStation {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &bmpStation{ln: ln, seen: map[bmpMessage]int{}}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			running.Go(func() { s.read(conn) })
		}
	})
	t.Cleanup(func() { // the server, whose connections these are, has ended
		ln.Close()
		running.Wait()
	})
	return s
}

// read notes messages until the connection ends.
func (s *bmpStation) read(conn net.Conn) {
	defer conn.Close()
	for in := bufio.NewReader(conn); ; {
		var head [6]byte // version, length, type
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return
		}
		body := make([]byte, max(len(head), int(binary.BigEndian.Uint32(head[1:])))-len(head))
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		m := bmpMessage{kind: head[5]}
		if m.kind <= 3 && len(body) >= 42 { // a header of 42 bytes names the router
			m.peer = netip.AddrFrom16([16]byte(body[10:26]))
		}
		s.mu.Lock()
		s.seen[m]++
		s.mu.Unlock()
	}
}

// has is an error while there was no message of a type about a router.
func (s *bmpStation) has(kind byte, peer string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[bmpMessage{kind, netip.MustParseAddr(peer)}] == 0 {
		return fmt.Errorf("got %v", s.seen)
	}
	return nil
}
