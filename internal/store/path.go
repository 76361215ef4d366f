package store

import "strings"

var escaper = strings.NewReplacer("%", "%25", "/", "%2F")

// Path joins segments into a key: Path("acct", "1", "device", "d") is "/acct/1/device/d". A "/" or "%" inside a segment
// is escaped, so two different lists of segments never give the same key. An empty last segment leaves the closing
// slash that a prefix needs: Path("acct", "1", "") is "/acct/1/", which does not match "/acct/12/…".
func Path(segments ...string) string {
	n := 0
	for _, s := range segments {
		n += 1 + len(s)
	}
	var b strings.Builder
	b.Grow(n)
	for _, s := range segments {
		b.WriteByte('/')
		if strings.ContainsAny(s, "/%") {
			s = escaper.Replace(s)
		}
		b.WriteString(s)
	}
	return b.String()
}

var unescaper = strings.NewReplacer("%25", "%", "%2F", "/")

// Segment is the segment that Path escaped.
func Segment(escaped string) string { return unescaper.Replace(escaped) }
