// Package bgp is a BGP-4 speaker without a routing table of its own: it holds sessions, reports what the peers advertise
// and advertises what it is given. It selects no best path and knows nothing of core networks.
//
// A [Session] is one BGP session with one peer. It is passive or active, survives its connections, and reports to a
// [Handler]. An [Export] is a set of routes that any number of sessions advertise: it is encoded once for all of them. A
// [Speaker] holds the listening sockets and gives each connection to the session it belongs to.
//
// The parts, from the wire inwards:
//
//	link      one TCP connection with its timers: framing, a queue for control messages, the state machine of RFC 4271
//	Session   at most two links (a collision), the routes heard, graceful restart, the position in an Export
//	Export    routes, a bounded log of encoded changes, the encoding of the whole
//	Speaker   sessions by address, listeners, sockets in network namespaces
//
// RFC 4271 (BGP-4), 2918 and 7313 (route refresh), 4724 and 8538 (graceful restart), 4760 (multiprotocol: IPv4 and IPv6
// unicast), 5082 (GTSM), 2385 (TCP MD5), 5492 (capabilities), 6286 (identifiers), 6608 (subcodes of the FSM error), 6793
// (four-octet AS numbers), 7606 (error handling of UPDATE), 8203 and 9003 (shutdown communication), 8654 (extended
// messages), 9687 (send hold timer), 9774 (no AS_SET).
//
// Time is package time's: tests run in a bubble of testing/synctest. Messages, capabilities and path attributes are
// decoded and encoded by the codec of GoBGP; the framing of UPDATE and the lists of prefixes are decoded here, because
// RFC 7606 asks for the prefixes of a message whose attributes are malformed, and because a million of them arrive.
package bgp
