package bgp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

type rawConn = syscall.RawConn

// onSocket runs f on the file descriptor of a connection or listener.
func onSocket(c any, f func(fd int) error) error {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return errors.New("not a socket")
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	return control(raw, f)
}

func control(raw rawConn, f func(fd int) error) error {
	var err error
	if e := raw.Control(func(fd uintptr) { err = f(int(fd)) }); e != nil {
		return e
	}
	return err
}

// listenOptions lets a socket listen on an address that is not the system's yet (IP_FREEBIND).
func listenOptions(raw rawConn, local netip.Addr) error {
	return control(raw, func(fd int) error { return freeBind(fd, local) })
}

func freeBind(fd int, local netip.Addr) error {
	if local.Is4() {
		return unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_FREEBIND, 1)
	}
	return unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_FREEBIND, 1)
}

// dialOptions sets what must be there before the first segment: any local address, the MD5 key, the TTL.
func dialOptions(raw rawConn, p *Peer) error {
	return control(raw, func(fd int) error {
		if err := freeBind(fd, p.Local.Addr()); err != nil {
			return err
		}
		if p.Password != "" {
			if err := md5Key(fd, p.Remote.Addr(), p.Password); err != nil {
				return fmt.Errorf("TCP MD5: %w", err)
			}
		}
		return hops(fd, p)
	})
}

// prepare sets the options of a connection that was accepted.
func prepare(conn net.Conn, p *Peer) error {
	if p.TTL == 0 && p.TTLSecurity == 0 {
		return nil
	}
	return onSocket(conn, func(fd int) error { return hops(fd, p) })
}

// hops sets the TTL of what is sent, and with GTSM the least TTL that is accepted.
func hops(fd int, p *Peer) error {
	ttl := p.TTL
	v4 := p.Local.Addr().Is4()
	if p.TTLSecurity > 0 {
		ttl = maxTTL
		least := maxTTL + 1 - p.TTLSecurity
		level, option := unix.SOL_IP, unix.IP_MINTTL
		if !v4 {
			level, option = unix.SOL_IPV6, unix.IPV6_MINHOPCOUNT
		}
		if err := unix.SetsockoptInt(fd, level, option, least); err != nil {
			return fmt.Errorf("GTSM: %w", err)
		}
	}
	if ttl == 0 {
		return nil
	}
	return sendTTL(fd, v4, ttl)
}

func sendTTL(fd int, v4 bool, ttl int) error {
	if v4 {
		return unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_TTL, ttl)
	}
	return unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_UNICAST_HOPS, ttl)
}

func setTTL(ln net.Listener, ttl int) error {
	v4 := ln.Addr().(*net.TCPAddr).IP.To4() != nil
	return onSocket(ln, func(fd int) error { return sendTTL(fd, v4, ttl) })
}

// setKey gives a listening socket the MD5 key of a peer; "" takes it away.
func setKey(ln net.Listener, remote netip.Addr, key string) error {
	return onSocket(ln, func(fd int) error { return md5Key(fd, remote, key) })
}

// md5Key sets the key for segments from and to an address (RFC 2385).
func md5Key(fd int, remote netip.Addr, key string) error {
	var sig unix.TCPMD5Sig
	if len(key) > len(sig.Key) {
		return fmt.Errorf("a password of %d bytes, the longest has %d", len(key), len(sig.Key))
	}
	sig.Keylen = uint16(len(key))
	copy(sig.Key[:], key)
	if remote.Is4() {
		sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(&sig.Addr))
		sa.Family, sa.Addr = unix.AF_INET, remote.As4()
	} else {
		sa := (*unix.RawSockaddrInet6)(unsafe.Pointer(&sig.Addr))
		sa.Family, sa.Addr = unix.AF_INET6, remote.As16()
	}
	return unix.SetsockoptTCPMD5Sig(fd, unix.IPPROTO_TCP, unix.TCP_MD5SIG, &sig)
}

// inNamespace runs f on a thread that is in the network namespace; "" is the process's own. Sockets that f makes stay in
// it.
func inNamespace(path string, f func() error) error {
	if path == "" {
		return f()
	}
	ns, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("network namespace: %w", err)
	}
	defer func() { _ = ns.Close() }()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		own, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			done <- err
			return // the thread ends with the goroutine
		}
		defer func() { _ = own.Close() }()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter network namespace %s: %w", path, err)
			return
		}
		err = f()
		if unix.Setns(int(own.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}
