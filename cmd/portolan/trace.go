package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"portolan/internal/otlp"
)

// lastSpans is how long a collector that does not answer may hold up the end of the process.
const lastSpans = 5 * time.Second

// newTracer sends spans where the OpenTelemetry variables say; without an endpoint there is no tracer. The exporter
// has its endpoint, headers and the rest from those variables.
func newTracer(ctx context.Context, log *slog.Logger) (tracer trace.Tracer, stop func(context.Context) error, err error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return nil, func(context.Context) error { return nil }, nil
	}
	exporter, err := otlp.New(os.Getenv)
	if err != nil {
		return nil, nil, err
	}
	// The log has one form, also for what the exporter has to say.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Error("spans were not sent", "error", err) }))
	named := resource.WithAttributes(attribute.String("service.name", "portolan")) // unless OTEL_SERVICE_NAME says otherwise
	service, err := resource.New(ctx, named, resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, nil, err
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(service))
	stop = func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, lastSpans)
		defer cancel()
		return provider.Shutdown(ctx)
	}
	return provider.Tracer("portolan"), stop, nil
}
