//go:build !linux

package bgp

import "net/netip"

// GREEndpoint is the near end of GRE tunnels in user space, which Linux alone has.
type GREEndpoint struct{}

// OpenGRE fails: it needs Linux.
func OpenGRE(string, string, netip.Addr) (*GREEndpoint, error) { return nil, errLinux }

// SetPeers does nothing.
func (*GREEndpoint) SetPeers([]GREPeer) {}

// Packets counts nothing.
func (*GREEndpoint) Packets() (in, out, dropped uint64) { return 0, 0, 0 }

// Close does nothing.
func (*GREEndpoint) Close() {}
