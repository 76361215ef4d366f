package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"portolan/internal/otlp"
)

// lastSpans is how long a collector that does not answer may hold up the end of the process.
const lastSpans = 5 * time.Second

// newTracer sends spans where the OpenTelemetry variables say; without an endpoint there is no tracer.
func newTracer(log *slog.Logger) (tracer *otlp.Tracer, stop func(context.Context) error, err error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return nil, func(context.Context) error { return nil }, nil
	}
	tracer, err = otlp.NewTracer(os.Getenv, builtFrom().Version, func(what string, err error) { log.Error(what, "error", err) })
	if err != nil {
		return nil, nil, err
	}
	end := tracer.Begin()
	return tracer, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, lastSpans)
		defer cancel()
		return end(ctx)
	}, nil
}
