package server_test

import (
	"context"
	"net/http"
	"testing"

	"portolan/internal/events"
	"portolan/internal/server"
)

// held is a service that publishes nothing before it is released.
type held struct {
	server.Service
	release chan struct{}
}

func (h held) PublishEvents(ctx context.Context) error {
	<-h.release
	return h.Service.PublishEvents(ctx)
}

// TestEvents_fewWaitForAPublication: of the pages of events that an account asks for while its routes are published so many wait as of
// questions, and all others are told to come again.
func TestEvents_fewWaitForAPublication(t *testing.T) {
	h := held{release: make(chan struct{})}
	r := start(t, func(c *server.Config) {
		h.Service = c.Service
		c.Service = h
	})
	const asked, refused = 100, 100 - server.MaxWaiting - 1
	replies := make(chan int, asked)
	for range asked {
		go func() {
			resp, err := r.http.Get(r.url + "/_portolan/events")
			if err != nil {
				replies <- 0
				return
			}
			_ = resp.Body.Close()
			replies <- resp.StatusCode
		}()
	}
	count := map[int]int{}
	for range refused {
		count[<-replies]++
	}
	if count[http.StatusServiceUnavailable] != refused {
		t.Errorf("while the others wait: %v", count)
	}
	close(h.release)
	for range asked - refused {
		count[<-replies]++
	}
	if count[http.StatusOK] != asked-refused {
		t.Errorf("at the end: %v", count)
	}
}

// TestEvents_afterThePresent: a token of a time before a backup was restored leads to what comes next, and not past it.
func TestEvents_afterThePresent(t *testing.T) {
	r := start(t)
	if _, text := r.do("GET", "/_portolan/events?after="+events.Token(7), ""); text != `{"events":[],"next":"`+events.Token(0)+`"}` {
		t.Error(text)
	}
}
