package main

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestProgress_sideBySide: calls that are made side by side do not write into each other's lines.
func TestProgress_sideBySide(t *testing.T) {
	var out bytes.Buffer
	p := &progress{w: &out, terminal: true}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				p.waits(2*time.Second, errors.New("ThrottlingException: Rate exceeded"))
				p.waits(time.Millisecond, errors.New("not worth a word"))
				p.show("attachments", 1, 2)
			}
		})
	}
	wg.Wait()
	p.end()
	const said, shown = "ThrottlingException: Rate exceeded; the call is made again in 2s\n", "attachments: 1 of 2"
	for _, part := range strings.Split(out.String(), clearLine) {
		if part != "" && part != said && part != shown {
			t.Fatalf("%q", part)
		}
	}
	if n, m := strings.Count(out.String(), said), strings.Count(out.String(), shown); n != 400 || m != 400 {
		t.Errorf("said %d times, shown %d times, want 400 each", n, m)
	}
}
