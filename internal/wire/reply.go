package wire

import (
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

// WriteOutput writes a success.
func WriteOutput(w http.ResponseWriter, requestID string, out api.Output) {
	p := buffers.Get().(*[]byte)
	b := out.AppendJSON((*p)[:0])
	write(w, http.StatusOK, requestID, b)
	if *p = b; cap(b) <= maxPooled {
		buffers.Put(p)
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

// AsException is the exception in err's chain, or the one that hides err.
func AsException(err error) api.Exception {
	var e api.Exception
	if errors.As(err, &e) {
		return e
	}
	return api.Internal(err)
}

var contentType = []string{"application/json"}

func write(w http.ResponseWriter, status int, requestID string, body []byte) {
	h := w.Header()
	values := &[2]string{strconv.Itoa(len(body)), requestID} // one allocation for both
	h["Content-Type"] = contentType
	h["Content-Length"] = values[0:1:1]
	h["X-Amzn-Requestid"] = values[1:2:2]
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone; there is nobody to tell
}
