package main

import (
	"context"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// answeredTransport is a transport on which the input ends when all calls that were read from it are answered: the protocol's
// library cancels what is still worked on at the end of the input, and a script ends its input with its last call.
type answeredTransport struct{ mcp.Transport }

// Connect is that of the transport below.
func (t answeredTransport) Connect(ctx context.Context) (mcp.Connection, error) {
	c, err := t.Transport.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &answeredConnection{Connection: c, open: map[jsonrpc.ID]bool{}, idle: make(chan struct{}, 1), closed: make(chan struct{})}, nil
}

type answeredConnection struct {
	mcp.Connection
	mu     sync.Mutex
	open   map[jsonrpc.ID]bool // calls that are not answered
	idle   chan struct{}       // filled when there are none
	once   sync.Once
	closed chan struct{}
}

// Read gives the error at the end of the input back when nothing is left to be answered.
func (c *answeredConnection) Read(ctx context.Context) (jsonrpc.Message, error) {
	m, err := c.Connection.Read(ctx)
	if err != nil {
		c.wait(ctx)
		return nil, err
	}
	if r, ok := m.(*jsonrpc.Request); ok && r.IsCall() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.open[r.ID] = true
	}
	return m, nil
}

// wait returns when all calls are answered, or cannot be any more.
func (c *answeredConnection) wait(ctx context.Context) {
	for {
		c.mu.Lock()
		left := len(c.open)
		c.mu.Unlock()
		if left == 0 {
			return
		}
		select {
		case <-c.idle:
		case <-c.closed:
			return
		case <-ctx.Done():
			return
		}
	}
}

// Write notes which call an answer is for; one that could not be written is not tried again.
func (c *answeredConnection) Write(ctx context.Context, m jsonrpc.Message) error {
	err := c.Connection.Write(ctx, m)
	if r, ok := m.(*jsonrpc.Response); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.open, r.ID)
		if len(c.open) == 0 {
			select {
			case c.idle <- struct{}{}:
			default:
			}
		}
	}
	return err
}

// Close ends a wait too.
func (c *answeredConnection) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Connection.Close()
}
