package mrt

import (
	"bufio"
	"context"
	"log/slog"
	"os"
	"time"

	"portolan/internal/bgp"
)

// queueLimit is how much waits to be written, in bytes, before records are lost.
const queueLimit = 64 << 20

// Recorder appends what sessions receive, and their changes of state, to a file. Its Tap is for the sessions.
type Recorder struct {
	*bgp.Tap

	path string
	log  *slog.Logger
	file *os.File
	anew chan struct{}
	long map[*bgp.Session]bool // established with AS numbers of four octets
}

// NewRecorder opens the file, which only its owner can read.
func NewRecorder(path string, log *slog.Logger) (*Recorder, error) {
	r := &Recorder{Tap: bgp.NewTap(queueLimit), path: path, log: log, anew: make(chan struct{}, 1), long: map[*bgp.Session]bool{}}
	return r, r.open()
}

func (r *Recorder) open() (err error) {
	r.file, err = os.OpenFile(r.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return err
}

// Reopen makes the recorder open its file again, which somebody has moved.
func (r *Recorder) Reopen() {
	select {
	case r.anew <- struct{}{}:
	default:
	}
}

// Run writes until ctx ends. It may be called again.
func (r *Recorder) Run(ctx context.Context, sessions func() []*bgp.Session) {
	if r.file == nil {
		if err := r.open(); err != nil {
			r.log.Error("BGP: nothing is recorded", "file", r.path, "error", err)
			return
		}
	}
	for {
		select {
		case <-ctx.Done():
			r.write()
			_ = r.file.Close()
			r.file = nil
			return
		case <-r.Wake():
			r.write()
		case <-r.anew:
			r.write()
			old := r.file
			if err := r.open(); err != nil {
				r.log.Error("BGP: recording goes on in the old file", "file", r.path, "error", err)
				r.file = old
				continue
			}
			_ = old.Close()
			r.begin(sessions())
		}
	}
}

// begin writes which sessions are established where a file begins: each as a change from that state to the same.
func (r *Recorder) begin(sessions []*bgp.Session) {
	var b []byte
	for _, s := range sessions {
		if s.Info().State == bgp.Established {
			b = r.record(&bgp.Tapped{At: time.Now(), Session: s, Transition: bgp.Transition{From: bgp.Established, To: bgp.Established}}).Append(b)
		}
	}
	if _, err := r.file.Write(b); err != nil {
		r.log.Error("BGP: the states of sessions could not be recorded", "file", r.path, "error", err)
	}
}

func (r *Recorder) write() {
	list, lost := r.Take()
	out := bufio.NewWriterSize(r.file, 64<<10)
	var b []byte
	for i := range list {
		rec := r.record(&list[i])
		b = rec.Append(b[:0])
		_, _ = out.Write(b)
	}
	if err := out.Flush(); err != nil {
		r.log.Error("BGP: messages could not be recorded", "file", r.path, "records", len(list), "error", err)
	}
	if lost > 0 {
		r.log.Error("BGP: messages came faster than they could be recorded", "file", r.path, "lost", lost)
	}
}

func (r *Recorder) record(e *bgp.Tapped) *Record {
	if e.Message == nil {
		switch e.Transition.To {
		case bgp.Established:
			r.long[e.Session] = e.Session.Info().Capabilities.FourOctetAS
		default:
			delete(r.long, e.Session)
		}
	}
	p := e.Session.Peer()
	long, known := r.long[e.Session]
	return &Record{
		At: e.At, PeerAS: p.PeerAS, LocalAS: p.LocalAS, Peer: p.Remote.Addr(), Local: p.Local.Addr(), FourOctetAS: long || !known,
		Message: e.Message, From: e.Transition.From, To: e.Transition.To,
	}
}
