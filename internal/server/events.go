package server

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"portolan/api"
	"portolan/internal/auth"
	"portolan/internal/events"
	"portolan/internal/turns"
)

const (
	defaultEvents = 100
	maxEvents     = 1000
	heartbeat     = 15 * time.Second
	maxStreams    = 64 // of server-sent events at a time, beyond which the oldest gives way
)

// events is GET /_portolan/events[?after=TOKEN&last=N&limit=N&detail-type=TYPE&resource=ARN]: what happened to the caller's
// account, as a page, or as server-sent events for who asks for them, which go on as things happen.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	stream := strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	q := events.Query{Limit: defaultEvents, DetailType: query.Get("detail-type"), Resource: query.Get("resource")}
	after := query.Get("after")
	if id := r.Header.Get("Last-Event-ID"); stream && id != "" {
		after = id
	}
	var fields []api.FieldError
	if after != "" {
		n, ok := events.ParseToken(after)
		if !ok {
			fields = append(fields, api.FieldError{Name: "after", Message: "Member must be a token of an earlier answer."})
		}
		q.After = n
	}
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxEvents {
			fields = append(fields, api.FieldError{Name: "limit", Message: fmt.Sprintf("Member must be an integer from 1 to %d.", maxEvents)})
		}
		q.Limit = n
	}
	if text := query.Get("last"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxEvents || query.Has("after") {
			fields = append(fields, api.FieldError{Name: "last", Message: fmt.Sprintf("Member must be an integer from 1 to %d, and not beside after.", maxEvents)})
		}
		if after == "" { // a stream that is resumed goes on where it was
			q.Last = n
		}
	}
	if fields != nil {
		s.refuse(w, r, s.ids.next(), api.InvalidFields(fields...))
		return
	}
	if !stream {
		s.asked(w, r, jsonType, func(ctx context.Context, _ []byte) ([]byte, error) {
			account := api.CallerFrom(ctx).Account
			if !s.readers.take(account) {
				return nil, overloaded()
			}
			defer s.readers.give(account)
			if err := s.cfg.Service.PublishEvents(ctx); err != nil {
				return nil, err
			}
			return s.inTurn(ctx, turns.Operation, func(ctx context.Context) ([]byte, error) {
				list, next, err := s.cfg.Service.StoredEvents(ctx, q)
				if err != nil {
					return nil, err
				}
				return eventPage(list, next), nil
			})
		})
		return
	}
	id := s.ids.next()
	who, _, err := s.controller(w, r, 0)
	if err != nil {
		s.refuse(w, r, id, err)
		return
	}
	ctx, end := s.streams.begin(api.WithCaller(r.Context(), who.Caller()), who.Caller().Account)
	defer end()
	if err := s.stream(ctx, w, who, q); err != nil {
		s.cfg.Log.Warn("a stream of events ended", "request_id", id, "error", err)
	}
}

// eventPage is a page of events, each with the token of its place, and the token to go on after: {"events": [{"token": …,
// "event": …}, …], "next": …}. The events are in JSON already, and tokens have no character that JSON escapes.
func eventPage(list []events.Stored, next uint64) []byte {
	size := 100
	for i := range list {
		size += len(list[i].Text) + 50
	}
	page := append(make([]byte, 0, size), `{"events":[`...)
	for i := range list {
		if i > 0 {
			page = append(page, ',')
		}
		page = append(append(page, `{"token":"`...), events.Token(list[i].Sequence)...)
		page = append(append(append(page, `","event":`...), list[i].Text...), '}')
	}
	return append(append(append(page, `],"next":"`...), events.Token(next)...), `"}`...)
}

// stream writes events as they come until the client or the server goes. A client that does not read is given up when a
// write takes too long; it comes back with the last id it saw.
func (s *Server) stream(ctx context.Context, w http.ResponseWriter, who *auth.Principal, q events.Query) error {
	keys := s.cfg.Authenticator.Changed()
	changed, err := s.cfg.Service.EventsChanged(ctx)
	if err != nil {
		return err
	}
	control := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	write := func(format string, args ...any) error {
		if err := control.SetWriteDeadline(time.Now().Add(heartbeat)); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, format, args...); err != nil {
			return err
		}
		return control.Flush()
	}
	if err := write(": portolan\n\n"); err != nil {
		return err
	}
	may := func() bool { // nothing is told after the end of the key or of what it may
		now := s.cfg.Authenticator.Now(who)
		return now != nil && s.cfg.Authorizer.AuthorizeControl(ctx, now, now.Caller().Account) == nil
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		if err := s.cfg.Service.PublishEvents(ctx); err != nil {
			return err
		}
		list, next, err := s.cfg.Service.StoredEvents(ctx, q)
		if err != nil {
			return err
		}
		if len(list) > 0 && !may() {
			return nil
		}
		more := next > q.After
		q.After = next
		for i := range list {
			if err := write("id: %s\ndata: %s\n\n", events.Token(list[i].Sequence), list[i].Text); err != nil {
				return err
			}
		}
		if more {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.closing:
			return nil
		case <-keys:
			keys = s.cfg.Authenticator.Changed()
			if !may() {
				return nil
			}
		case <-beat.C:
			if !may() {
				return nil
			}
			if err := write(": still here\n\n"); err != nil {
				return err
			}
		case _, ok := <-changed:
			if ok {
				continue
			}
			// The watcher fell behind: a new one, and what was missed is read from the log.
			if changed, err = s.cfg.Service.EventsChanged(ctx); err != nil {
				return err
			}
		}
	}
}
