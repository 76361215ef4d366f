package failpoint

import "os"

// kill ends the process at once, without anything deferred.
func kill() {
	p, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		os.Exit(137)
	}
	select {} // until the signal arrives
}
