package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"portolan/api"
)

// The causes the log gets beside what the client is told.
var (
	errUnknownKey = errors.New("no such access key")
	errWrongToken = errors.New("the session token is not the key's")
	errSignature  = errors.New("the signature differs")
)

func forbidden(errorType, message string, cause error) error {
	return &api.GenericError{Status: http.StatusForbidden, Type: errorType, Message: message, Cause: cause}
}

func missingToken() error {
	return forbidden("MissingAuthenticationTokenException", "Missing Authentication Token", nil)
}

func incomplete(format string, args ...any) error {
	return forbidden("IncompleteSignatureException", fmt.Sprintf(format, args...), nil)
}

// requires says what an Authorization header lacks, all at once, and shows the header's hash rather than the header.
func requires(header string, missing ...string) error {
	var b strings.Builder
	for _, m := range missing {
		fmt.Fprintf(&b, "Authorization header requires %s. ", m)
	}
	return incomplete("%s(Hashed with SHA-256 and encoded with Base64) Authorization=%s", b.String(), hashed(header))
}

func hashed(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func unrecognizedClient(cause error) error {
	return forbidden("UnrecognizedClientException", "The security token included in the request is invalid.", cause)
}

func expiredToken() error {
	return forbidden("ExpiredTokenException", "The security token included in the request is expired", nil)
}

func invalidSignature(format string, args ...any) error {
	return forbidden("InvalidSignatureException", fmt.Sprintf(format, args...), nil)
}

func mismatch(cause error) error {
	return forbidden("InvalidSignatureException", "The request signature we calculated does not match the signature you provided. "+
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.", cause)
}

func brokenChunks(format string, args ...any) error {
	return &api.ValidationException{
		Message: "The chunked body cannot be read: " + fmt.Sprintf(format, args...) + ".",
		Reason:  api.ValidationExceptionReasonCannotParse,
	}
}

// shown is a client's text cut to what an error may repeat.
func shown(s string) string {
	const most = 128
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
