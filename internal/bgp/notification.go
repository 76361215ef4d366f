package bgp

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
)

// Notification is the content of a NOTIFICATION message, or a reason to send one.
type Notification struct {
	Code    uint8
	Subcode uint8
	Data    []byte
	Detail  string // for the log, not sent
}

// The codes of RFC 4271 §6, 7313 and 9687.
const (
	codeHeader       = 1
	codeOpen         = 2
	codeUpdate       = 3
	codeHold         = 4
	codeFSM          = 5
	codeCease        = 6
	codeRouteRefresh = 7
	codeSendHold     = 8
)

// The subcodes of a Cease (RFC 4486, 8538).
const (
	ceaseMaxPrefixes    = 1
	ceaseShutdown       = 2
	ceaseDeconfigured   = 3
	ceaseReset          = 4
	ceaseRejected       = 5
	ceaseConfigChange   = 6
	ceaseCollision      = 7
	ceaseOutOfResources = 8
	ceaseHardReset      = 9
)

var notificationNames = map[uint8]string{
	codeHeader: "Message Header Error", codeOpen: "OPEN Message Error", codeUpdate: "UPDATE Message Error", codeHold: "Hold Timer Expired",
	codeFSM: "Finite State Machine Error", codeCease: "Cease", codeRouteRefresh: "ROUTE-REFRESH Message Error", codeSendHold: "Send Hold Timer Expired",
}

var subcodeNames = map[[2]uint8]string{
	{codeHeader, 1}: "Connection Not Synchronized", {codeHeader, 2}: "Bad Message Length", {codeHeader, 3}: "Bad Message Type",
	{codeOpen, 1}: "Unsupported Version Number", {codeOpen, 2}: "Bad Peer AS", {codeOpen, 3}: "Bad BGP Identifier",
	{codeOpen, 4}: "Unsupported Optional Parameter", {codeOpen, 6}: "Unacceptable Hold Time", {codeOpen, 7}: "Unsupported Capability",
	{codeUpdate, 1}: "Malformed Attribute List", {codeUpdate, 2}: "Unrecognized Well-known Attribute", {codeUpdate, 3}: "Missing Well-known Attribute",
	{codeUpdate, 4}: "Attribute Flags Error", {codeUpdate, 5}: "Attribute Length Error", {codeUpdate, 6}: "Invalid ORIGIN Attribute",
	{codeUpdate, 8}: "Invalid NEXT_HOP Attribute", {codeUpdate, 9}: "Optional Attribute Error", {codeUpdate, 10}: "Invalid Network Field",
	{codeUpdate, 11}: "Malformed AS_PATH",
	{codeFSM, 1}:     "Receive Unexpected Message in OpenSent State", {codeFSM, 2}: "Receive Unexpected Message in OpenConfirm State",
	{codeFSM, 3}:   "Receive Unexpected Message in Established State",
	{codeCease, 1}: "Maximum Number of Prefixes Reached", {codeCease, 2}: "Administrative Shutdown", {codeCease, 3}: "Peer De-configured",
	{codeCease, 4}: "Administrative Reset", {codeCease, 5}: "Connection Rejected", {codeCease, 6}: "Other Configuration Change",
	{codeCease, 7}: "Connection Collision Resolution", {codeCease, 8}: "Out of Resources", {codeCease, 9}: "Hard Reset",
	{codeRouteRefresh, 1}: "Invalid Message Length",
}

// Error reads like "Cease/Maximum Number of Prefixes Reached (6/1): more than 1000 prefixes".
func (n *Notification) Error() string {
	name := notificationNames[n.Code]
	if name == "" {
		name = "NOTIFICATION"
	}
	if sub := subcodeNames[[2]uint8{n.Code, n.Subcode}]; sub != "" {
		name += "/" + sub
	}
	text := fmt.Sprintf("%s (%d/%d)", name, n.Code, n.Subcode)
	if n.Detail != "" {
		text += ": " + n.Detail
	}
	return text
}

func notify(code, subcode uint8, format string, args ...any) *Notification {
	return &Notification{Code: code, Subcode: subcode, Detail: fmt.Sprintf(format, args...)}
}

// isHardReset says whether the session ends for good (RFC 8538 §3): the routes are not retained.
func (n *Notification) isHardReset() bool { return n.Code == codeCease && n.Subcode == ceaseHardReset }

// isShutdown says whether the message carries the text of an operator (RFC 9003).
func (n *Notification) isShutdown() bool {
	return n.Code == codeCease && (n.Subcode == ceaseShutdown || n.Subcode == ceaseReset)
}

// endsForGood says whether routes must not be retained after this message of ours.
func (n *Notification) endsForGood() bool {
	return n.Code == codeCease && (n.isHardReset() || bgp.ShouldHardReset(n.Subcode, false))
}

// hard wraps a NOTIFICATION into a Hard Reset (RFC 8538 §3).
func (n *Notification) hard() *Notification {
	if n.isHardReset() {
		return n
	}
	return &Notification{Code: codeCease, Subcode: ceaseHardReset, Data: append([]byte{n.Code, n.Subcode}, n.Data...), Detail: n.Detail}
}

// encode is the message on the wire, cut to the size that a peer without extended messages takes.
func (n *Notification) encode() []byte {
	data := n.Data
	if len(data) > maxMessage-headerSize-2 {
		data = data[:maxMessage-headerSize-2]
	}
	return mustEncode(bgp.NewBGPNotificationMessage(n.Code, n.Subcode, data))
}

// decodeNotification reads the body of a NOTIFICATION. The text of a shutdown communication becomes Detail, without
// control characters: it comes from outside and ends in a log.
func decodeNotification(body []byte) *Notification {
	var m bgp.BGPNotification
	if err := m.DecodeFromBytes(body); err != nil {
		return notify(0, 0, "a NOTIFICATION that is too short")
	}
	n := &Notification{Code: m.ErrorCode, Subcode: m.ErrorSubcode, Data: append([]byte(nil), m.Data...)}
	switch data := n.Data; {
	case n.isShutdown() && len(data) > 1 && int(data[0]) == len(data)-1 && utf8.Valid(data[1:]):
		n.Detail = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, string(data[1:]))
	case n.isHardReset() && len(data) >= 2:
		n.Detail = decodeNotification(data).Error()
	}
	return n
}
