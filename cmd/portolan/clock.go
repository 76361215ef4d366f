package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// clockVariable names a file with a duration that the clock is off by, +1h or -60s, read anew each time: for tests of what a
// clock that is set does.
const clockVariable = "PORTOLAN_CLOCK_FILE"

// newClock is the machine's clock, or one that a test sets.
func newClock() (func() time.Time, error) {
	file := os.Getenv(clockVariable)
	if file == "" {
		return time.Now, nil
	}
	off := func() (time.Duration, error) {
		text, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		return time.ParseDuration(strings.TrimSpace(string(text)))
	}
	if _, err := off(); err != nil {
		return nil, fmt.Errorf("%s: %w", clockVariable, err)
	}
	return func() time.Time {
		d, _ := off() // a file being written is no offset
		return time.Now().Add(d)
	}, nil
}
