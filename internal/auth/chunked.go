package auth

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strconv"
	"strings"
)

// The forms of a body sent in chunks of its own, inside HTTP's.
const (
	signedChunks        = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	signedChunksTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	unsignedTrailer     = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

	maxChunks   = 1 << 14
	maxTrailers = 16
	maxLine     = 1 << 10

	emptySHA256      = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	trailerSignature = "x-amz-trailer-signature"
)

// chunkSigner carries the chain of signatures from the request's over every chunk to the trailer's.
type chunkSigner struct {
	key          []byte
	stamp, scope string
	previous     string
}

// check verifies the next signature of the chain. kind is PAYLOAD or TRAILER.
func (c *chunkSigner) check(kind, signature string, parts ...string) error {
	text := "AWS4-HMAC-SHA256-" + kind + "\n" + c.stamp + "\n" + c.scope + "\n" + c.previous + "\n" + strings.Join(parts, "\n")
	if !sameHex(mac(c.key, []byte(text)), signature) {
		return mismatch(fmt.Errorf("%w: that of a chunk or a trailer", errSignature))
	}
	c.previous = signature
	return nil
}

// decodeChunked takes a body out of its chunks:
//
//	SIZE-IN-HEX[;chunk-signature=SIGNATURE] CRLF DATA CRLF … 0[;chunk-signature=SIGNATURE] CRLF [NAME:VALUE CRLF …] CRLF
//
// form is the value of x-amz-content-sha256. Without a signer no signature is checked; lengths and the trailer's
// checksums always are.
func decodeChunked(r *http.Request, form string, body []byte, signer *chunkSigner) ([]byte, error) {
	switch form {
	case signedChunks, signedChunksTrailer:
	case unsignedTrailer:
		signer = nil
	default:
		return nil, brokenChunks("the form '%s' is not supported", shown(form))
	}
	decoded := make([]byte, 0, len(body))
	rest := body
	for n := 0; ; n++ {
		if n > maxChunks {
			return nil, brokenChunks("there are more than %d chunks", maxChunks)
		}
		line, after, err := cutLine(rest)
		if err != nil {
			return nil, err
		}
		sizeText, extension, _ := strings.Cut(line, ";")
		size, err := strconv.ParseUint(sizeText, 16, 31)
		if err != nil || size > uint64(len(after)) {
			return nil, brokenChunks("chunk %d has no size that fits", n)
		}
		data := after[:size]
		if signer != nil {
			signature, _ := strings.CutPrefix(extension, "chunk-signature=")
			sum := sha256.Sum256(data)
			if err := signer.check("PAYLOAD", signature, emptySHA256, hex.EncodeToString(sum[:])); err != nil {
				return nil, err
			}
		}
		rest = after[size:]
		if size == 0 {
			break
		}
		if !bytes.HasPrefix(rest, []byte("\r\n")) {
			return nil, brokenChunks("chunk %d does not end where its size says", n)
		}
		rest = rest[2:]
		decoded = append(decoded, data...)
	}
	if length := r.Header.Get("X-Amz-Decoded-Content-Length"); length != strconv.Itoa(len(decoded)) {
		return nil, brokenChunks("X-Amz-Decoded-Content-Length is '%s', the decoded body has %d bytes", shown(length), len(decoded))
	}
	return decoded, checkTrailer(r, form, rest, decoded, signer)
}

func cutLine(b []byte) (line string, rest []byte, err error) {
	end := bytes.Index(b[:min(len(b), maxLine)], []byte("\r\n"))
	if end < 0 {
		return "", nil, brokenChunks("a line does not end")
	}
	return string(b[:end]), b[end+2:], nil
}

// checkTrailer reads what follows the last chunk: headers, the announced checksums among them, and their signature.
func checkTrailer(r *http.Request, form string, rest, decoded []byte, signer *chunkSigner) error {
	trailer := map[string]string{}
	var canonical strings.Builder
	for len(rest) > 0 {
		line, after, err := cutLine(rest)
		if err != nil {
			return err
		}
		rest = after
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if _, twice := trailer[name]; !ok || twice || len(trailer) == maxTrailers || form == signedChunks {
			return brokenChunks("its trailer is not one")
		}
		trailer[name] = value
		if name != trailerSignature {
			canonical.WriteString(name + ":" + value + "\n")
		}
	}
	if len(rest) > 0 {
		return brokenChunks("there is something after its end")
	}
	if signer != nil && form == signedChunksTrailer {
		sum := sha256.Sum256([]byte(canonical.String()))
		if err := signer.check("TRAILER", trailer[trailerSignature], hex.EncodeToString(sum[:])); err != nil {
			return err
		}
	}
	for announced := range strings.SplitSeq(r.Header.Get("X-Amz-Trailer"), ",") {
		name := strings.ToLower(strings.TrimSpace(announced))
		if _, ok := trailer[name]; name != "" && !ok {
			return brokenChunks("the trailer '%s' was announced and did not come", shown(name))
		}
	}
	for name, value := range trailer {
		if sum := checksum(name, decoded); sum != nil && base64.StdEncoding.EncodeToString(sum) != value {
			return brokenChunks("'%s' is not that of the body", name)
		}
	}
	return nil
}

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	nvme       = crc64.MakeTable(0x9a6c9329ac4bc9b5)
)

// checksum is what the named header should say of data, nil for headers that are no checksum.
func checksum(header string, data []byte) []byte {
	switch header {
	case "x-amz-checksum-crc32":
		return binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(data))
	case "x-amz-checksum-crc32c":
		return binary.BigEndian.AppendUint32(nil, crc32.Checksum(data, castagnoli))
	case "x-amz-checksum-crc64nvme":
		return binary.BigEndian.AppendUint64(nil, crc64.Checksum(data, nvme))
	case "x-amz-checksum-sha1":
		sum := sha1.Sum(data)
		return sum[:]
	case "x-amz-checksum-sha256":
		sum := sha256.Sum256(data)
		return sum[:]
	}
	return nil
}
