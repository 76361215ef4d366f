package otherservices

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"portolan/internal/wire"
)

// restXML are the services whose errors are XML although their requests name no action. S3's have no element around them.
var restXML = map[string]bool{"s3": true, "s3express": true, "s3-outposts": true, "route53": true, "cloudfront": true}

// refuse answers with an error in the protocol of the request: the Query protocol of EC2 or of the others, JSON 1.0 or 1.1,
// REST with XML or with JSON.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	id, service := h.cfg.RequestID(), ServiceOf(r)
	w.Header().Set("X-Amzn-Requestid", id)
	query := isQuery(r)
	switch contentType := r.Header.Get("Content-Type"); {
	case r.Header.Get("X-Amz-Target") != "" && strings.HasPrefix(contentType, "application/x-amz-json-1."):
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("X-Amzn-Errortype", code)
		h.json(w, status, map[string]string{"__type": code, "message": message})
	case query && service == "ec2":
		h.xml(w, status, fmt.Sprintf("<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>%s</RequestID></Response>",
			code, escape(message), escape(id)))
	case query || restXML[service] && !strings.HasPrefix(service, "s3"):
		h.xml(w, status, fmt.Sprintf("<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>",
			code, escape(message), escape(id)))
	case restXML[service]:
		w.Header().Set("X-Amz-Request-Id", id)
		h.xml(w, status, fmt.Sprintf("<Error><Code>%s</Code><Message>%s</Message><RequestId>%s</RequestId></Error>", code, escape(message), escape(id)))
	default:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Amzn-Errortype", code)
		h.json(w, status, map[string]string{"message": message})
	}
}

// Refuse answers with an error in the protocol of the request.
func (h *Handler) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := wire.AsException(err)
	code := e.ErrorType()
	if isQuery(r) {
		code = queryCode(code)
	}
	h.refuse(w, r, e.HTTPStatus(), code, strings.TrimPrefix(e.Error(), e.ErrorType()+": "))
}

func isQuery(r *http.Request) bool { return isForm(r) || r.URL.Query().Has("Action") }

func (h *Handler) json(w http.ResponseWriter, status int, v map[string]string) {
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil { // not of a map of strings
		text = []byte("{}")
	}
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
