package member

import (
	"context"
	"log/slog"

	"go.uber.org/zap/zapcore"
)

// toSlog passes on what etcd warns of. What it says otherwise is of no use to those who run a server.
type toSlog struct{ handler slog.Handler }

// Enabled leaves out what is below a warning.
func (l toSlog) Enabled(level zapcore.Level) bool {
	return level >= zapcore.WarnLevel && l.handler.Enabled(context.Background(), slogLevel(level))
}

// With keeps fields for all that follows.
func (l toSlog) With(fields []zapcore.Field) zapcore.Core {
	return toSlog{l.handler.WithAttrs(attrs(fields))}
}

// Check adds the core to those that write the entry.
func (l toSlog) Check(e zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if l.Enabled(e.Level) {
		return to.AddCore(e, l)
	}
	return to
}

// Write passes an entry on.
func (l toSlog) Write(e zapcore.Entry, fields []zapcore.Field) error {
	r := slog.NewRecord(e.Time, slogLevel(e.Level), "etcd: "+e.Message, 0)
	r.AddAttrs(attrs(fields)...)
	return l.handler.Handle(context.Background(), r)
}

// Sync has nothing to do.
func (toSlog) Sync() error { return nil }

func attrs(fields []zapcore.Field) []slog.Attr {
	encoder := zapcore.NewMapObjectEncoder()
	out := make([]slog.Attr, 0, len(fields))
	for _, f := range fields {
		f.AddTo(encoder)
		out = append(out, slog.Any(f.Key, encoder.Fields[f.Key]))
	}
	return out
}

func slogLevel(level zapcore.Level) slog.Level {
	if level >= zapcore.ErrorLevel {
		return slog.LevelError
	}
	return slog.LevelWarn
}
