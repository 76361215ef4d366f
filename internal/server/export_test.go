package server

// HasHost tells whether a Host header names the server.
func HasHost(h *Hosts, header string) bool { return h.has(header) }
