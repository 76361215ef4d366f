package bgp

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

var actionNames = []string{
	"send-cause", "send-fsm-error", "drop", "flush", "zero-retries", "count-retry", "damp", "stop-connect-retry", "start-connect-retry",
	"stop-delay-open", "start-delay-open", "connect", "open", "keepalive", "hold-long", "hold", "keepalive-timer", "established", "update",
}

func (a action) String() string {
	var list []string
	for i, name := range actionNames {
		if a&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return strings.Join(list, " ")
}

// rfc4271 is §8.2.2 as a table: for each state, which events lead where, and what is done. Event 19 in OpenConfirm and
// Established is a second OPEN on the same connection, which the RFC leaves to collision detection and which is an FSM
// error here. Event 21 in Established sends the header error, as §6.1 asks for.
var rfc4271 = []struct {
	state  State
	events string
	next   State
	do     string
}{
	{Idle, "1 3", Connect, "zero-retries start-connect-retry connect"},
	{Idle, "4 5", Active, "zero-retries start-connect-retry"},
	{Idle, "6", Connect, "start-connect-retry connect"},
	{Idle, "7", Active, "start-connect-retry"},
	{Idle, "2 8-28", Idle, ""},

	{Connect, "1 3-7 14 15", Connect, ""},
	{Connect, "2", Idle, "drop zero-retries stop-connect-retry"},
	{Connect, "9", Connect, "drop start-connect-retry stop-delay-open connect"},
	{Connect, "12", OpenSent, "stop-connect-retry stop-delay-open open hold-long"},
	{Connect, "16 17", OpenSent, "stop-connect-retry open hold-long"},
	{Connect, "18", Idle, "drop damp stop-connect-retry"},
	{Connect, "20", OpenConfirm, "stop-connect-retry stop-delay-open open keepalive hold keepalive-timer"},
	{Connect, "8 10 11 13 19 21-28", Idle, "drop count-retry damp stop-connect-retry stop-delay-open"},

	{Active, "1 3-7 14 15", Active, ""},
	{Active, "2", Idle, "drop zero-retries stop-connect-retry stop-delay-open"},
	{Active, "9", Connect, "start-connect-retry connect"},
	{Active, "12", OpenSent, "stop-connect-retry stop-delay-open open hold-long"},
	{Active, "16 17", OpenSent, "stop-connect-retry open hold-long"},
	{Active, "18", Idle, "drop count-retry damp start-connect-retry stop-delay-open"},
	{Active, "20", OpenConfirm, "stop-connect-retry stop-delay-open open keepalive hold keepalive-timer"},
	{Active, "8 10 11 13 19 21-28", Idle, "drop count-retry damp stop-connect-retry stop-delay-open"},

	{OpenSent, "1 3-7 14-17", OpenSent, ""},
	{OpenSent, "2", Idle, "send-cause drop zero-retries stop-connect-retry"},
	{OpenSent, "8 10 21 22 23", Idle, "send-cause drop count-retry damp stop-connect-retry"},
	{OpenSent, "18", Active, "drop start-connect-retry"},
	{OpenSent, "19", OpenConfirm, "stop-connect-retry stop-delay-open keepalive hold keepalive-timer"},
	{OpenSent, "24", Idle, "drop stop-connect-retry"},
	{OpenSent, "9 11-13 20 25-28", Idle, "send-fsm-error drop count-retry damp stop-connect-retry"},

	{OpenConfirm, "1 3-7 14-17", OpenConfirm, ""},
	{OpenConfirm, "2", Idle, "send-cause drop zero-retries stop-connect-retry"},
	{OpenConfirm, "8 10 21-23", Idle, "send-cause drop count-retry damp stop-connect-retry"},
	{OpenConfirm, "11", OpenConfirm, "keepalive keepalive-timer"},
	{OpenConfirm, "18 25", Idle, "drop count-retry damp stop-connect-retry"},
	{OpenConfirm, "24", Idle, "drop stop-connect-retry"},
	{OpenConfirm, "26", Established, "hold established"},
	{OpenConfirm, "9 12 13 19 20 27 28", Idle, "send-fsm-error drop count-retry damp stop-connect-retry"},

	{Established, "1 3-7 14-17", Established, ""},
	{Established, "2", Idle, "send-cause drop flush zero-retries stop-connect-retry"},
	{Established, "8 10 21 23 28", Idle, "send-cause drop flush count-retry damp stop-connect-retry"},
	{Established, "11", Established, "keepalive keepalive-timer"},
	{Established, "18 24 25", Idle, "drop flush count-retry damp stop-connect-retry"},
	{Established, "26", Established, "hold"},
	{Established, "27", Established, "hold update"},
	{Established, "9 12 13 19 20 22", Idle, "send-fsm-error drop flush count-retry damp stop-connect-retry"},
}

func TestMachine_rfc4271(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range rfc4271 {
		for _, e := range eventsOf(t, row.events) {
			cell := fmt.Sprintf("%s, event %d", row.state, e)
			if seen[cell] {
				t.Errorf("%s: twice in the table", cell)
			}
			seen[cell] = true
			next, do := machine{state: row.state}.step(e)
			if next != row.next || do.String() != row.do {
				t.Errorf("%s: got %s, %q; want %s, %q", cell, next, do, row.next, row.do)
			}
		}
	}
	if want := int(Established+1) * int(lastEvent-firstEvent+1); len(seen) != want {
		t.Errorf("the table has %d cells of %d", len(seen), want)
	}
}

func TestMachine_delayOpen(t *testing.T) {
	for _, row := range []struct {
		m    machine
		e    event
		next State
		do   string
	}{
		{machine{state: Connect, delayOpen: true}, tcpConnectionAcknowledged, Connect, "stop-connect-retry start-delay-open"},
		{machine{state: Active, delayOpen: true}, tcpConnectionConfirmed, Active, "stop-connect-retry start-delay-open"},
		{machine{state: Connect, delayOpen: true, delaying: true}, tcpConnectionFails, Active, "drop start-connect-retry stop-delay-open"},
		{machine{state: Connect, delayOpen: true, delaying: true}, notificationVersionError, Idle, "drop stop-connect-retry stop-delay-open"},
		{machine{state: Active, delayOpen: true, delaying: true}, notificationVersionError, Idle, "drop stop-connect-retry stop-delay-open"},
	} {
		if next, do := row.m.step(row.e); next != row.next || do.String() != row.do {
			t.Errorf("%+v, event %d: got %s, %q; want %s, %q", row.m, row.e, next, do, row.next, row.do)
		}
	}
}

// eventsOf reads "1 3-7".
func eventsOf(t *testing.T, text string) (list []event) {
	for part := range strings.FieldsSeq(text) {
		from, to, isRange := strings.Cut(part, "-")
		first, err := strconv.Atoi(from)
		if err != nil {
			t.Fatal(err)
		}
		last := first
		if isRange {
			if last, err = strconv.Atoi(to); err != nil {
				t.Fatal(err)
			}
		}
		for e := first; e <= last; e++ {
			list = append(list, event(e))
		}
	}
	return list
}
