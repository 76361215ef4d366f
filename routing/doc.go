// Package routing computes what a core network routes: for each segment and network function group, at each edge, every
// route that is offered (the RIB) and the one that is used for each prefix (the FIB), and why.
//
// A [Network] is a compiled policy and the attachments with what they announce. [Compute] turns it into [Tables], which
// are immutable and safe for concurrent use; [Tables.Update] applies a change of attachments and shares everything that
// does not depend on it. The same Network always gives the same Tables.
//
// The model is that of routers: attachments announce routes at their edges, shares copy them between segments, the edges of a
// segment are a full mesh of eBGP speakers that advertise their best path to each other with their own ASN in front, routing
// policies filter and change routes on the way, service insertion is laid over the result. docs/routing-engine.md tells it
// stage by stage, with the functions.
//
// The package is pure: no clock, no I/O, no randomness, no knowledge of the API, of states, accounts or requests. Only
// attachments that work are given to it, or marked [Attachment.Down].
package routing
