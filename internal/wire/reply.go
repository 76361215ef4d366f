package wire

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"

	"portolan/api"
)

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4096); return &b }}

// maxPooled is how large a buffer may be to be used again, in bytes. Those that a huge table has grown are left to the
// collector.
const maxPooled = 4 << 20

// Encoded is an output as it goes over the wire. It must be written, once.
type Encoded struct{ body *[]byte }

// Encode encodes a success.
func Encode(out api.Output) Encoded {
	p := buffers.Get().(*[]byte)
	*p = out.AppendJSON((*p)[:0])
	return Encoded{p}
}

// Len is the number of bytes of the body.
func (e Encoded) Len() int { return len(*e.body) }

// Write writes the success.
func (e Encoded) Write(w http.ResponseWriter, requestID string) {
	write(w, http.StatusOK, requestID, *e.body)
	if cap(*e.body) <= maxPooled {
		buffers.Put(e.body)
	}
}

// WriteError writes an error as AWS's front end does. One that is not meant for clients becomes an
// InternalServerException that says nothing of its cause.
func WriteError(w http.ResponseWriter, requestID string, err error) {
	e := AsException(err)
	h := w.Header()
	h["X-Amzn-Errortype"] = []string{e.ErrorType()}
	if r, ok := e.(api.RetryAfterer); ok && r.RetryAfter() > 0 {
		h.Set("Retry-After", strconv.Itoa(r.RetryAfter()))
	}
	write(w, e.HTTPStatus(), requestID, e.AppendJSON(make([]byte, 0, 256)))
}

// StatusClientGone is the status of a request whose client did not wait for the answer. It is for the log and the metrics:
// the client does not see it.
const StatusClientGone = 499

// AsException is the exception in err's chain, or the one that hides err. What was canceled is what the client has left.
func AsException(err error) api.Exception {
	var e api.Exception
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.Canceled):
		return &api.GenericError{Status: StatusClientGone, Type: "ClientClosedRequest", Message: "The client did not wait for the answer.", Cause: err}
	}
	return api.Internal(err)
}

// counted is the length up to which net/http, which holds back what a handler writes first, says by itself how long a body is.
const counted = 2 << 10

var contentType = []string{"application/json"}

func write(w http.ResponseWriter, status int, requestID string, body []byte) {
	h := w.Header()
	h["Content-Type"] = contentType
	if len(body) > counted {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	h["X-Amzn-Requestid"] = []string{requestID}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone; there is nobody to tell
}
