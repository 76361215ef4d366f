package auth

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm   = "AWS4-HMAC-SHA256"
	terminator  = "aws4_request"
	serviceName = "networkmanager"
	stampLayout = "20060102T150405Z"

	maxSkew    = 5 * time.Minute
	maxExpires = 7 * 24 * time.Hour

	// maxAuthorization and the next are how many bytes headers may have, and how many names. AWS's own are far below.
	maxAuthorization = 8 << 10
	maxToken         = 16 << 10
	maxSignedHeaders = 128
	maxParameters    = 1024

	contentSHA256 = "X-Amz-Content-Sha256"
	securityToken = "X-Amz-Security-Token"

	paramPrefix     = "X-Amz-"
	paramAlgorithm  = "X-Amz-Algorithm"
	paramCredential = "X-Amz-Credential"
	paramDate       = "X-Amz-Date"
	paramExpires    = "X-Amz-Expires"
	paramHeaders    = "X-Amz-SignedHeaders"
	paramSignature  = "X-Amz-Signature"
)

// Scope is the part of a credential that says what its signing key is good for.
type Scope struct{ Date, Region, Service, Terminator string }

func (s Scope) String() string {
	return s.Date + "/" + s.Region + "/" + s.Service + "/" + s.Terminator
}

// Authorization is what a SigV4 Authorization header says.
type Authorization struct {
	AccessKeyID   string
	Scope         Scope
	SignedHeaders []string // lower case, sorted, each once
	Signature     string   // as sent; hex when it is one
}

// ParseAuthorization reads the value of an Authorization header. The error is AWS's IncompleteSignatureException.
func ParseAuthorization(header string) (Authorization, error) {
	var a Authorization
	if len(header) > maxAuthorization {
		return a, incomplete("Authorization header is longer than %d bytes.", maxAuthorization)
	}
	name, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	if name != algorithm && strings.HasPrefix(name, "AWS4-") {
		return a, incomplete("Unsupported AWS 'algorithm': '%s'.", shown(name))
	}
	values := map[string]string{}
	if name == algorithm {
		for part := range strings.SplitSeq(rest, ",") {
			part = strings.TrimSpace(part)
			if part == "" {
				continue
			}
			k, v, ok := strings.Cut(part, "=")
			if !ok {
				return a, incomplete("'%s' not a valid key=value pair (missing equal-sign) in Authorization header "+
					"(hashed with SHA-256 and encoded with Base64): '%s'.", shown(part), hashed(header))
			}
			if _, twice := values[k]; twice {
				return a, incomplete("Authorization header has '%s' more than once.", shown(k))
			}
			values[k] = v
		}
	}
	var missing []string
	for _, k := range []string{"Credential", "Signature", "SignedHeaders"} {
		if values[k] == "" {
			missing = append(missing, "'"+k+"' parameter")
		}
	}
	if missing != nil {
		return a, requires(header, missing...)
	}
	return newAuthorization(values["Credential"], values["SignedHeaders"], values["Signature"])
}

func newAuthorization(credential, headers, signature string) (Authorization, error) {
	var a Authorization
	parts := strings.Split(credential, "/")
	if len(parts) != 5 {
		return a, incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", shown(credential))
	}
	a.AccessKeyID, a.Signature = parts[0], signature
	a.Scope = Scope{Date: parts[1], Region: parts[2], Service: parts[3], Terminator: parts[4]}
	if strings.Count(headers, ";") >= maxSignedHeaders {
		return a, incomplete("There are more than %d signed headers.", maxSignedHeaders)
	}
	a.SignedHeaders = strings.Split(lower(headers), ";")
	for i, name := range a.SignedHeaders {
		a.SignedHeaders[i] = strings.TrimSpace(name)
	}
	slices.Sort(a.SignedHeaders)
	if len(slices.Compact(slices.Clone(a.SignedHeaders))) != len(a.SignedHeaders) {
		return a, incomplete("A header is more than once in 'SignedHeaders'.")
	}
	return a, nil
}

// lower is [strings.ToLower] for names of headers, which are ASCII: bytes that are of no character stay as they are.
func lower(names string) string {
	b := []byte(names)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + ('a' - 'A')
		}
	}
	return string(b)
}

// signature is a request's signature with all it was made of, from the Authorization header or from the query.
type signature struct {
	Authorization
	stamp     string // of the string to sign
	date      time.Time
	token     string
	path      string // as on the wire
	query     []parameter
	presigned bool
	expires   time.Duration // of a presigned request; 0: as long as the clocks may differ
}

// readSignature finds a request's signature. Nothing is checked but its form.
func readSignature(r *http.Request) (*signature, error) {
	path, rawQuery := target(r)
	query, ok := parseQuery(rawQuery)
	if !ok {
		return nil, incomplete("The query has more than %d parameters.", maxParameters)
	}
	s := &signature{path: path, query: query}
	headers := r.Header.Values("Authorization")
	for _, name := range []string{paramAlgorithm, paramCredential, paramSignature} {
		s.presigned = s.presigned || find(query, name) >= 0
	}
	switch {
	case len(headers) > 1, len(headers) == 1 && s.presigned:
		return nil, incomplete("The request is signed more than once: by Authorization headers, or by one and the query.")
	case s.presigned:
		return s, s.readQuery()
	case len(headers) == 0 || headers[0] == "":
		return nil, missingToken()
	}
	return s, s.readHeaders(r, headers[0])
}

func (s *signature) readHeaders(r *http.Request, header string) (err error) {
	if s.Authorization, err = ParseAuthorization(header); err != nil {
		return err
	}
	if tokens := r.Header.Values(securityToken); len(tokens) > 1 {
		return incomplete("X-Amz-Security-Token is there more than once.")
	} else if len(tokens) == 1 {
		s.token = tokens[0]
	}
	if len(s.token) > maxToken {
		return incomplete("X-Amz-Security-Token is longer than %d bytes.", maxToken)
	}
	date := r.Header.Get(paramDate)
	if date == "" {
		if date = r.Header.Get("Date"); date == "" {
			return requires(header, "existence of either a 'X-Amz-Date' or a 'Date' header")
		}
		if t, err := http.ParseTime(date); err == nil {
			date = t.UTC().Format(stampLayout)
		}
	}
	return s.setDate(date)
}

func (s *signature) readQuery() (err error) {
	var values [6]string
	var missing strings.Builder
	names := [...]string{paramAlgorithm, paramCredential, paramSignature, paramHeaders, paramDate, securityToken}
	for i, name := range names {
		at := find(s.query, name)
		if at < 0 {
			if name != securityToken {
				missing.WriteString("AWS query-string parameters must include '" + name + "'. ")
			}
			continue
		}
		if find(s.query[at+1:], name) >= 0 {
			return incomplete("Query-string parameter '%s' is there more than once. Re-examine the query-string parameters.", name)
		}
		values[i], _ = url.PathUnescape(s.query[at].value) // what was encoded here can be decoded
	}
	if missing.Len() > 0 {
		return incomplete("%sRe-examine the query-string parameters.", missing.String())
	}
	if values[0] != algorithm {
		return incomplete("Unsupported AWS 'algorithm': '%s'.", shown(values[0]))
	}
	if s.token = values[5]; len(s.token) > maxToken {
		return incomplete("X-Amz-Security-Token is longer than %d bytes.", maxToken)
	}
	if s.Authorization, err = newAuthorization(values[1], values[3], values[2]); err != nil {
		return err
	}
	if at := find(s.query, paramExpires); at >= 0 {
		seconds, err := strconv.ParseInt(s.query[at].value, 10, 32)
		switch {
		case err != nil || seconds < 1:
			return incomplete("X-Amz-Expires should be a positive number of seconds.")
		case time.Duration(seconds)*time.Second > maxExpires:
			return incomplete("X-Amz-Expires must be less than a week (in seconds) that is %d.", int(maxExpires/time.Second))
		}
		s.expires = time.Duration(seconds) * time.Second
	}
	return s.setDate(values[4])
}

func (s *signature) setDate(text string) error {
	t, err := time.Parse(stampLayout, text)
	if err != nil || len(text) != len(stampLayout) { // the layout would let a fraction pass
		return incomplete("Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", shown(text))
	}
	s.stamp, s.date = text, t
	return nil
}

// checkScope demands the service and the terminator, the date of the request, and the headers that must be signed.
// Any Region will do: clients with an endpoint of their own sign for theirs.
func (s *signature) checkScope(service string) error {
	var wrong []string
	if s.Scope.Service != service {
		wrong = append(wrong, "Credential should be scoped to correct service: '"+service+"'.")
	}
	if s.Scope.Terminator != terminator {
		wrong = append(wrong, "Credential should be scoped with a valid terminator: '"+terminator+"', not '"+shown(s.Scope.Terminator)+"'.")
	}
	if day := s.stamp[:8]; s.Scope.Date != day {
		wrong = append(wrong, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '"+
			shown(s.Scope.Date)+"' != '"+day+"', from '"+s.stamp+"'.")
	}
	if wrong != nil {
		return invalidSignature("%s", strings.Join(wrong, " "))
	}
	return nil
}

// checkTime demands that the request was signed within [maxSkew] of now, a presigned one that it has not expired.
func (s *signature) checkTime(now time.Time) error {
	if latest := now.Add(maxSkew); s.date.After(latest) {
		return invalidSignature("Signature not yet current: %s is still later than %s (%s + 5 min.)", s.stamp, latest.Format(stampLayout), now.Format(stampLayout))
	}
	life, shownLife := maxSkew, "5 min."
	if s.expires > 0 {
		life, shownLife = s.expires, strconv.Itoa(int(s.expires/time.Second))+" sec."
	}
	if earliest := now.Add(-life); s.date.Before(earliest.Truncate(time.Second)) {
		return invalidSignature("Signature expired: %s is now earlier than %s (%s - %s)", s.stamp, earliest.Format(stampLayout), now.Format(stampLayout), shownLife)
	}
	return nil
}
