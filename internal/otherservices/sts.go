package otherservices

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"portolan/internal/auth"
)

// maxForm is how long a call to STS may be, in bytes.
const maxForm = 64 << 10

// sts answers the two calls of STS that clients cannot do without, and reports whether it did: who is calling, and the
// keys of a role. All others are for the upstream, and named for a refusal.
func (h *Handler) sts(w http.ResponseWriter, r *http.Request) (action string, done bool) {
	text := r.URL.RawQuery
	var body []byte
	if isForm(r) {
		if r.ContentLength < 0 || r.ContentLength > maxForm {
			return action, false
		}
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, maxForm)); err != nil {
			h.refuse(w, r, http.StatusBadRequest, "MalformedQueryString", "The body could not be read.")
			return action, true
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		text = string(body)
	}
	form, err := url.ParseQuery(text)
	if err != nil {
		return action, false
	}
	action = form.Get("Action")
	var answer func(*auth.Principal, url.Values) (string, error)
	switch action {
	case "GetCallerIdentity":
		answer = h.callerIdentity
	case "AssumeRole":
		answer = h.assumeRole
	default:
		return action, false
	}
	principal, _, err := h.cfg.Authenticator.AuthenticateFor("sts", r, body)
	result := ""
	if err == nil {
		result, err = answer(principal, form)
	}
	if err != nil {
		h.Refuse(w, r, err)
		return action, true
	}
	h.xml(w, http.StatusOK, fmt.Sprintf(`<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult>%[2]s</%[1]sResult>`+
		`<ResponseMetadata><RequestId>%[3]s</RequestId></ResponseMetadata></%[1]sResponse>`, action, result, escape(h.cfg.RequestID())))
	return action, true
}

// queryCode is how the Query protocol spells an error of authentication.
func queryCode(errorType string) string {
	switch errorType {
	case "UnrecognizedClientException":
		return "InvalidClientTokenId"
	case "InvalidSignatureException":
		return "SignatureDoesNotMatch"
	case "AccessDeniedException":
		return "AccessDenied"
	case "ValidationException":
		return "ValidationError"
	}
	return strings.TrimSuffix(errorType, "Exception")
}

// callerIdentity is sts:GetCallerIdentity: it takes no permission, only a valid signature.
func (h *Handler) callerIdentity(principal *auth.Principal, _ url.Values) (string, error) {
	caller := principal.Caller()
	return elements("Arn", caller.ARN, "UserId", caller.Account, "Account", caller.Account), nil
}

// assumeRole is sts:AssumeRole: the keys of a role of any account.
func (h *Handler) assumeRole(principal *auth.Principal, form url.Values) (string, error) {
	duration := time.Hour
	if text := form.Get("DurationSeconds"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 900 || seconds > 43200 {
			return "", auth.InvalidSTS("durationSeconds", "Member must be from 900 to 43200")
		}
		duration = time.Duration(seconds) * time.Second
	}
	session := form.Get("RoleSessionName")
	role, err := h.cfg.Authorizer.AssumeRole(h.cfg.Authenticator, principal, form.Get("RoleArn"), session)
	if err != nil {
		return "", err
	}
	expires := h.cfg.Now().UTC().Add(duration)
	if !role.Expires.IsZero() && role.Expires.Before(expires) {
		expires = role.Expires.UTC()
	}
	return "<AssumedRoleUser>" + elements("AssumedRoleId", role.AccessKeyID+":"+session, "Arn", role.ARN) + "</AssumedRoleUser><Credentials>" +
		elements("AccessKeyId", role.AccessKeyID, "SecretAccessKey", role.SecretAccessKey, "SessionToken", role.SessionToken,
			"Expiration", expires.Format(time.RFC3339)) + "</Credentials>", nil
}

// elements are XML elements of names and texts in turn.
func elements(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		b.WriteString("<" + pairs[i] + ">")
		_ = xml.EscapeText(&b, []byte(pairs[i+1]))
		b.WriteString("</" + pairs[i] + ">")
	}
	return b.String()
}
