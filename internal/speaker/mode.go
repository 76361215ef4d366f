package speaker

import (
	"fmt"
	"hash/fnv"
	"log/slog"
	"net/netip"
	"os"
	"slices"

	"github.com/go-json-experiment/json"

	"portolan/internal/yamljson"
)

// Mode is where sessions have their sockets.
type Mode string

// The modes of --bgp.
const (
	Off      Mode = "off"      // no sessions are held
	Loopback Mode = "loopback" // addresses of 127.0.0.0/8 and port 1790 in the place of the real ones: no rights are needed
	Here     Mode = "here"     // the real addresses and port 179, in the network namespace of the process
	Netns    Mode = "netns"    // the same in a network namespace for each edge
)

// ParseMode reads the value of --bgp.
func ParseMode(text string) (Mode, error) {
	if m := Mode(text); slices.Contains([]Mode{Off, Loopback, Here, Netns}, m) {
		return m, nil
	}
	return "", fmt.Errorf("--bgp %q: want off, loopback, here or netns", text)
}

// placement gives sessions their sockets.
type placement interface {
	// arrange sets the sockets of all sessions, the oldest peers first, and what the system needs for them. Sessions that
	// cannot have their sockets are in the result. What peers had that are gone stays until tidy.
	arrange(peers []*peer) map[*session]error
	tidy()
	close()
}

func (m Mode) placement(log *slog.Logger) placement {
	switch m {
	case Loopback:
		return &loopback{}
	case Here:
		return here{}
	case Netns:
		return newNetns(log)
	}
	panic("speaker: mode " + string(m))
}

const (
	bgpPort      = 179
	loopbackPort = 1790
	connectTTL   = 2 // what AWS asks of routers with eBGP: multihop 2
)

// here has the real addresses. Whoever runs the server brings them and the way to the routers.
type here struct{}

func (here) arrange(peers []*peer) map[*session]error {
	claims := claims{}
	problems := map[*session]error{}
	for _, p := range peers {
		for _, s := range p.sessions {
			if err := claims.take(s, ""); err != nil {
				problems[s] = err
				continue
			}
			s.sockets = sockets{local: netip.AddrPortFrom(s.core, bgpPort), remote: netip.AddrPortFrom(s.router, bgpPort), ttl: connectTTL}
		}
	}
	return problems
}

// claims are the addresses in use, by whom: inside blocks of VPN tunnels may be the same, and packets of two peers must not be
// mistaken for each other's. Routers may have one address, as long as those of the core network differ.
type claims map[claim]string

type claim struct {
	namespace string
	address   netip.Addr
	router    bool
}

// take claims the addresses of a session in a network namespace, or says whose one of them is.
func (c claims) take(s *session, namespace string) error {
	for _, used := range []claim{{namespace, s.core, false}, {namespace, s.core, true}, {namespace, s.router, false}} {
		if other := c[used]; other != "" {
			return fmt.Errorf("%s is an address of %s, too: in a network namespace an address belongs to one peer", used.address, other)
		}
	}
	c[claim{namespace, s.core, false}], c[claim{namespace, s.router, true}] = s.peer.id, s.peer.id
	if six := (claim{namespace, s.core6, false}); s.core6.IsValid() && c[six] == "" {
		c[six] = s.peer.id // a next hop, and an address in the namespace: no router of a tunnel has it
	}
	return nil
}

func (here) tidy()  {}
func (here) close() {}

// loopback has eight addresses of 127.64.0.0/10 for each peer: the second is the router's, the third and fourth are the core
// network's, as in an inside block. Which ones follows from the id of the peer.
type loopback struct{ slots map[uint32]string }

const slotBits = 19

func (l *loopback) arrange(peers []*peer) map[*session]error {
	slots := map[uint32]string{}
	for _, p := range peers {
		h := fnv.New32a()
		_, _ = h.Write([]byte(p.id))
		slot := h.Sum32() & (1<<slotBits - 1)
		for slots[slot] != "" {
			slot = (slot + 1) & (1<<slotBits - 1)
		}
		slots[slot] = p.id
		first := 127<<24 | 64<<16 | slot<<3
		address := func(n uint32) netip.Addr {
			a := first + n
			return netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)})
		}
		for _, s := range p.sessions {
			s.sockets = sockets{
				local:  netip.AddrPortFrom(address(2+uint32(s.at)), loopbackPort),
				remote: netip.AddrPortFrom(address(1), loopbackPort),
			}
		}
	}
	l.slots = slots
	return nil
}

func (*loopback) tidy()  {}
func (*loopback) close() {}

// Secret is what a peer's sessions have that is not stored.
type Secret struct {
	Password    string `json:"password,omitzero"`    // TCP MD5 (RFC 2385)
	TTLSecurity int    `json:"ttlSecurity,omitzero"` // GTSM (RFC 5082): the most hops that the router may be away
}

// Secrets are by Connect peer or VPN attachment.
type Secrets map[string]Secret

// maxPassword is the longest key that TCP MD5 has.
const maxPassword = 80

// LoadSecrets reads a file, JSON or YAML: peers with their secrets. An error never holds a secret.
func LoadSecrets(path string) (Secrets, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	text, err = yamljson.Convert(text, yamljson.Options{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var s Secrets
	if err := json.Unmarshal(text, &s, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("%s: want Connect peers or VPN attachments, each with password or ttlSecurity", path)
	}
	for id, secret := range s {
		if len(secret.Password) > maxPassword || secret.TTLSecurity < 0 || secret.TTLSecurity > 254 {
			return nil, fmt.Errorf("%s: %s: a password has at most %d bytes, and ttlSecurity is 1 to 254 hops", path, id, maxPassword)
		}
	}
	return s, nil
}
