package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"portolan/internal/turns"
)

const (
	idleTime    = 2 * time.Minute // of a connection between two requests
	maxScrapers = 64              // connections of the metrics' own address
)

// Serve answers on l until ctx ends, then finishes the requests under way, for as long as drain allows.
func (s *Server) Serve(ctx context.Context, l net.Listener, drain time.Duration) error {
	hs := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: s.cfg.ReadTime,
		ReadTimeout:       s.cfg.ReadTime,
		WriteTimeout:      s.cfg.WriteTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    4 * s.cfg.MaxHeader, // up to here the answer is AWS's and not net/http's
		ConnContext:       inContext,
		ConnState:         stateChanged,

		DisableGeneralOptionsHandler: true, // OPTIONS * is no operation either
		ErrorLog:                     log.New(httpLog{s.cfg.Log}, "", 0),
	}
	hs.Protocols = new(http.Protocols)
	hs.Protocols.SetHTTP1(true)
	hs.RegisterOnShutdown(func() { close(s.closing) })
	l = &listener{l, s.connections()}
	if s.cfg.TLS != nil {
		l = tls.NewListener(l, s.cfg.TLS)
	}
	failed := make(chan error, 1)
	go func() { failed <- hs.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.SetReady(false)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := hs.Shutdown(stop); err != nil {
		_ = hs.Close()
		return fmt.Errorf("requests were still under way after %s: %w", drain, err)
	}
	return nil
}

// connections is an empty list for those of [Server.Serve].
func (s *Server) connections() *connections {
	all := &connections{limit: s.cfg.MaxConnections, most: s.cfg.MaxHeld}
	if s.cfg.TLS != nil {
		all.handshakes = &handshakes{free: turns.AtATime()}
	}
	return all
}

// ServeMetrics serves /metrics alone on l until ctx ends, to requests that name the server by one of the hosts.
func (s *Server) ServeMetrics(ctx context.Context, l net.Listener, hosts *Hosts) error {
	metrics := http.NewServeMux()
	metrics.HandleFunc("GET /metrics", s.metrics.serve)
	hs := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !hosts.has(r.Host) {
				http.Error(w, misdirected(r.Host).Error(), http.StatusMisdirectedRequest)
				return
			}
			metrics.ServeHTTP(w, r)
		}),
		ReadTimeout: s.cfg.ReadTime, WriteTimeout: s.cfg.WriteTime, IdleTimeout: idleTime,
		ErrorLog: log.New(httpLog{s.cfg.Log}, "", 0),
	}
	stop := context.AfterFunc(ctx, func() { _ = hs.Close() })
	defer stop()
	if err := hs.Serve(&listener{l, &connections{limit: maxScrapers, most: s.cfg.MaxHeld}}); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// httpLog takes what net/http has to say. What is wrong with the handshake of a client is for who looks for it: anybody may send such, as
// often as they like.
type httpLog struct{ log *slog.Logger }

// Write logs a line.
func (l httpLog) Write(line []byte) (int, error) {
	level := slog.LevelWarn
	if bytes.HasPrefix(line, []byte("http: TLS handshake error")) {
		level = slog.LevelDebug
	}
	l.log.Log(context.Background(), level, string(bytes.TrimSpace(line)))
	return len(line), nil
}
