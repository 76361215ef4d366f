package store

import "strings"

var escaper = strings.NewReplacer("%", "%25", "/", "%2F")

// Path joins segments into a key: Path("acct", "1", "device", "d") is "/acct/1/device/d". A "/" or "%" inside a segment
// is escaped, so two different lists of segments never give the same key. An empty last segment leaves the closing
// slash that a prefix needs: Path("acct", "1", "") is "/acct/1/", which does not match "/acct/12/…".
func Path(segments ...string) string {
	var room [128]byte
	return string(AppendPath(room[:0], segments...))
}

// AppendPath appends what [Path] gives.
func AppendPath(b []byte, segments ...string) []byte {
	for _, s := range segments {
		b = append(b, '/')
		if strings.IndexByte(s, '/') >= 0 || strings.IndexByte(s, '%') >= 0 {
			s = escaper.Replace(s)
		}
		b = append(b, s...)
	}
	return b
}

var unescaper = strings.NewReplacer("%25", "%", "%2F", "/")

// Segment is the segment that Path escaped.
func Segment(escaped string) string { return unescaper.Replace(escaped) }
