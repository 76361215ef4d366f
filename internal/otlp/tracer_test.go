package otlp

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// TestParentOf_asOpenTelemetryReadsThem: the same headers name the same span.
func TestParentOf_asOpenTelemetryReadsThem(t *testing.T) {
	const id, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	valid := 0
	for _, text := range []string{
		"00-" + id + "-" + span + "-01", "00-" + id + "-" + span + "-00", "00-" + id + "-" + span + "-03", "00-" + id + "-" + span + "-04",
		"00-" + id + "-" + span + "-01-more", "01-" + id + "-" + span + "-01-more", "01-" + id + "-" + span + "-ff", "fe-" + id + "-" + span + "-01", "ff-" + id + "-" + span + "-01",
		"00-" + strings.ToUpper(id) + "-" + span + "-01", "00-" + id + "-" + strings.Repeat("0", 16) + "-01", "00-" + strings.Repeat("0", 32) + "-" + span + "-01",
		"00-" + id[1:] + "-" + span + "-01", "00-" + id + "-" + span, "00-" + id + "-" + span + "-1", "00-" + id + "-" + span + "-xx", "", "-", "---", "00-" + id + "g-" + span + "-01",
	} {
		header := http.Header{"Traceparent": {text}, "Tracestate": {"vendor=1,other=2"}}
		want := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(t.Context(), propagation.HeaderCarrier(header)))
		got := parentOf(header)
		if got.valid != want.IsValid() || got.trace != want.TraceID() || got.span != want.SpanID() || got.flags != byte(want.TraceFlags()) || got.state != want.TraceState().String() {
			t.Errorf("%q: got %+v, want %+v", text, got, want)
		}
		if got.valid {
			valid++
		}
	}
	if valid != 6 {
		t.Errorf("%d of them are valid", valid)
	}
}

// TestSamplerOf_decidesAsOpenTelemetry: of random traces the same ones are sampled.
func TestSamplerOf_decidesAsOpenTelemetry(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 2))
	for name, theirs := range map[string]sdktrace.Sampler{
		"": sdktrace.ParentBased(sdktrace.AlwaysSample()), "always_on": sdktrace.AlwaysSample(), "always_off": sdktrace.NeverSample(),
		"traceidratio 0.3": sdktrace.TraceIDRatioBased(0.3), "parentbased_always_on": sdktrace.ParentBased(sdktrace.AlwaysSample()),
		"parentbased_always_off": sdktrace.ParentBased(sdktrace.NeverSample()), "ParentBased_TraceIDRatio 0.7": sdktrace.ParentBased(sdktrace.TraceIDRatioBased(0.7)),
		"traceidratio": sdktrace.TraceIDRatioBased(1),
	} {
		name, argument, _ := strings.Cut(name, " ")
		ours, err := samplerOf(name, argument)
		if err != nil {
			t.Fatal(err)
		}
		for range 300 {
			above := parent{valid: draw.IntN(2) == 0, span: [8]byte{1}, flags: byte(draw.IntN(2))}
			var id trace.TraceID
			for i := range id {
				id[i] = byte(draw.Uint32())
			}
			ctx := t.Context()
			if above.valid {
				ctx = trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
					TraceID: id, SpanID: above.span, TraceFlags: trace.TraceFlags(above.flags), Remote: true,
				}))
			}
			want := theirs.ShouldSample(sdktrace.SamplingParameters{ParentContext: ctx, TraceID: id}).Decision == sdktrace.RecordAndSample
			if got := ours(id, above); got != want {
				t.Errorf("%s %s: got %t for %x below %+v", name, argument, got, id, above)
			}
		}
	}
}

// tracerTo is a tracer to a collector, and what it reported.
func tracerTo(t *testing.T, c *collector, env map[string]string) (tracer *Tracer, reported func() string) {
	t.Helper()
	e, _ := exporterTo(t, c, plainEnv)
	said := make(chan string, 100)
	all := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": e.url}
	for name, value := range env {
		all[name] = value
	}
	tracer, err := NewTracer(func(name string) string { return all[name] }, "v1", func(what string, err error) { said <- fmt.Sprint(what, ": ", err) })
	if err != nil {
		t.Fatal(err)
	}
	tracer.exporter, tracer.delay = e, time.Hour // batches are of what there is, not of when it came
	return tracer, func() string {
		close(said)
		var lines []string
		for line := range said {
			lines = append(lines, line)
		}
		return strings.Join(lines, "\n")
	}
}

// received is the names of the spans that a collector got, request by request.
func received(t *testing.T, c *collector) (names [][]string, last *tracepb.ResourceSpans) {
	t.Helper()
	for _, body := range c.bodies {
		var got tracepb.TracesData
		if err := proto.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		last = got.ResourceSpans[0]
		var some []string
		for _, s := range last.ScopeSpans[0].Spans {
			some = append(some, s.Name)
		}
		names = append(names, some)
	}
	return names, last
}

func TestTracer_batches(t *testing.T) {
	c := &collector{}
	tracer, reported := tracerTo(t, c, map[string]string{
		"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "2", "OTEL_BSP_MAX_QUEUE_SIZE": "3", "OTEL_BSP_SCHEDULE_DELAY": "x",
		"OTEL_SERVICE_NAME": "mine", "OTEL_RESOURCE_ATTRIBUTES": "service.name=other,deployment.environment.name=a%20b", "OTEL_TRACES_SAMPLER": "no_such",
	})
	for i := range 5 { // before anything is sent: two find no room
		tracer.Start(nil, fmt.Sprint(i), time.Now()).End(time.Now())
	}
	tracer.Start(http.Header{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"}}, "the caller samples nothing", time.Now()).End(time.Now())
	if err := tracer.Begin()(t.Context()); err != nil {
		t.Fatal(err)
	}
	names, of := received(t, c)
	if got := fmt.Sprint(names); got != "[[0 1] [2]]" {
		t.Error(got)
	}
	resource := map[string]string{}
	for _, a := range of.Resource.Attributes {
		resource[a.Key] = a.Value.GetStringValue()
	}
	if resource["service.name"] != "mine" || resource["deployment.environment.name"] != "a b" || resource["telemetry.sdk.version"] != "v1" {
		t.Error(resource)
	}
	if said := reported(); !strings.Contains(said, `there is no sampler "no_such"`) || !strings.Contains(said, `OTEL_BSP_SCHEDULE_DELAY: "x" is no positive number`) {
		t.Error(said)
	}
}

// TestTracer_end: a collector that wants another try holds up the end no longer than it may.
func TestTracer_end(t *testing.T) {
	c := &collector{answers: []int{503, 503, 503, 503, 503}}
	tracer, reported := tracerTo(t, c, nil)
	waits := make(chan struct{})
	tracer.exporter.wait = func(ctx context.Context, _ time.Duration) error {
		close(waits)
		<-ctx.Done()
		return ctx.Err()
	}
	end := tracer.Begin()
	tracer.Start(nil, "one", time.Now()).End(time.Now())
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-waits
		cancel()
	}()
	if err := end(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if said := reported(); !strings.Contains(said, "spans were not sent: the collector answered 503") {
		t.Error(said)
	}
}
