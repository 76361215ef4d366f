package server

// HeavyAtATime is how many heavy computations run at a time.
func HeavyAtATime() int { return heavyAtATime() }

// HasHost tells whether a Host header names the server.
func HasHost(h *Hosts, header string) bool { return h.has(header) }
