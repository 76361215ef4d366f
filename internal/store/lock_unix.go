//go:build unix && !solaris && !aix

package store

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lockFile locks a file for this process, and makes it if there is none. Closing it unlocks it. It fails with [ErrInUse] when
// it stays locked by another for longer than lockWait.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	const step = lockWait / 10
	for waited := time.Duration(0); ; waited += step {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return f, nil
		case errors.Is(err, syscall.EINTR):
			continue
		case !errors.Is(err, syscall.EWOULDBLOCK):
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", name, err)
		case waited >= lockWait:
			_ = f.Close()
			return nil, ErrInUse
		}
		time.Sleep(step)
	}
}
