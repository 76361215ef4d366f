package server

import (
	"net/http"

	"portolan/internal/wire"
)

// other answers a request for another service than Network Manager. Who sent it is for that service to check, so that all
// of these together have the share of requests under way that one account has.
func (s *Server) other(w http.ResponseWriter, r *http.Request) {
	c := call{start: s.cfg.Now(), id: s.ids.next(), operation: other}
	defer func() { s.record(&c, r) }()
	refuse := func(err error) {
		e := wire.AsException(err)
		c.status, c.errorType, c.err = e.HTTPStatus(), e.ErrorType(), err
		s.others.Refuse(w, r, err)
	}
	if err := s.fromPage(r); err != nil {
		refuse(err)
		return
	}
	if headerSize(r) > s.cfg.MaxHeader {
		refuse(headersTooLarge(s.cfg.MaxHeader))
		return
	}
	if !s.slots.take("") {
		refuse(overloaded())
		return
	}
	defer s.slots.give("")
	connectionOf(r).passes()
	answer := &seen{ResponseWriter: w, status: http.StatusOK}
	s.others.ServeHTTP(answer, r)
	c.status = answer.status
}

// seen notes the status of an answer.
type seen struct {
	http.ResponseWriter
	status int
}

func (s *seen) WriteHeader(status int) {
	if status >= http.StatusOK { // 1xx is followed by another
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets the proxy flush.
func (s *seen) Unwrap() http.ResponseWriter { return s.ResponseWriter }
