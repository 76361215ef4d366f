package mcp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ServeStreams answers the messages of one client, one a line, until there are no more or ctx ends. Calls are answered when
// they are done, whichever is first.
func (s *Server) ServeStreams(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &streams{server: s, out: out, running: map[string]func(){}, cancel: cancel}
	ended := make(chan error, 1)
	go func() { ended <- c.read(ctx, in) }()
	select {
	case err := <-ended:
		c.calls.Wait() // what was asked is answered
		return errors.Join(err, c.failed())
	case <-ctx.Done():
		return errors.Join(ctx.Err(), c.failed())
	}
}

// streams is one client.
type streams struct {
	server *Server
	calls  sync.WaitGroup
	cancel func() // ends everything

	mu       sync.Mutex
	out      io.Writer
	writeErr error
	running  map[string]func() // by ID: what cancels a call
}

func (c *streams) failed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writeErr
}

func (c *streams) read(ctx context.Context, in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, c.server.MaxMessage)
	for lines.Scan() {
		if text := bytes.TrimSpace(lines.Bytes()); len(text) > 0 {
			c.take(ctx, bytes.Clone(text))
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		err := fmt.Errorf("a message is longer than %d bytes", c.server.MaxMessage)
		c.write(&answer{JSONRPC: "2.0", ID: jsontext.Value("null"), Error: fail(invalidRequest, "%v", err)})
		return err
	}
	return lines.Err()
}

// take begins to answer a message.
func (c *streams) take(ctx context.Context, text []byte) {
	if text[0] == '[' {
		var list []jsontext.Value
		if json.Unmarshal(text, &list) == nil && len(list) > 0 { // none is no batch
			c.batch(ctx, list)
			return
		}
	}
	c.start(ctx, text, func(a *answer) {
		if a != nil {
			c.write(a)
		}
	})
}

// batch answers several messages with one.
func (c *streams) batch(ctx context.Context, list []jsontext.Value) {
	var mu sync.Mutex
	var answers []*answer
	left := len(list)
	for _, text := range list {
		c.start(ctx, text, func(a *answer) {
			mu.Lock()
			defer mu.Unlock()
			if a != nil {
				answers = append(answers, a)
			}
			if left--; left == 0 && len(answers) > 0 {
				c.write(answers)
			}
		})
	}
}

// start answers one message, later. done is told what to answer, nil for nothing.
func (c *streams) start(ctx context.Context, text []byte, done func(*answer)) {
	asked, failed := read(text)
	id := string(asked.ID)
	switch {
	case failed != nil:
		if asked.ID == nil {
			asked.ID = jsontext.Value("null")
		}
		done(&answer{JSONRPC: "2.0", ID: asked.ID, Error: failed})
		return
	case asked.Method == "notifications/cancelled":
		c.mu.Lock()
		if cancel := c.running[string(asked.params.RequestID)]; cancel != nil {
			cancel()
		}
		c.mu.Unlock()
		done(nil)
		return
	case asked.Method != "tools/call":
		done(c.server.answered(ctx, asked))
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	c.mu.Lock()
	c.running[id] = cancel
	c.mu.Unlock()
	c.calls.Go(func() {
		defer cancel()
		a := c.server.answered(ctx, asked)
		if ctx.Err() != nil {
			a = nil // nobody waits for it
		}
		c.mu.Lock()
		delete(c.running, id)
		c.mu.Unlock()
		done(a)
	})
}

func (c *streams) write(v any) {
	text, err := encoded(v)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		_, err = c.out.Write(append(text, '\n'))
	}
	if err != nil && c.writeErr == nil {
		c.writeErr = err
		c.cancel()
	}
}
