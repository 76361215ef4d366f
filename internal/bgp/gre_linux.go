package bgp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// GREEndpoint is the near end of GRE tunnels in user space, for kernels without GRE: one TUN device for all peers of an
// outer address. Addresses and routes of the device are its owner's business.
type GREEndpoint struct {
	tun     *os.File
	conn    *net.IPConn
	running sync.WaitGroup

	mu    sync.RWMutex
	peers []GREPeer

	in, out, dropped atomic.Uint64
}

// OpenGRE makes a TUN device of the name in a network namespace ("": the process's own) and takes the GRE packets that
// come to the IPv4 address local. It needs CAP_NET_ADMIN and CAP_NET_RAW.
func OpenGRE(namespace, device string, local netip.Addr) (*GREEndpoint, error) {
	if !local.Is4() {
		return nil, fmt.Errorf("GRE endpoint: %s is not an IPv4 address", local)
	}
	e := &GREEndpoint{}
	err := inNamespace(namespace, func() (err error) {
		if e.tun, err = openTUN(device); err != nil {
			return err
		}
		e.conn, err = net.ListenIP("ip4:47", &net.IPAddr{IP: local.AsSlice()})
		return err
	})
	if err != nil {
		if e.tun != nil {
			_ = e.tun.Close()
		}
		return nil, fmt.Errorf("GRE endpoint %s: %w", local, err)
	}
	e.running.Go(e.send)
	e.running.Go(e.receive)
	return e, nil
}

func openTUN(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("TUN device %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), "/dev/net/tun"), nil
}

// SetPeers says who the far ends are. Packets of others are dropped, and so are inner addresses that are not the peer's.
func (e *GREEndpoint) SetPeers(peers []GREPeer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.peers = peers
}

// Packets counts what came from peers, what went to them, and what was dropped.
func (e *GREEndpoint) Packets() (in, out, dropped uint64) {
	return e.in.Load(), e.out.Load(), e.dropped.Load()
}

// Close takes the device away.
func (e *GREEndpoint) Close() {
	_ = e.tun.Close()
	_ = e.conn.Close()
	e.running.Wait()
}

// peer is the first peer that the condition is true of.
func (e *GREEndpoint) peer(is func(*GREPeer) bool) *GREPeer {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for i := range e.peers {
		if is(&e.peers[i]) {
			return &e.peers[i]
		}
	}
	return nil
}

// send carries packets from the device to the peer whose inside block they are for.
func (e *GREEndpoint) send() {
	b := make([]byte, maxGREPacket)
	for {
		n, err := e.tun.Read(b[greHeader:])
		if err != nil {
			return
		}
		packet := b[:greHeader+n]
		_, to, ok := packetAddrs(packet[greHeader:])
		peer := e.peer(func(p *GREPeer) bool { return p.inside(to) })
		if !ok || peer == nil || encapsulate(packet) != nil {
			e.dropped.Add(1)
			continue
		}
		if _, err := e.conn.WriteToIP(packet, &net.IPAddr{IP: peer.Outer.AsSlice()}); errors.Is(err, net.ErrClosed) {
			return
		} else if err != nil {
			e.dropped.Add(1)
			continue
		}
		e.out.Add(1)
	}
}

// receive carries packets from peers to the device.
func (e *GREEndpoint) receive() {
	b := make([]byte, maxGREPacket)
	for {
		n, from, err := e.conn.ReadFromIP(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			e.dropped.Add(1)
			continue
		}
		outer, _ := netip.AddrFromSlice(from.IP)
		outer = outer.Unmap()
		packet, err := decapsulate(b[:n])
		inner, _, ok := packetAddrs(packet)
		peer := e.peer(func(p *GREPeer) bool { return p.Outer == outer && p.inside(inner) })
		if err != nil || !ok || peer == nil {
			e.dropped.Add(1)
			continue
		}
		if _, err := e.tun.Write(packet); err != nil {
			e.dropped.Add(1)
			continue
		}
		e.in.Add(1)
	}
}
