package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-json-experiment/json"

	"portolan/api"
	"portolan/internal/auth"
	"portolan/internal/turns"
	"portolan/routing"
)

// asked answers a control call about the caller's own account. It takes no web page of a strange origin and, where
// signatures are checked, a valid one of somebody who may do everything.
func (s *Server) asked(w http.ResponseWriter, r *http.Request, contentType string, do func(ctx context.Context, body []byte) ([]byte, error)) {
	id := s.ids.next()
	reply, err := func() ([]byte, error) {
		who, body, err := s.controller(w, r, maxControlBody)
		if err != nil {
			return nil, err
		}
		reply, err := do(api.Lasting(r.Context(), who.Caller()), body)
		return reply, askedBy(who, err)
	}()
	if err != nil {
		s.refuse(w, r, id, err)
		return
	}
	w.Header().Set("X-Amzn-Requestid", id)
	writeWhole(w, r, contentType, reply)
}

// askedInTurn is asked for what costs much: it is one of the questions that are answered at a time. It waits for its turn as
// long as that takes: net/http cannot tell a client that is gone from one that shut its sending side down and still reads.
func (s *Server) askedInTurn(w http.ResponseWriter, r *http.Request, contentType string, do func(ctx context.Context, body []byte) ([]byte, error)) {
	s.asked(w, r, contentType, func(ctx context.Context, body []byte) ([]byte, error) {
		return s.inTurn(ctx, turns.Question, func(ctx context.Context) ([]byte, error) { return do(ctx, body) })
	})
}

// inTurn answers a question once its account has a turn.
func (s *Server) inTurn(ctx context.Context, kind turns.Kind, do func(context.Context) ([]byte, error)) ([]byte, error) {
	ctx, done, err := s.askedTurn(ctx, api.CallerFrom(ctx).Account, kind)
	if err != nil {
		return nil, err
	}
	defer done()
	return do(ctx)
}

// askedBy names the account that asked in an error about what is not there: it may be another account's.
func askedBy(who *auth.Principal, err error) error {
	missing, ok := errors.AsType[*api.ResourceNotFoundException](err)
	if !ok {
		return err
	}
	named := *missing
	named.Message += " It was asked for by account " + who.Caller().Account + "."
	return &named
}

// controller is who makes a control call about its own account, and the body of the call.
func (s *Server) controller(w http.ResponseWriter, r *http.Request, limit int64) (*auth.Principal, []byte, error) {
	principal, body, err := s.identify(new(call), w, r, limit)
	if err != nil {
		return nil, nil, err
	}
	return principal, body, s.mayControl(r, principal, principal.Caller().Account)
}

const maxControlBody = 12 << 20

const announcementsPath = "/_portolan/announcements/"

// snapshot is GET /_portolan/snapshot?core-network=ID[&format=yaml].
func (s *Server) snapshot(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	contentType := "application/json"
	if query.Get("format") == "yaml" {
		contentType = "application/yaml"
	}
	s.askedInTurn(w, r, contentType, func(ctx context.Context, _ []byte) ([]byte, error) {
		snapshot, err := s.cfg.Service.Snapshot(ctx, query.Get("core-network"))
		if err != nil {
			return nil, err
		}
		switch query.Get("format") {
		case "yaml":
			return snapshot.YAML()
		case "", "json":
			return snapshot.JSON()
		}
		return nil, api.InvalidField("format", "Member must be json or yaml.")
	})
}

// announcements is GET and PUT /_portolan/announcements/ID: what an attachment or a Connect peer announces.
func (s *Server) announcements(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	s.asked(w, r, "application/json", func(ctx context.Context, body []byte) ([]byte, error) {
		if r.Method == http.MethodPut {
			var list []routing.Announcement
			if err := json.Unmarshal(body, &list, json.RejectUnknownMembers(true)); err != nil {
				return nil, &api.ValidationException{
					Message: "The announcements cannot be read: " + err.Error() + ".", Reason: api.ValidationExceptionReasonCannotParse,
				}
			}
			if err := s.cfg.Service.PutAnnouncements(ctx, id, list); err != nil {
				return nil, err
			}
		}
		list, err := s.cfg.Service.Announcements(ctx, id)
		if err != nil {
			return nil, err
		}
		return json.Marshal(list, json.Deterministic(true))
	})
}
