// Package leaktest fails the tests of a package that leave something running.
package leaktest

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long is waited for what has been told to end. goleak itself waits less than half a second, in which a busy machine
// may not get to it.
const patience = time.Minute

// Main runs tests as a TestMain. They fail when something that they began goes on after them.
func Main(m *testing.M, ignored ...goleak.Option) {
	code := m.Run()
	for deadline := time.Now().Add(patience); code == 0; {
		err := goleak.Find(ignored...)
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}
