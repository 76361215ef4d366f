package otlp

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"portolan/internal/order"
)

// scope is the name of the tracer.
const scope = "portolan"

// Tracer makes spans and sends them in batches.
type Tracer struct {
	exporter *Exporter
	resource []Attribute
	sample   sampler
	report   func(what string, err error)

	queue   chan *Span
	batch   int
	delay   time.Duration
	timeout time.Duration // of sending one batch, with all tries
}

// NewTracer has its exporter, resource, sampler and batches from the OTEL variables that env has. version is that of this
// program; report is told of spans that were not sent, and of variables that are ignored: OpenTelemetry wants no program to
// stop for the form of one.
func NewTracer(env func(name string) string, version string, report func(what string, err error)) (t *Tracer, err error) {
	t = &Tracer{report: report}
	if t.exporter, err = New(env); err != nil {
		return nil, err
	}
	if t.resource, err = resourceOf(env, version); err != nil {
		return nil, err
	}
	const ignored = "a variable of OpenTelemetry is ignored"
	if t.sample, err = samplerOf(env("OTEL_TRACES_SAMPLER"), env("OTEL_TRACES_SAMPLER_ARG")); err != nil {
		report(ignored, err)
		t.sample, _ = samplerOf("", "")
	}
	number := func(name string, usual int) int {
		given := env(name)
		n, err := strconv.Atoi(given)
		if err == nil && n > 0 {
			return n
		}
		if given != "" {
			report(ignored, fmt.Errorf("%s: %q is no positive number", name, given))
		}
		return usual
	}
	t.queue = make(chan *Span, number("OTEL_BSP_MAX_QUEUE_SIZE", 2048))
	t.batch = min(number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512), cap(t.queue))
	t.delay = time.Duration(number("OTEL_BSP_SCHEDULE_DELAY", 5000)) * time.Millisecond
	t.timeout = time.Duration(number("OTEL_BSP_EXPORT_TIMEOUT", 30000)) * time.Millisecond
	return t, nil
}

// resourceOf is what the process is: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES, beside what is known here.
func resourceOf(env func(string) string, version string) ([]Attribute, error) {
	named := map[string]string{
		"service.name": "portolan", "telemetry.sdk.name": "portolan/internal/otlp", "telemetry.sdk.language": "go", "telemetry.sdk.version": version,
	}
	for pair := range strings.SplitSeq(env("OTEL_RESOURCE_ATTRIBUTES"), ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %q is not name=value", pair)
		}
		value = strings.TrimSpace(value)
		if plain, err := url.PathUnescape(value); err == nil {
			value = plain
		}
		named[strings.TrimSpace(key)] = value
	}
	named["service.name"] = cmp.Or(strings.TrimSpace(env("OTEL_SERVICE_NAME")), named["service.name"])
	var list []Attribute
	for key, value := range named {
		list = append(list, Text(key, value))
	}
	order.Sort(list, func(a, b Attribute) int { return strings.Compare(a.key, b.key) })
	return list, nil
}

// Begin sends spans from now on. end sends those that are left, for as long as its context lasts.
func (t *Tracer) Begin() (end func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	ending, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for last := false; !last; {
			var spans []*Span
			spans, last = t.gather(ending)
			t.send(ctx, spans)
		}
	}()
	return func(until context.Context) (err error) {
		close(ending)
		select {
		case <-ended:
		case <-until.Done():
			err = until.Err()
		}
		cancel()
		<-ended
		t.exporter.close()
		return err
	}
}

// gather waits for spans: until there are enough for a batch, or for the delay of batches. last is that no more will come.
func (t *Tracer) gather(ending <-chan struct{}) (spans []*Span, last bool) {
	due := time.NewTimer(t.delay)
	defer due.Stop()
	for len(spans) < t.batch {
		select {
		case s := <-t.queue:
			spans = append(spans, s)
		case <-due.C:
			return spans, false
		case <-ending:
			select {
			case s := <-t.queue:
				spans = append(spans, s)
			default:
				return spans, true
			}
		}
	}
	return spans, false
}

func (t *Tracer) send(ctx context.Context, spans []*Span) {
	if len(spans) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	if err := t.exporter.send(ctx, request(t.resource, spans)); err != nil {
		t.report("spans were not sent", err)
	}
}
