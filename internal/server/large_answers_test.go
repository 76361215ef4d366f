package server

import "testing"

func TestLargeAnswers_nextIsHeavy(t *testing.T) {
	var l largeAnswers
	l.note("a", "GetDevices", heavyBody+1)
	if !l.has("a", "GetDevices") || l.has("a", "GetSites") || l.has("b", "GetDevices") {
		t.Error("a large answer concerns another account or operation, or is not known")
	}
	l.note("a", "GetDevices", heavyBody)
	if l.has("a", "GetDevices") || len(l.of) != 0 {
		t.Error("a small answer left the operation heavy")
	}
}
