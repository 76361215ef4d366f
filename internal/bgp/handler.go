package bgp

import (
	"net/netip"
	"time"
)

// Handler is told of what happens in sessions. It is called with the session locked, in the order of events: it returns
// soon and does not call the session.
type Handler interface {
	// Changed reports a change of state.
	Changed(s *Session, t Transition)
	// Heard reports routes that were advertised or withdrawn. The list is used again after the call.
	Heard(s *Session, changes []Change)
	// Malformed reports routes that are treated as withdrawn, because the message with them is malformed (RFC 7606).
	Malformed(s *Session, why *Notification)
	// Received is each message that has arrived, header included. The bytes are used again after the call.
	Received(s *Session, message []byte)
}

// Monitor is the part of a Handler that notes and does not decide, such as a [Tap]. Its methods return at once: the session is
// locked.
type Monitor interface {
	Changed(s *Session, t Transition)
	Received(s *Session, message []byte)
}

// Transition is a change of the state of a session.
type Transition struct {
	At       time.Time
	From, To State
	Reason   *Notification // why the session went down; nil: the connection was lost or never came
	Sent     bool          // Reason was sent to the peer, not received
	Retained int           // routes kept as stale
}

// Info is a session at one moment.
type Info struct {
	Peer          Peer
	State         State
	Since         time.Time // of this state
	RemoteAddr    netip.AddrPort
	PeerID        netip.Addr
	HoldTime      time.Duration // negotiated
	Capabilities  Capabilities  // of both
	Heard         int           // routes
	Stale         int           // of them
	Established   uint64        // how often
	Flaps         uint64        // how often it was lost
	Retries       int           // ConnectRetryCounter
	LastReason    string        // why it was last down
	LastReasonAt  time.Time
	LastMalformed string // why routes were last treated as withdrawn
	Behind        bool   // routes wait to be sent
	Counters      Counters
	SentOpen      []byte
	ReceivedOpen  []byte
}

// Counters count since the session was made.
type Counters struct {
	MessagesIn, MessagesOut uint64
	UpdatesIn, UpdatesOut   uint64
	Announced, Withdrawn    uint64 // prefixes received
	Looped                  uint64 // prefixes with our AS in the path or our address as next hop, dropped
	Malformed               uint64 // messages whose routes were treated as withdrawn
	Ignored                 uint64 // prefixes no route can have, families that were not negotiated
	TooLong                 uint64 // routes whose attributes do not fit into a message
	Refused                 uint64 // connections that were closed
}

// HeardRoute is a route of a peer.
type HeardRoute struct {
	Change
	Stale bool
}
