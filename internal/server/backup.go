package server

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"portolan/api"
)

// backup sends one snapshot of everything, while calls go on.
func (s *Server) backup(w http.ResponseWriter, r *http.Request) {
	id := s.ids.next()
	err := s.operator(w, r, "")
	if err == nil && r.Header.Get("Origin") != "" {
		err = &api.AccessDeniedException{Message: "This is not possible from a web page."}
	}
	if err == nil && s.cfg.Backup == nil {
		err = &api.GenericError{Status: http.StatusNotFound, Type: "NotFoundException", Message: "This server keeps its data in memory: there is nothing to back up."}
	}
	if err != nil {
		s.refuse(w, r, id, err)
		return
	}
	begun := false
	start := s.cfg.Now()
	err = s.cfg.Backup(r.Context(), func(size int64) (io.Writer, error) {
		begun = true
		h := w.Header()
		h.Set("X-Amzn-Requestid", id)
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", `attachment; filename="portolan.db"`)
		h.Set("Content-Length", strconv.FormatInt(size, 10))
		return &slowly{w, http.NewResponseController(w), s.cfg.WriteTime}, nil
	})
	switch {
	case err == nil:
		s.cfg.Log.Info("backup", "request_id", id, "took", s.cfg.Now().Sub(start))
	case !begun:
		s.refuse(w, r, id, err)
	case r.Context().Err() != nil:
		s.cfg.Log.Info("the client of a backup went away", "request_id", id)
	default:
		s.cfg.Log.Error("a backup was broken off", "request_id", id, "error", err)
		panic(http.ErrAbortHandler) // the client must not take what it has for the whole
	}
}

// slowly gives each part of a long reply the time that a whole one has.
type slowly struct {
	w     io.Writer
	reply *http.ResponseController
	time  time.Duration
}

func (s *slowly) Write(b []byte) (int, error) {
	if err := s.reply.SetWriteDeadline(time.Now().Add(s.time)); err != nil {
		return 0, fmt.Errorf("set the time to write within: %w", err)
	}
	return s.w.Write(b)
}
