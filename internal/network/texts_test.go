package network

import (
	"strconv"
	"strings"
	"testing"

	"portolan/routing"
)

// TestText_keepsSome: a table is encoded once, and what is kept has a bound.
func TestText_keepsSome(t *testing.T) {
	r := &Routes{texts: &texts{}}
	encoded := 0
	read := func(table string, size int) {
		t.Helper()
		text := r.Text(routing.TableID{Segment: table}, func() string { encoded++; return table + strings.Repeat("x", size-len(table)) })
		if !strings.HasPrefix(text, table) || len(text) != size {
			t.Fatalf("%s: %d bytes, %.10s", table, len(text), text)
		}
		if r.texts.size > maxTexts {
			t.Fatalf("%d bytes are kept", r.texts.size)
		}
	}
	for range 3 {
		read("a", maxTexts/2)
		read("b", maxTexts/2)
	}
	if encoded != 2 {
		t.Errorf("two tables that have room were encoded %d times", encoded)
	}
	for i := range 10 {
		read("t"+strconv.Itoa(i), maxTexts/3)
	}
	read("t9", maxTexts/3)
	read("large", maxTexts+1)
	if encoded != 13 {
		t.Errorf("encoded %d times, want 13", encoded)
	}
	if _, kept := r.texts.of[routing.TableID{Segment: "large"}]; kept {
		t.Error("a table larger than all that may be kept is kept")
	}
}
