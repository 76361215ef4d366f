package server

import (
	"context"
	"net/http"

	"portolan/internal/auth"
	"portolan/internal/wire"
)

// identify reads a request of at most limit bytes and tells who sent it, and what is to be decoded of it. Where signatures
// are checked, a stranger's body is not waited for, and what it takes up counts until the signature is known to be right.
// The errors of authentication are told apart by c.auth.
func (s *Server) identify(c *call, w http.ResponseWriter, r *http.Request, limit int64) (*auth.Principal, []byte, error) {
	if err := s.fromPage(r); err != nil {
		return nil, nil, err
	}
	if headerSize(r) > s.cfg.MaxHeader {
		return nil, nil, headersTooLarge(s.cfg.MaxHeader)
	}
	if r.ContentLength > limit {
		return nil, nil, wire.TooLarge(limit) // without waiting for what would not be read
	}
	var body []byte
	if r.Body != nil && r.ContentLength != 0 {
		if err := s.cfg.Authenticator.Expect(r); err != nil {
			c.auth = rejected
			return nil, nil, err
		}
		var err error
		if body, err = wire.ReadBody(http.MaxBytesReader(w, r.Body, limit), limit); err != nil {
			return nil, nil, err
		}
	}
	principal, body, err := s.cfg.Authenticator.Authenticate(r, body)
	if err != nil {
		c.auth = rejected
		return nil, nil, err
	}
	c.principal = principal
	connectionOf(r).authenticated(principal.Caller().Account)
	return principal, body, nil
}

// begin takes one of the slots of requests that are being answered, for the account of the caller, until end.
func (s *Server) begin(c *call) error {
	if c.answered = s.slots.take(c.principal.Caller().Account); !c.answered {
		return overloaded()
	}
	return nil
}

// end gives back what begin took; it may be called more than once.
func (s *Server) end(c *call) {
	if c.answered {
		s.slots.give(c.principal.Caller().Account)
		c.answered = false
	}
}

// lasting is the context of a call that is completed once it was sent: closing the connection, or its sending half, is no
// way to stop it.
func lasting(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }
