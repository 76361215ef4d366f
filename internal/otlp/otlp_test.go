package otlp

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector answers requests one after the other and keeps them.
type collector struct {
	answers []int // statuses; 200 when there are no more
	body    string
	after   string // Retry-After
	headers []http.Header
	paths   []string
	bodies  [][]byte
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	c.headers, c.paths, c.bodies = append(c.headers, r.Header), append(c.paths, r.URL.Path), append(c.bodies, body)
	if n := len(c.bodies); n <= len(c.answers) {
		w.Header().Set("Retry-After", c.after)
		w.WriteHeader(c.answers[n-1])
	}
	_, _ = io.WriteString(w, c.body)
}

// exporterTo is an exporter to a collector, whose pauses are written down and not waited for.
func exporterTo(t *testing.T, c *collector, env map[string]string) (e *Exporter, pauses *[]time.Duration) {
	t.Helper()
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	e, err := New(func(name string) string { return strings.ReplaceAll(env[name], "URL", server.URL) })
	if err != nil {
		t.Fatal(err)
	}
	pauses = new([]time.Duration)
	e.wait = func(_ context.Context, d time.Duration) error {
		*pauses = append(*pauses, d)
		return nil
	}
	return e, pauses
}

var plainEnv = map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "URL"}

// send sends a span below one of a caller.
func send(t *testing.T, e *Exporter) error {
	t.Helper()
	byParent, err := samplerOf("", "")
	if err != nil {
		t.Fatal(err)
	}
	tracer := &Tracer{sample: byParent, queue: make(chan *Span, 1)}
	header := http.Header{"Traceparent": {"00-01000000000000000000000000000002-0300000000000004-01"}, "Tracestate": {"a=b"}}
	span := tracer.Start(header, "GetSites", time.Unix(5, 6))
	span.Set(Text("s", "é"), Number("i", -7), Number("zero", 0))
	span.Fail("ThrottlingException")
	span.End(time.Unix(7, 8))
	return e.send(t.Context(), request([]Attribute{Text("service.name", "portolan")}, []*Span{<-tracer.queue}))
}

func TestSend_asOpenTelemetryReadsThem(t *testing.T) {
	c := &collector{}
	e, _ := exporterTo(t, c, plainEnv)
	if err := send(t, e); err != nil {
		t.Fatal(err)
	}
	if len(c.bodies) != 1 || c.paths[0] != "/v1/traces" || c.headers[0].Get("Content-Type") != "application/x-protobuf" {
		t.Fatal(c.paths, c.headers)
	}
	var got tracepb.TracesData // on the wire the same as an ExportTraceServiceRequest
	if err := (proto.UnmarshalOptions{DiscardUnknown: false}).Unmarshal(c.bodies[0], &got); err != nil {
		t.Fatal(err)
	}
	of := got.ResourceSpans[0]
	if kv := of.Resource.Attributes[0]; kv.Key != "service.name" || kv.Value.GetStringValue() != "portolan" || of.ScopeSpans[0].Scope.Name != "portolan" {
		t.Error(of)
	}
	s := of.ScopeSpans[0].Spans[0]
	if string(s.TraceId) != "\x01"+strings.Repeat("\x00", 14)+"\x02" || string(s.ParentSpanId) != "\x03\x00\x00\x00\x00\x00\x00\x04" || len(s.SpanId) != 8 || s.Flags != 0x301 {
		t.Error(s)
	}
	if s.Name != "GetSites" || s.Kind != tracepb.Span_SPAN_KIND_SERVER || s.StartTimeUnixNano != 5_000_000_006 || s.EndTimeUnixNano != 7_000_000_008 {
		t.Error(s)
	}
	if s.Status.Code != tracepb.Status_STATUS_CODE_ERROR || s.Status.Message != "ThrottlingException" || len(s.Attributes) != 3 || s.TraceState != "a=b" || len(s.ProtoReflect().GetUnknown()) > 0 {
		t.Error(s)
	}
	a := s.Attributes
	if _, there := a[2].Value.Value.(*commonpb.AnyValue_IntValue); a[0].Value.GetStringValue() != "é" || a[1].Value.GetIntValue() != -7 || !there {
		t.Error(a)
	}
}

func TestSend_triesAgain(t *testing.T) {
	for name, test := range map[string]struct {
		answers []int
		after   string
		pauses  []time.Duration
		want    string // of the error
	}{
		"no room, then room": {answers: []int{429, 503}, pauses: []time.Duration{2 * time.Second, 4 * time.Second}},
		"as long as it says": {answers: []int{502}, after: "9", pauses: []time.Duration{9 * time.Second}},
		"never room": {
			answers: []int{504, 504, 504, 504, 504, 504},
			pauses:  []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second}, want: "504",
		},
		"refused": {answers: []int{401}, want: "401"},
	} {
		t.Run(name, func(t *testing.T) {
			c := &collector{answers: test.answers, after: test.after}
			e, pauses := exporterTo(t, c, plainEnv)
			err := send(t, e)
			if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
			if len(*pauses) != len(test.pauses) || len(c.bodies) != len(test.pauses)+1 {
				t.Fatalf("%d requests, pauses %v", len(c.bodies), *pauses)
			}
			for i, want := range test.pauses {
				if (*pauses)[i] != want {
					t.Errorf("pause %d is %v, want %v", i, (*pauses)[i], want)
				}
			}
		})
	}
	t.Run("the end comes first", func(t *testing.T) {
		c := &collector{answers: []int{503, 503}}
		e, _ := exporterTo(t, c, plainEnv)
		e.wait = func(context.Context, time.Duration) error { return context.Canceled }
		if err := send(t, e); err == nil || errors.Is(err, context.Canceled) || len(c.bodies) != 1 {
			t.Error(err, len(c.bodies))
		}
	})
}

func TestSend_partialSuccess(t *testing.T) {
	c := &collector{body: "\x0a\x08\x08\x02\x12\x04full"}
	e, _ := exporterTo(t, c, plainEnv)
	if err := send(t, e); err == nil || err.Error() != `the collector refused 2 spans: "full"` {
		t.Error(err)
	}
}

func TestNew_variables(t *testing.T) {
	c := &collector{}
	e, _ := exporterTo(t, c, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "URL/spans",
		"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Basic%20x, tenant=a", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "tenant=b",
		"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "150000",
	})
	if err := send(t, e); err != nil {
		t.Fatal(err)
	}
	if h := c.headers[0]; c.paths[0] != "/spans" || h.Get("Authorization") != "Basic x" || h.Get("Tenant") != "b" || h.Get("Content-Encoding") != "gzip" || e.timeout != 150*time.Second {
		t.Error(c.paths, h, e.timeout)
	}
	unpacked, err := gzip.NewReader(strings.NewReader(string(c.bodies[0])))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(unpacked); err != nil || !strings.Contains(string(text), "GetSites") {
		t.Error(err)
	}
	for name, value := range map[string]string{
		"ENDPOINT": "localhost:4318", "TIMEOUT": "1s", "HEADERS": "novalue", "CERTIFICATE": "/nowhere", "CLIENT_CERTIFICATE": "/nowhere",
	} {
		env := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318/base", "OTEL_EXPORTER_OTLP_" + name: value}
		if _, err := New(func(name string) string { return env[name] }); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}
