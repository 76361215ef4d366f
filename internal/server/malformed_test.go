package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// raw sends bytes as they are over a connection of their own and reads the one reply, whose body it returns.
func (r *rig) raw(request string) (*http.Response, string, error) {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))    // a hang is what must not be
	go func() { _, _ = io.WriteString(conn, request) }() // the server may answer before it has read all
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err // the response also when its body breaks off
}

func post(body string) string {
	return fmt.Sprintf("POST /global-networks HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func get(target string) string { return "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n" }

// TestMalformed_answeredCleanly sends what no client should. Each gets a 4xx with AWS's type, an id and a JSON body, and
// the server goes on. What is no HTTP at all is answered by net/http, in plain text and without a type.
func TestMalformed_answeredCleanly(t *testing.T) {
	r := start(t)
	const validation, unknown, cannotParse, field = "ValidationException", "UnknownOperation", "CannotParse", "FieldValidationFailed"
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	for _, c := range []struct {
		name, request string
		status        int
		typ, reason   string
	}{
		{"JSON cut off", post(`{"Description":`), 400, validation, cannotParse},
		{"no JSON", post(`hello`), 400, validation, cannotParse},
		{"single quotes", post(`{'Description':'x'}`), 400, validation, cannotParse},
		{"comment", post(`{/* x */}`), 400, validation, cannotParse},
		{"trailing comma", post(`{"Description":"x",}`), 400, validation, cannotParse},
		{"array", post(`[{}]`), 400, validation, cannotParse},
		{"string", post(`"{}"`), 400, validation, cannotParse},
		{"number", post(`1`), 400, validation, cannotParse},
		{"null", post(`null`), 400, validation, cannotParse},
		{"two values", post(`{}{}`), 400, validation, cannotParse},
		{"trailing brace", post(`{}}`), 400, validation, cannotParse},
		{"wrong type", post(`{"Description":{"a":1}}`), 400, validation, cannotParse},
		{"wrong type of a list", post(`{"Tags":"a"}`), 400, validation, cannotParse},
		{"key twice", post(`{"Description":"a","Description":"b"}`), 400, validation, cannotParse},
		{"key twice, once escaped", post(`{"Description":"a","D\u0065scription":"b"}`), 400, validation, cannotParse},
		{"key twice inside", post(`{"Tags":[{"Key":"a","Key":"b"}]}`), 400, validation, cannotParse},
		{"key twice in what is ignored", post(`{"Unknown":{"a":1,"a":1}}`), 400, validation, cannotParse},
		{"invalid UTF-8", post("{\"Description\":\"\xc3\x28\"}"), 400, validation, cannotParse},
		{"overlong UTF-8", post("{\"Description\":\"\xc0\xaf\"}"), 400, validation, cannotParse},
		{"UTF-16", post("\xff\xfe{\x00}\x00"), 400, validation, cannotParse},
		{"byte order mark", post("\xef\xbb\xbf{}"), 400, validation, cannotParse},
		{"surrogate alone", post(`{"Description":"\ud83d"}`), 400, validation, cannotParse},
		{"NUL byte", post("{\"Description\":\"a\x00\"}"), 400, validation, cannotParse},
		{"NUL escaped", post(`{"Description":"a\u0000"}`), 400, validation, cannotParse},
		{"NUL after", post("{}\x00"), 400, validation, cannotParse},
		{"deep", post(`{"x":` + deep + `}`), 400, validation, cannotParse},
		{"deep and open", post(strings.Repeat(`{"x":`, 100_000)), 400, validation, cannotParse},
		{"number without end", post(`{"x":` + strings.Repeat("9", 500_000) + `.e}`), 400, validation, cannotParse},
		{"compressed", "POST /global-networks HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00", 400, validation, cannotParse},
		{"too large", post(`{"Description":"` + strings.Repeat("x", 2<<20) + `"}`), 413, "RequestEntityTooLargeException", ""},
		{"said to be too large", "POST /global-networks HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000000000000000\r\n\r\n{", 413, "RequestEntityTooLargeException", ""},
		{"too large in chunks", "POST /global-networks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n" + strings.Repeat(" ", 0x200000) + "\r\n0\r\n\r\n", 413, "RequestEntityTooLargeException", ""},
		{"broken chunk", "POST /global-networks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n", 400, validation, cannotParse},
		{"broken aws-chunked", "POST /global-networks HTTP/1.1\r\nHost: x\r\nX-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nContent-Length: 5\r\n\r\nzz;{}", 400, validation, cannotParse},

		{"root", get("/"), 400, validation, unknown},
		{"unknown path", get("/no/such/path"), 400, validation, unknown},
		{"version in front", get("/2019-07-05/global-networks"), 400, validation, unknown},
		{"slash behind", get("/global-networks/"), 400, validation, unknown},
		{"slashes in front", get("//global-networks"), 400, validation, unknown},
		{"dots", get("/global-networks/../global-networks"), 400, validation, unknown},
		{"encoded dots", get("/global-networks/%2e%2e/sites"), 400, validation, field},
		{"case", get("/Global-Networks"), 400, validation, unknown},
		{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400, validation, unknown},
		{"unknown method", "BREW /global-networks HTTP/1.1\r\nHost: x\r\n\r\n", 400, validation, unknown},
		{"PUT", "PUT /global-networks HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 400, validation, unknown},
		{"HEAD", "OPTIONS /global-networks HTTP/1.1\r\nHost: x\r\n\r\n", 400, validation, unknown},
		{"absolute target", get("http://elsewhere.test/no"), 400, validation, unknown},
		{"long path", get("/global-networks/" + strings.Repeat("a", 30_000) + "/sites"), 400, validation, field},
		{"many segments", get(strings.Repeat("/a", 10_000)), 400, validation, unknown},
		{"UTF-8 that is none", get("/global-networks/%ff/sites"), 400, validation, cannotParse},
		{"NUL in the path", get("/global-networks/a%00b/sites"), 400, validation, cannotParse},
		{"raw high bytes", get("/global-networks/\xff/sites"), 400, validation, cannotParse},
		{"newline in a label", get("/global-networks/a%0d%0ab/sites"), 400, validation, field},
		{"query that does not decode", get("/global-networks?maxResults=%zz"), 400, validation, cannotParse},
		{"semicolons", get("/global-networks?maxResults=1;nextToken=x"), 400, validation, cannotParse},
		{"NUL in the query", get("/global-networks?nextToken=%00"), 400, validation, cannotParse},
		{"query of text for a number", get("/global-networks?maxResults=all"), 400, validation, field},
		{"many parameters", get("/global-networks?" + strings.Repeat("globalNetworkIds=a&", 3000)), 400, validation, field},
		{"headers too large", "GET /global-networks HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("x", 200_000) + "\r\n\r\n", 431, "MalformedHttpRequestException", ""},
		{"target too large", get("/" + strings.Repeat("x", 200_000)), 431, "MalformedHttpRequestException", ""},
		{"token of nobody", get("/global-networks?nextToken=AAAA"), 400, validation, field},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, text, err := r.raw(c.request)
			if err != nil {
				t.Fatal(err)
			}
			var body struct{ Message, Reason string }
			if err := json.Unmarshal([]byte(text), &body, json.MatchCaseInsensitiveNames(true)); err != nil {
				t.Errorf("no JSON: %q", text)
			}
			if h := resp.Header; resp.StatusCode != c.status || h.Get("x-amzn-ErrorType") != c.typ || body.Reason != c.reason ||
				h.Get("Content-Type") != "application/json" || len(h.Get("x-amzn-RequestId")) != 36 {
				t.Errorf("got %d %v %.300s", resp.StatusCode, resp.Header, text)
			}
			if len(text) > 64<<10 {
				t.Errorf("a reply of %d bytes", len(text))
			}
		})
	}
	for name, request := range map[string]string{
		"no HTTP":             "hello\r\n\r\n",
		"no host":             "GET /global-networks HTTP/1.1\r\n\r\n",
		"HTTP/3":              "GET /global-networks HTTP/3.0\r\nHost: x\r\n\r\n",
		"two lengths":         "POST /global-networks HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
		"length of text":      "POST /global-networks HTTP/1.1\r\nHost: x\r\nContent-Length: two\r\n\r\n{}",
		"unknown coding":      "POST /global-networks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: rot13\r\n\r\n{}",
		"escape that is none": get("/global-networks/%zz/sites"),
		"space in a header":   "GET /global-networks HTTP/1.1\r\nHost : x\r\n\r\n",
		"headers huge":        "GET /global-networks HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("x", 900_000) + "\r\n\r\n",
		"target huge":         get("/" + strings.Repeat("x", 900_000)),
	} {
		t.Run(name, func(t *testing.T) {
			resp, _, err := r.raw(request)
			if resp == nil { // the text after the status may be lost: the server hangs up on what it has not read
				t.Fatal(err)
			}
			if resp.StatusCode/100 != 4 && resp.StatusCode != http.StatusNotImplemented && resp.StatusCode != http.StatusHTTPVersionNotSupported {
				t.Errorf("got %d", resp.StatusCode)
			}
		})
	}
	if resp, text := r.do("POST", "/global-networks", "{}"); resp.StatusCode != 200 {
		t.Errorf("after all that: %d %s", resp.StatusCode, text)
	}
	if strings.Contains(r.log.String(), "panic") {
		t.Errorf("a panic: %s", r.log)
	}
}
