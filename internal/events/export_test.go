package events

// Trim is trim for tests, which cannot fill a log.
var Trim = trim
