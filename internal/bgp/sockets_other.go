//go:build !linux

package bgp

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
)

type rawConn = syscall.RawConn

// errLinux is what Linux alone has: MD5 keys, GTSM, network namespaces.
var errLinux = errors.New("needs Linux")

func listenOptions(rawConn, netip.Addr) error { return nil }

func dialOptions(_ rawConn, p *Peer) error { return supported(p) }

func prepare(_ net.Conn, p *Peer) error { return supported(p) }

func supported(p *Peer) error {
	if p.Password != "" || p.TTLSecurity > 0 || p.TTL > 0 {
		return errLinux
	}
	return nil
}

func setTTL(net.Listener, int) error { return errLinux }

func setKey(net.Listener, netip.Addr, string) error { return errLinux }

func inNamespace(path string, f func() error) error {
	if path != "" {
		return errLinux
	}
	return f()
}
