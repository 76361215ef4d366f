package server

// MaxWaiting is how many questions of an account wait.
const MaxWaiting = maxWaiting

// HasHost tells whether a Host header names the server.
func HasHost(h *Hosts, header string) bool { return h.has(header) }
