package speaker

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Vendors are the routers that [RouterConfig] writes for.
var Vendors = []string{"frr", "bird", "cisco", "juniper"}

// passwordText stands where the router has the password, which is not shown.
const passwordText = "PASSWORD"

// router is what the configuration of a router is written from.
type router struct {
	sessions []Session
	first    *Session
	inside   netip.Addr // the router's address in the sessions
	inside6  netip.Addr // the router's IPv6 address in the tunnel, if it has one
	id       netip.Addr // BGP identifier
	bits     int        // of the inside block
	outer    string     // of the router; "": no tunnel
	core     string     // the other end
}

// neighbour is a session from the router's side.
func (r *router) neighbour(s *Session) (address string, port uint16) {
	if at, err := netip.ParseAddrPort(s.Local); err == nil && at.Addr() != s.CoreNetworkAddress {
		return at.Addr().String(), at.Port()
	}
	return s.CoreNetworkAddress.String(), bgpPort
}

// source is the router's own address in a session.
func (r *router) source(s *Session) string {
	if at, err := netip.ParseAddrPort(s.Remote); err == nil && at.Addr().IsLoopback() {
		return at.Addr().String()
	}
	return s.PeerAddress.String()
}

// hop4 says whether a session has IPv4 routes. hop6 is the next hop of its IPv6 routes; not valid: it has none.
func (r *router) hop4(s *Session) bool { return s.PeerAddress.Is4() }

func (r *router) hop6(s *Session) netip.Addr {
	if s.PeerAddress.Is6() {
		return s.PeerAddress
	}
	return r.inside6
}

// families says whether some session has IPv4 and IPv6 routes.
func (r *router) families() (four, six bool) {
	for i := range r.sessions {
		four, six = four || r.hop4(&r.sessions[i]), six || r.hop6(&r.sessions[i]).IsValid()
	}
	return four, six
}

func (r *router) internal() bool { return r.first.CoreNetworkASN == r.first.PeerASN }

// RouterConfig is the configuration of the router of a Connect peer, or of a VPN attachment, whose sessions are given, for one of [Vendors].
func RouterConfig(sessions []Session, vendor string) (string, error) {
	if len(sessions) == 0 {
		return "", errors.New("there are no sessions")
	}
	r := &router{sessions: sessions, first: &sessions[0], inside: sessions[0].PeerAddress, bits: 32}
	r.id = identifier(r.inside)
	if t := r.first.Tunnel; t != nil {
		r.outer, r.core = t.PeerAddress, t.CoreNetworkAddress
		for _, text := range t.InsideCIDRBlocks {
			block, err := netip.ParsePrefix(text)
			switch {
			case err != nil:
				return "", fmt.Errorf("inside CIDR block %q: %w", text, err)
			case block.Addr().Is6():
				r.inside6 = block.Masked().Addr().Next()
			default:
				r.bits = block.Bits()
			}
		}
	}
	var b strings.Builder
	switch vendor {
	case "frr":
		r.frr(&b)
	case "bird":
		r.bird(&b)
	case "cisco":
		r.cisco(&b)
	case "juniper":
		r.juniper(&b)
	default:
		return "", fmt.Errorf("no configuration for %q: want one of %s", vendor, strings.Join(Vendors, ", "))
	}
	return b.String(), nil
}

// linuxTunnel is the commands for the tunnel, as comments.
func (r *router) linuxTunnel(b *strings.Builder, comment string) {
	if r.outer == "" {
		return
	}
	kind := "gre"
	if strings.Contains(r.outer, ":") {
		kind = "ip6gre"
	}
	fmt.Fprintf(b, "%s ip link add gre-core type %s local %s remote %s ttl 64\n", comment, kind, r.outer, r.core)
	fmt.Fprintf(b, "%s ip link set gre-core mtu 1476 up\n%s ip address add %s/%d dev gre-core\n", comment, comment, r.inside, r.bits)
	if r.inside6.IsValid() {
		fmt.Fprintf(b, "%s ip address add %s/125 dev gre-core\n", comment, r.inside6)
	}
}

func (r *router) head(b *strings.Builder, comment string, untested bool) {
	what := "Connect peer"
	if r.first.AttachmentID != "" {
		what = "VPN attachment"
	}
	fmt.Fprintf(b, "%s %s %s at %s\n", comment, what, r.first.PeerID(), r.first.Edge)
	if untested {
		fmt.Fprintf(b, "%s This configuration has not been tested.\n", comment)
	}
}

func (r *router) frr(b *strings.Builder) {
	r.head(b, "!", false)
	r.linuxTunnel(b, "!")
	fmt.Fprintf(b, "router bgp %d\n bgp router-id %s\n no bgp ebgp-requires-policy\n", r.first.PeerASN, r.id)
	var names []string
	for i := range r.sessions {
		s := &r.sessions[i]
		name, port := r.neighbour(s)
		names = append(names, name)
		fmt.Fprintf(b, " neighbor %s remote-as %d\n", name, s.CoreNetworkASN)
		if port != bgpPort {
			fmt.Fprintf(b, " neighbor %s port %d\n", name, port)
		}
		switch {
		case s.TTLSecurity > 0:
			fmt.Fprintf(b, " neighbor %s ttl-security hops %d\n", name, s.TTLSecurity)
		case !r.internal():
			fmt.Fprintf(b, " neighbor %s ebgp-multihop %d\n", name, connectTTL)
		}
		fmt.Fprintf(b, " neighbor %s update-source %s\n neighbor %s timers 10 30\n neighbor %s timers connect 5\n", name, r.source(s), name, name)
		if s.MD5 {
			fmt.Fprintf(b, " neighbor %s password %s\n", name, passwordText)
		}
	}
	b.WriteString(" address-family ipv4 unicast\n")
	four, six := r.families()
	if four {
		b.WriteString("  ! network 192.168.7.0/24\n")
	}
	for i, n := range names {
		if r.hop4(&r.sessions[i]) {
			fmt.Fprintf(b, "  neighbor %s activate\n  neighbor %s soft-reconfiguration inbound\n", n, n)
		} else {
			fmt.Fprintf(b, "  no neighbor %s activate\n", n)
		}
	}
	b.WriteString(" exit-address-family\n")
	if six {
		b.WriteString(" address-family ipv6 unicast\n  ! network 2001:db8:7::/48\n")
		for i, n := range names {
			if hop := r.hop6(&r.sessions[i]); hop.IsValid() {
				fmt.Fprintf(b, "  neighbor %s activate\n  neighbor %s route-map %s out\n", n, n, hopMap(hop))
			}
		}
		b.WriteString(" exit-address-family\n")
	}
	b.WriteString("exit\n")
	written := map[netip.Addr]bool{}
	for i := range r.sessions {
		if hop := r.hop6(&r.sessions[i]); hop.IsValid() && !written[hop] {
			written[hop] = true
			fmt.Fprintf(b, "route-map %s permit 10\n set ipv6 next-hop global %s\nexit\n", hopMap(hop), hop)
		}
	}
}

// hopMap is the name of the route map that sets a next hop.
func hopMap(hop netip.Addr) string { return "core-out-" + hop.String() }

func (r *router) bird(b *strings.Builder) {
	r.head(b, "#", false)
	r.linuxTunnel(b, "#")
	fmt.Fprintf(b, "router id %s;\nprotocol device {}\n", r.id)
	for i := range r.sessions {
		s := &r.sessions[i]
		name, port := r.neighbour(s)
		at := ""
		if port != bgpPort {
			at = fmt.Sprintf(" port %d", port)
		}
		fmt.Fprintf(b, "protocol bgp core%d {\n\tlocal %s as %d;\n\tneighbor %s%s as %d;\n\thold time 30;\n\tgraceful restart on;\n",
			i+1, r.source(s), s.PeerASN, name, at, s.CoreNetworkASN)
		switch {
		case s.TTLSecurity > 1:
			fmt.Fprintf(b, "\tmultihop %d;\n\tttl security on;\n", s.TTLSecurity)
		case s.TTLSecurity == 1:
			b.WriteString("\tdirect;\n\tttl security on;\n")
		case !r.internal():
			fmt.Fprintf(b, "\tmultihop %d;\n", connectTTL)
		}
		if s.MD5 {
			fmt.Fprintf(b, "\tpassword %q;\n", passwordText)
		}
		if r.hop4(s) {
			b.WriteString("\tipv4 { import all; export where source != RTS_BGP; next hop self; };\n")
		}
		if hop := r.hop6(s); hop.IsValid() {
			fmt.Fprintf(b, "\tipv6 { import all; export where source != RTS_BGP; next hop address %s; };\n", hop)
		}
		b.WriteString("}\n")
	}
}

func (r *router) cisco(b *strings.Builder) {
	r.head(b, "!", true)
	if r.outer != "" {
		mask := "255.255.255.248"
		fmt.Fprintf(b, "interface Tunnel1\n ip address %s %s\n", r.inside, mask)
		if r.inside6.IsValid() {
			fmt.Fprintf(b, " ipv6 address %s/125\n", r.inside6)
		}
		fmt.Fprintf(b, " ip mtu 1476\n tunnel source %s\n tunnel destination %s\n tunnel mode gre ip\n!\n", r.outer, r.core)
	}
	fmt.Fprintf(b, "router bgp %d\n bgp router-id %s\n bgp log-neighbor-changes\n", r.first.PeerASN, r.id)
	var names []string
	for i := range r.sessions {
		s := &r.sessions[i]
		name, _ := r.neighbour(s)
		names = append(names, name)
		fmt.Fprintf(b, " neighbor %s remote-as %d\n", name, s.CoreNetworkASN)
		switch {
		case s.TTLSecurity > 0:
			fmt.Fprintf(b, " neighbor %s ttl-security hops %d\n", name, s.TTLSecurity)
		case !r.internal():
			fmt.Fprintf(b, " neighbor %s ebgp-multihop %d\n", name, connectTTL)
		}
		fmt.Fprintf(b, " neighbor %s timers 10 30\n", name)
		if s.MD5 {
			fmt.Fprintf(b, " neighbor %s password %s\n", name, passwordText)
		}
	}
	four, six := r.families()
	for _, f := range []struct {
		name string
		some bool
		has  func(*Session) bool
	}{{"ipv4", four, r.hop4}, {"ipv6", six, func(s *Session) bool { return r.hop6(s).IsValid() }}} {
		if !f.some {
			continue
		}
		fmt.Fprintf(b, " address-family %s unicast\n", f.name)
		for i, n := range names {
			if f.has(&r.sessions[i]) {
				fmt.Fprintf(b, "  neighbor %s activate\n  neighbor %s send-community\n", n, n)
			}
		}
		b.WriteString(" exit-address-family\n")
	}
}

func (r *router) juniper(b *strings.Builder) {
	r.head(b, "#", true)
	set := func(format string, args ...any) { fmt.Fprintf(b, "set "+format+"\n", args...) }
	if r.outer != "" {
		set("interfaces gr-0/0/0 unit 0 tunnel source %s", r.outer)
		set("interfaces gr-0/0/0 unit 0 tunnel destination %s", r.core)
		set("interfaces gr-0/0/0 unit 0 family inet mtu 1476 address %s/%d", r.inside, r.bits)
		if r.inside6.IsValid() {
			set("interfaces gr-0/0/0 unit 0 family inet6 address %s/125", r.inside6)
		}
	}
	set("routing-options autonomous-system %d", r.first.PeerASN)
	set("routing-options router-id %s", r.id)
	kind := "external"
	if r.internal() {
		kind = "internal"
	}
	set("protocols bgp group core-network type %s", kind)
	if kind == "external" {
		set("protocols bgp group core-network multihop ttl %d", connectTTL)
	}
	set("protocols bgp group core-network hold-time 30")
	four, six := r.families()
	if four {
		set("protocols bgp group core-network family inet unicast")
	}
	if six {
		set("protocols bgp group core-network family inet6 unicast")
	}
	for i := range r.sessions {
		s := &r.sessions[i]
		name, _ := r.neighbour(s)
		set("protocols bgp group core-network neighbor %s peer-as %d", name, s.CoreNetworkASN)
		set("protocols bgp group core-network neighbor %s local-address %s", name, s.PeerAddress)
		if s.MD5 {
			set("protocols bgp group core-network neighbor %s authentication-key %s", name, passwordText)
		}
	}
}

// Of are the sessions of a Connect peer or a VPN attachment.
func (l *Sessions) Of(peer string) []Session {
	return slices.DeleteFunc(slices.Clone(l.Sessions), func(s Session) bool { return s.PeerID() != peer })
}
