package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// TestChunkSigner_publishedExample: the example of AWS's description of chunked uploads: 66560 bytes of "a" in two
// chunks and the empty last one.
func TestChunkSigner_publishedExample(t *testing.T) {
	c := &credential{secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	scope := Scope{"20130524", "us-east-1", "s3", "aws4_request"}
	s := &chunkSigner{
		key: c.signingKey(scope), stamp: "20130524T000000Z", scope: scope.String(),
		previous: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
	}
	for _, chunk := range []struct {
		size      int
		signature string
	}{
		{65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"},
		{1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"},
		{0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"},
	} {
		sum := sha256.Sum256([]byte(strings.Repeat("a", chunk.size)))
		if err := s.check("PAYLOAD", chunk.signature, emptySHA256, hex.EncodeToString(sum[:])); err != nil {
			t.Fatalf("chunk of %d: %v", chunk.size, err)
		}
	}
}

// chunkedRequest signs a request whose body comes in chunks, and the chunks, in the plainest way.
func chunkedRequest(tb testing.TB, form string, chunks []string, trailer ...string) (*http.Request, []byte) {
	tb.Helper()
	decoded := strings.Join(chunks, "")
	header := http.Header{
		"X-Amz-Content-Sha256": {form}, "Content-Encoding": {"aws-chunked"},
		"X-Amz-Decoded-Content-Length": {strconv.Itoa(len(decoded))},
	}
	if len(trailer) > 0 {
		name, _, _ := strings.Cut(trailer[0], ":")
		header.Set("X-Amz-Trailer", name)
	}
	r := signing{method: "POST", payload: form, header: header}.request(tb)
	_, previous, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	scope := Scope{"20260304", "eu-west-1", "networkmanager", "aws4_request"}
	key := (&credential{secret: testSecret}).signingKey(scope)
	hash := func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) }
	sign := func(kind, rest string) string {
		previous = hex.EncodeToString(mac(key, []byte(kind+"\n20260304T050607Z\n"+scope.String()+"\n"+previous+"\n"+rest)))
		return previous
	}
	var body strings.Builder
	for _, chunk := range append(chunks, "") {
		fmt.Fprintf(&body, "%x", len(chunk))
		if form != unsignedTrailer {
			body.WriteString(";chunk-signature=" + sign("AWS4-HMAC-SHA256-PAYLOAD", hash("")+"\n"+hash(chunk)))
		}
		body.WriteString("\r\n" + chunk)
		if chunk != "" {
			body.WriteString("\r\n")
		}
	}
	for _, line := range trailer {
		body.WriteString(line + "\r\n")
	}
	if form == signedChunksTrailer {
		body.WriteString("x-amz-trailer-signature:" + sign("AWS4-HMAC-SHA256-TRAILER", hash(strings.Join(trailer, "\n")+"\n")) + "\r\n")
	}
	body.WriteString("\r\n")
	return r, []byte(body.String())
}

func TestAuthenticate_chunked(t *testing.T) {
	chunks := []string{`{"Description":`, `"d"}`}
	const crc = "x-amz-checksum-crc32:+y85rg=="
	for name, test := range map[string]struct {
		form    string
		trailer []string
	}{
		"signed":                  {signedChunks, nil},
		"signed with a trailer":   {signedChunksTrailer, []string{crc}},
		"unsigned with a trailer": {unsignedTrailer, []string{crc}},
		"unsigned, other headers": {unsignedTrailer, []string{"x-other:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, body := chunkedRequest(t, test.form, chunks, test.trailer...)
			for door, a := range map[string]*Authenticator{"shut": at(t, testNow), "open": NewAuthenticator(Config{})} {
				_, got, err := a.Authenticate(r, body)
				if err != nil {
					t.Fatal(door, err, errors.Unwrap(err))
				}
				if string(got) != `{"Description":"d"}` {
					t.Errorf("%s: body %q", door, got)
				}
			}
		})
	}
}

func TestAuthenticate_chunkedRefusals(t *testing.T) {
	chunks := []string{"abc", "def"}
	change := func(old, replacement string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, old) {
				panic("there is no " + old)
			}
			return strings.Replace(s, old, replacement, 1)
		}
	}
	const crc = "x-amz-checksum-crc32:S4457w=="
	for name, test := range map[string]struct {
		form      string
		trailer   []string
		change    func(string) string
		errorType string
	}{
		"another chunk":            {signedChunks, nil, change("abc", "abd"), "InvalidSignatureException"},
		"an unsigned chunk":        {signedChunks, nil, change(";chunk-signature=", ";x="), "InvalidSignatureException"},
		"chunks joined":            {signedChunks, nil, change("3;", "03;x="), "InvalidSignatureException"},
		"another trailer":          {signedChunksTrailer, []string{"x-note:1"}, change("x-note:1", "x-note:2"), "InvalidSignatureException"},
		"an unsigned trailer":      {signedChunksTrailer, []string{"x-note:1"}, change("x-amz-trailer-signature", "x-other"), "InvalidSignatureException"},
		"a trailer too many":       {signedChunks, nil, func(s string) string { return strings.TrimSuffix(s, "\r\n") + "a:b\r\n\r\n" }, "ValidationException"},
		"another checksum":         {unsignedTrailer, []string{crc}, change("S4457w", "S4457A"), "ValidationException"},
		"an announced one missing": {unsignedTrailer, []string{crc}, change(crc+"\r\n", ""), "ValidationException"},
		"a trailer twice":          {unsignedTrailer, []string{crc}, change(crc+"\r\n", crc+"\r\n"+crc+"\r\n"), "ValidationException"},
		"a size too large":         {unsignedTrailer, []string{crc}, change("3\r\nabc", "ffff\r\nabc"), "ValidationException"},
		"a size too small":         {unsignedTrailer, []string{crc}, change("3\r\nabc", "2\r\nabc"), "ValidationException"},
		"no size":                  {unsignedTrailer, []string{crc}, change("3\r\nabc", "x\r\nabc"), "ValidationException"},
		"a chunk missing":          {unsignedTrailer, []string{crc}, change("3\r\nabc\r\n", ""), "ValidationException"},
		"an early end":             {unsignedTrailer, []string{crc}, change("0\r\n", ""), "ValidationException"},
		"something after the end":  {unsignedTrailer, []string{crc}, func(s string) string { return s + "x" }, "ValidationException"},
		"an unknown form":          {"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", nil, change("abc", "abc"), "ValidationException"},
	} {
		t.Run(name, func(t *testing.T) {
			r, body := chunkedRequest(t, test.form, chunks, test.trailer...)
			_, _, err := at(t, testNow).Authenticate(r, []byte(test.change(string(body))))
			if errorType(err) != test.errorType {
				t.Error(err)
			}
		})
	}
}

func TestChecksum_ofCheckString(t *testing.T) {
	for header, want := range map[string]string{
		"x-amz-checksum-crc32":     "cbf43926",
		"x-amz-checksum-crc32c":    "e3069283",
		"x-amz-checksum-crc64nvme": "ae8b14860a799888",
		"x-amz-checksum-sha1":      "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
		"x-amz-checksum-sha256":    "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
		"x-other":                  "",
	} {
		if got := hex.EncodeToString(checksum(header, []byte("123456789"))); got != want {
			t.Errorf("%s: %s", header, got)
		}
	}
}

func FuzzDecodeChunked(f *testing.F) {
	f.Add(unsignedTrailer, "", "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n")
	f.Add(signedChunks, "", "1;chunk-signature=00\r\na\r\n0;chunk-signature=00\r\n\r\n")
	f.Add(signedChunksTrailer, "x-a", "0\r\nx-a:b\r\n\r\n")
	f.Fuzz(func(t *testing.T, form, trailer, body string) {
		r := &http.Request{Header: http.Header{"X-Amz-Trailer": {trailer}}}
		for n := range min(len(body), 64) {
			r.Header.Set("X-Amz-Decoded-Content-Length", strconv.Itoa(n))
			decoded, err := decodeChunked(r, form, []byte(body), nil)
			if err == nil && len(decoded) != n {
				t.Fatalf("%d bytes for %d", len(decoded), n)
			}
			if err != nil && errorType(err) != "ValidationException" {
				t.Fatal(err)
			}
		}
	})
}
