package server

import (
	"context"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"portolan/api"
	"portolan/internal/wire"
	"portolan/routing"
)

// asked answers a control call about the caller's own account. It takes no web page of a strange origin and, where
// signatures are checked, a valid one of somebody who may do everything.
func (s *Server) asked(w http.ResponseWriter, r *http.Request, contentType string, do func(ctx context.Context, body []byte) ([]byte, error)) {
	id := s.ids.next()
	reply, err := func() ([]byte, error) {
		body, err := wire.ReadBody(http.MaxBytesReader(w, r.Body, maxControlBody), maxControlBody)
		if err != nil {
			return nil, err
		}
		ctx, err := s.controller(r, body)
		if err != nil {
			return nil, err
		}
		return do(ctx, body)
	}()
	if err != nil {
		s.refuse(w, r, id, err)
		return
	}
	w.Header().Set("X-Amzn-Requestid", id)
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(reply)
}

// controller is the context of who makes a control call about its own account.
func (s *Server) controller(r *http.Request, body []byte) (context.Context, error) {
	if err := s.fromPage(r); err != nil {
		return nil, err
	}
	principal, _, err := s.cfg.Authenticator.Authenticate(r, body)
	if err != nil {
		return nil, err
	}
	ctx := api.WithCaller(r.Context(), principal.Caller())
	return ctx, s.cfg.Authorizer.AuthorizeControl(ctx, principal, principal.Caller().Account)
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
	s.asked(w, r, contentType, func(ctx context.Context, _ []byte) ([]byte, error) {
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
	id := strings.TrimPrefix(r.URL.Path, announcementsPath)
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
