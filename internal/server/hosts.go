package server

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"portolan/api"
)

// A name that somebody else owns can be made to lead to this machine. A web page of that name is then of the same origin as
// the server, as far as a browser can tell, and only the Host of its requests shows what it is. So where any credentials are
// accepted every request has to name the server by one of its own names.

// Hosts tells which values of the Host header name the server; see [NewHosts]. Nil are all.
type Hosts struct {
	listen   netip.Addr // the zero value: a name is listened on
	anywhere bool       // requests come from other machines too: every address is one of this server's
	names    []string
}

// NewHosts are the names of a server that listens on the address HOST:PORT: localhost and what is below it, loopback
// addresses, the address itself, and the given names. A server that listens on all addresses has all addresses: what a page
// was loaded from is an address only when that is the server itself.
func NewHosts(listen string, names []string) (*Hosts, error) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, err
	}
	h := &Hosts{}
	if h.listen, err = netip.ParseAddr(host); err != nil && host != "" {
		names = append(slices.Clone(names), host)
	}
	h.anywhere = host == "" || h.listen.IsValid() && h.listen.IsUnspecified()
	for _, name := range names {
		name = strings.ToLower(name)
		if name == "" || strings.ContainsAny(name, "/:*@ ") {
			return nil, fmt.Errorf("%q is not a host name such as portolan.example", name)
		}
		h.names = append(h.names, strings.TrimSuffix(name, "."))
	}
	return h, nil
}

// has tells whether a Host header names the server. HTTP/1.0 has none, and no browser speaks that.
func (h *Hosts) has(header string) bool {
	if h == nil || header == "" {
		return true
	}
	host := header
	if name, _, err := net.SplitHostPort(header); err == nil {
		host = name
	} else if inner, ok := strings.CutPrefix(header, "["); ok {
		host = strings.TrimSuffix(inner, "]")
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return h.anywhere || addr.Unmap().IsLoopback() || addr == h.listen
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || slices.Contains(h.names, host)
}

// misdirected refuses a request that names another server.
func misdirected(host string) error {
	return &api.GenericError{
		Status: http.StatusMisdirectedRequest, Type: "MisdirectedRequestException",
		Message: fmt.Sprintf("The host %q is not one of this server's names: see --host.", cut(host, 100)),
	}
}
