package bgp

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
)

// Family is an address family, as a bit of a set.
type Family uint8

const (
	IPv4 Family = 1 << iota // IPv4 unicast
	IPv6                    // IPv6 unicast
)

// String is "ipv4", "ipv6" or both.
func (f Family) String() string {
	switch f {
	case IPv4:
		return "ipv4"
	case IPv6:
		return "ipv6"
	case IPv4 | IPv6:
		return "ipv4+ipv6"
	}
	return "none"
}

func (f Family) codec() bgp.Family {
	if f == IPv6 {
		return bgp.RF_IPv6_UC
	}
	return bgp.RF_IPv4_UC
}

func familyOf(afi uint16, safi uint8) Family {
	switch bgp.NewFamily(afi, safi) {
	case bgp.RF_IPv4_UC:
		return IPv4
	case bgp.RF_IPv6_UC:
		return IPv6
	}
	return 0
}

func familyOfPrefix(p netip.Prefix) Family {
	if p.Addr().Is4() {
		return IPv4
	}
	return IPv6
}

var families = [...]Family{IPv4, IPv6}

const (
	headerSize       = 19
	maxMessage       = bgp.BGP_MAX_MESSAGE_LENGTH
	maxExtended      = bgp.BGP_MAX_EXTENDED_MESSAGE_LENGTH
	asTrans          = bgp.AS_TRANS
	minHoldTime      = 3 * time.Second
	openHoldTime     = 4 * time.Minute // RFC 4271 §8.2.2: the hold time until the peer's OPEN is there
	maxOpenParamSize = 255
)

// Capabilities is what one side can do.
type Capabilities struct {
	Families        Family
	FourOctetAS     bool
	RouteRefresh    bool
	EnhancedRefresh bool
	ExtendedMessage bool
	GracefulRestart bool
	Restarting      bool          // the R bit: it has just restarted
	Notifications   bool          // the N bit of RFC 8538
	RestartTime     time.Duration // how long its routes may be kept without a session
	Forwarding      Family        // families whose forwarding state it kept, the F bits
	GracefulFor     Family        // families listed in the capability
}

// peerOpen is the content of a peer's OPEN, after the checks.
type peerOpen struct {
	as       uint32
	id       netip.Addr
	holdTime time.Duration
	caps     Capabilities
	raw      []byte // the whole message
}

// encodeOpen is our OPEN message.
func encodeOpen(as uint32, id netip.Addr, holdTime time.Duration, caps Capabilities) ([]byte, error) {
	list := []bgp.ParameterCapabilityInterface{}
	for _, f := range families {
		if caps.Families&f != 0 {
			list = append(list, bgp.NewCapMultiProtocol(f.codec()))
		}
	}
	if caps.RouteRefresh {
		list = append(list, bgp.NewCapRouteRefresh())
	}
	if caps.EnhancedRefresh {
		list = append(list, bgp.NewCapEnhancedRouteRefresh())
	}
	if caps.ExtendedMessage {
		list = append(list, bgp.NewCapExtendedMessage())
	}
	if caps.GracefulRestart {
		var tuples []*bgp.CapGracefulRestartTuple
		for _, f := range families {
			if caps.GracefulFor&f != 0 {
				tuples = append(tuples, bgp.NewCapGracefulRestartTuple(f.codec(), caps.Forwarding&f != 0))
			}
		}
		list = append(list, bgp.NewCapGracefulRestart(caps.Restarting, caps.Notifications, uint16(caps.RestartTime/time.Second), tuples))
	}
	if caps.FourOctetAS {
		list = append(list, bgp.NewCapFourOctetASNumber(as))
	}
	short := uint16(asTrans)
	if as <= 0xffff {
		short = uint16(as)
	}
	m, err := bgp.NewBGPOpenMessage(short, uint16(holdTime/time.Second), id,
		[]bgp.OptionParameterInterface{bgp.NewOptionParameterCapability(list)})
	if err != nil {
		return nil, fmt.Errorf("encode OPEN: %w", err)
	}
	return m.Serialize()
}

// decodeOpen reads the body of an OPEN and checks it against what is known of the peer.
func decodeOpen(body []byte, localAS uint32, localID netip.Addr, peerAS uint32) (*peerOpen, *Notification) {
	var m bgp.BGPOpen
	if err := m.DecodeFromBytes(body); err != nil {
		return nil, fromCodec(err, codeOpen)
	}
	if m.Version != 4 {
		n := notify(codeOpen, 1, "version %d", m.Version)
		n.Data = []byte{0, 4} // the largest that is supported
		return nil, n
	}
	o := &peerOpen{as: uint32(m.MyAS), id: m.ID, holdTime: time.Duration(m.HoldTime) * time.Second}
	for _, p := range m.OptParams {
		switch p := p.(type) {
		case *bgp.OptionParameterCapability:
			for _, c := range p.Capability {
				o.capability(c)
			}
		default:
			return nil, notify(codeOpen, 4, "an optional parameter that is not a capability")
		}
	}
	if o.caps.Families == 0 {
		o.caps.Families = IPv4 // RFC 4760 §8: without the capability a peer speaks IPv4 unicast
	}
	switch {
	case o.as == 0 || o.as == asTrans || o.as != peerAS: // RFC 7607, 6793
		return nil, notify(codeOpen, 2, "the peer says AS %d, expected AS %d", o.as, peerAS)
	case o.id.IsUnspecified() || o.as == localAS && o.id == localID: // RFC 6286
		return nil, notify(codeOpen, 3, "identifier %s", o.id)
	case o.holdTime != 0 && o.holdTime < minHoldTime:
		return nil, notify(codeOpen, 6, "hold time %s", o.holdTime)
	}
	return o, nil
}

// capability notes one capability. Those that are not known are ignored (RFC 5492 §3).
func (o *peerOpen) capability(c bgp.ParameterCapabilityInterface) {
	switch c := c.(type) {
	case *bgp.CapMultiProtocol:
		o.caps.Families |= familyOf(c.CapValue.Afi(), c.CapValue.Safi())
	case *bgp.CapFourOctetASNumber:
		o.caps.FourOctetAS, o.as = true, c.CapValue
	case *bgp.CapRouteRefresh, *bgp.CapRouteRefreshCisco:
		o.caps.RouteRefresh = true
	case *bgp.CapEnhancedRouteRefresh:
		o.caps.EnhancedRefresh = true
	case *bgp.CapExtendedMessage:
		o.caps.ExtendedMessage = true
	case *bgp.CapGracefulRestart:
		o.caps.GracefulRestart, o.caps.Forwarding, o.caps.GracefulFor = true, 0, 0
		o.caps.Restarting, o.caps.Notifications = c.Flags&0x08 != 0, c.Flags&0x04 != 0
		o.caps.RestartTime = time.Duration(c.Time) * time.Second
		for _, t := range c.Tuples {
			f := familyOf(t.AFI, t.SAFI)
			o.caps.GracefulFor |= f
			if t.Flags&0x80 != 0 {
				o.caps.Forwarding |= f
			}
		}
	}
}

// both is what two sides can do together. Bits that describe one side alone are the peer's.
func (c Capabilities) both(peer Capabilities) Capabilities {
	peer.Families &= c.Families
	peer.FourOctetAS = peer.FourOctetAS && c.FourOctetAS
	peer.RouteRefresh = peer.RouteRefresh && c.RouteRefresh
	peer.EnhancedRefresh = peer.EnhancedRefresh && c.EnhancedRefresh
	peer.ExtendedMessage = peer.ExtendedMessage && c.ExtendedMessage
	peer.GracefulRestart = peer.GracefulRestart && c.GracefulRestart
	peer.Notifications = peer.GracefulRestart && peer.Notifications && c.Notifications
	peer.GracefulFor &= c.GracefulFor
	return peer
}

// fromCodec is the NOTIFICATION for an error of the codec; code is the one of the message it was found in.
func fromCodec(err error, code uint8) *Notification {
	var m *bgp.MessageError
	if errors.As(err, &m) && m.TypeCode != 0 {
		return &Notification{Code: m.TypeCode, Subcode: m.SubTypeCode, Data: m.Data, Detail: m.Message}
	}
	return notify(code, 0, "%v", err)
}

// mustEncode serializes a message whose content is ours.
func mustEncode(m *bgp.BGPMessage) []byte {
	b, err := m.Serialize()
	if err != nil {
		panic("bgp: encode: " + err.Error()) // only a message that is too long is refused
	}
	return b
}

func encodeKeepalive() []byte { return mustEncode(bgp.NewBGPKeepAliveMessage()) }

// The subtypes of a ROUTE-REFRESH (RFC 7313).
const (
	refreshRequest = 0
	refreshBegins  = 1
	refreshEnds    = 2
)

func encodeRefresh(f Family, subtype uint8) []byte {
	c := f.codec()
	return mustEncode(bgp.NewBGPRouteRefreshMessage(c.Afi(), subtype, c.Safi()))
}

func encodeEndOfRIB(f Family) []byte { return mustEncode(bgp.NewEndOfRib(f.codec())) }
