package server

import (
	"net"
	"net/http"
	"runtime"
	"slices"
	"testing"
)

// open adds a connection of which the test holds the other end.
func open(t *testing.T, all *connections) *connection {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _ = theirs.Close() })
	c := all.add(ours)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// wantOpen compares which of the connections are still open.
func wantOpen(t *testing.T, want string, list ...*connection) {
	t.Helper()
	got := ""
	for _, c := range list {
		if c.place != nil {
			got += "+"
		} else {
			got += "-"
		}
	}
	if got != want {
		t.Errorf("open are %s, want %s", got, want)
	}
}

func TestConnections_whoGivesWay(t *testing.T) {
	all := &connections{limit: 3, most: 1 << 20}
	known, answered, stranger := open(t, all), open(t, all), open(t, all)
	known.authenticated("known")
	known.rests()
	answered.authenticated("answered")
	second := open(t, all)
	wantOpen(t, "++-+", known, answered, stranger, second)
	second.authenticated("second")
	second.rests()
	third := open(t, all)
	wantOpen(t, "-+++", known, answered, second, third) // nobody is a stranger but the new one: the oldest
	third.authenticated("third")
	second.authenticated("second")
	fourth := open(t, all)
	wantOpen(t, "+++-", answered, second, third, fourth) // all are being answered
	if known.cut(); known.Close() != nil || fourth.Close() != nil {
		t.Error("a connection that is closed can be closed again")
	}
}

// TestConnections_oneAccountKeepsNoOtherOut: an account that holds more than half of the connections gives way before those who have not
// yet said who they are, and before other accounts.
func TestConnections_oneAccountKeepsNoOtherOut(t *testing.T) {
	all := &connections{limit: 4, most: 1 << 20}
	var many []*connection
	for range 3 {
		c := open(t, all)
		c.authenticated("a")
		c.rests()
		many = append(many, c)
	}
	newcomer := open(t, all)
	second := open(t, all)
	wantOpen(t, "-++++", append(slices.Clone(many), newcomer, second)...)
	third := open(t, all) // half of them are not too many
	wantOpen(t, "-++-++", append(slices.Clone(many), newcomer, second, third)...)
	for _, c := range append(many, second, third) {
		_ = c.Close()
	}
	if len(all.of) != 0 {
		t.Errorf("left: %v", all.of)
	}
}

func TestConnections_whatTheyHold(t *testing.T) {
	all := &connections{limit: 100, most: 1 << 20}
	slow, answered, small, other := open(t, all), open(t, all), open(t, all), open(t, all)
	answered.set(func(c *connection) { c.held = 1 << 18 })
	answered.authenticated("answered")
	slow.writes(1 << 20)
	small.writes(free)
	wantOpen(t, "++++", slow, answered, small, other) // the first 64 KiB do not count, nor does what was authenticated
	if all.held != 1<<20-free {
		t.Errorf("%d bytes are held", all.held)
	}
	other.writes(1 << 19)
	wantOpen(t, "-+++", slow, answered, small, other)
	other.rests()
	if all.held != 0 {
		t.Errorf("%d bytes are held by nobody", all.held)
	}
	other.writes(1 << 22) // alone it may
	wantOpen(t, "+++", answered, small, other)
	if slow.rests(); all.held != 1<<22-free {
		t.Errorf("%d bytes are held", all.held)
	}
}

// endless is a connection on which more has always arrived.
type endless struct{ net.Conn }

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestConnections_takeTurns: others have the processor between the requests of a connection, and between the parts of one, be
// they all there.
func TestConnections_takeTurns(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	c := open(t, &connections{limit: 1, most: 1 << 20})
	c.Conn = endless{c.Conn}
	for name, do := range map[string]func(){
		"requests": func() { stateChanged(c, http.StateIdle) },
		"parts":    func() { _, _ = c.Read(make([]byte, 4096)) },
	} {
		other := make(chan struct{})
		go close(other)
		for range 3 { // one of sixty times the scheduler looks at who has just yielded first
			do()
		}
		select {
		case <-other:
		default:
			t.Errorf("nobody else had the processor between two %s", name)
		}
	}
}

func TestSlots_share(t *testing.T) {
	s := slots{limit: 4, share: 3, by: map[string]int{}}
	for i, want := range []bool{true, true, true, false} {
		if s.take("a") != want {
			t.Errorf("request %d of one account: not %t", i, want)
		}
	}
	if !s.take("b") || s.take("c") || s.inUse() != 4 {
		t.Errorf("%d are in use", s.inUse())
	}
	s.give("a")
	if !s.take("c") || s.take("a") {
		t.Error("what one gives back, another can take")
	}
	for _, account := range []string{"a", "a", "b", "c"} {
		s.give(account)
	}
	if s.inUse() != 0 || len(s.by) != 0 {
		t.Errorf("%d are in use, %v", s.inUse(), s.by)
	}
}
