package auth

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"portolan/internal/order"
)

// target is the path and the query of a request as they came, before Go's decoding.
func target(r *http.Request) (path, query string) {
	if !strings.HasPrefix(r.RequestURI, "/") { // absolute form, or a request that did not come from a server
		if path = r.URL.EscapedPath(); path == "" {
			path = "/"
		}
		return path, r.URL.RawQuery
	}
	path, query, _ = strings.Cut(r.RequestURI, "?")
	return path, query
}

// parameter is one of the query, both parts in SigV4's URI encoding.
type parameter struct{ name, value string }

// parseQuery cuts a query into its parameters and encodes each anew, so that it does not matter how a client wrote a
// character. A bare plus is a space, as for whoever decodes the query later. It reports false for too many parameters.
func parseQuery(raw string) ([]parameter, bool) {
	if raw == "" {
		return nil, true
	}
	if strings.Count(raw, "&") >= maxParameters {
		return nil, false
	}
	list := make([]parameter, 0, strings.Count(raw, "&")+1)
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		list = append(list, parameter{reencode(name), reencode(value)})
	}
	return list, true
}

func find(query []parameter, name string) int {
	return slices.IndexFunc(query, func(p parameter) bool { return p.name == name })
}

// reencode is s, percent-encoded somehow, in SigV4's encoding.
func reencode(s string) string {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = unreserved(s[i])
	}
	if plain {
		return s
	}
	b := make([]byte, 0, len(s)+8)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(s):
			high, ok1 := unhex(s[i+1])
			low, ok2 := unhex(s[i+2])
			if ok1 && ok2 {
				c = high<<4 | low
				i += 2
			}
		}
		b = appendEncoded(b, c)
	}
	return string(b)
}

func appendEncoded(b []byte, c byte) []byte {
	if unreserved(c) {
		return append(b, c)
	}
	const digits = "0123456789ABCDEF"
	return append(b, '%', digits[c>>4], digits[c&15])
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// normalPath removes empty, "." and ".." segments, as AWS does for every service but S3 before it signs. A slash at the
// end stays.
func normalPath(path string) string {
	if !strings.Contains(path, "//") && !strings.Contains(path, "/.") {
		return path
	}
	var kept []string
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			kept = kept[:max(len(kept)-1, 0)]
		default:
			kept = append(kept, segment)
		}
	}
	normal := "/" + strings.Join(kept, "/")
	if len(kept) > 0 && strings.HasSuffix(path, "/") {
		normal += "/"
	}
	return normal
}

// appendCanonical appends the canonical request. The path is encoded once more, so that the slash inside a segment,
// %2F on the wire, is signed as %252F.
func (s *signature) appendCanonical(b []byte, r *http.Request, path, payload string) []byte {
	b = append(b, r.Method...)
	b = append(b, '\n')
	for i := range len(path) {
		if path[i] == '/' {
			b = append(b, '/')
		} else {
			b = appendEncoded(b, path[i])
		}
	}
	b = append(b, '\n')
	for i, p := range s.sortedQuery() {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(append(append(b, p.name...), '='), p.value...)
	}
	b = append(b, '\n')
	for _, name := range s.SignedHeaders {
		b = append(append(b, name...), ':')
		for i, value := range headerValues(r, name) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendFolded(b, value)
		}
		b = append(b, '\n')
	}
	b = append(b, '\n')
	for i, name := range s.SignedHeaders {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, name...)
	}
	return append(append(b, '\n'), payload...)
}

// sortedQuery is all that is signed of the query, by encoded name and then by encoded value.
func (s *signature) sortedQuery() []parameter {
	query := s.query
	if s.presigned {
		query = slices.DeleteFunc(slices.Clone(query), func(p parameter) bool { return p.name == paramSignature })
	}
	compare := func(a, b parameter) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	}
	if !slices.IsSortedFunc(query, compare) {
		query = slices.Clone(query)
		order.Sort(query, compare)
	}
	return query
}

// headerValues is a signed header's values. Go's server takes some out of the header; here they are back.
func headerValues(r *http.Request, name string) []string {
	switch name {
	case "host":
		return []string{r.Host}
	case "content-length":
		if len(r.Header.Values(name)) == 0 && r.ContentLength >= 0 {
			return []string{strconv.FormatInt(r.ContentLength, 10)}
		}
	case "transfer-encoding":
		if len(r.TransferEncoding) > 0 {
			return []string{strings.Join(r.TransferEncoding, ",")}
		}
	}
	return r.Header.Values(name)
}

// appendFolded appends a header's value without spaces around it and with one for each run of them inside.
func appendFolded(b []byte, value string) []byte {
	value = strings.TrimSpace(value)
	for i := range len(value) {
		if value[i] == ' ' && value[i-1] == ' ' { // the first is none, it is trimmed
			continue
		}
		b = append(b, value[i])
	}
	return b
}
