package otlp

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/protobuf/encoding/protowire"
)

// The numbers of fields are those of opentelemetry-proto: collector/trace/v1, trace/v1, resource/v1 and common/v1.

// request is an ExportTraceServiceRequest: spans of one resource and one tracer.
func request(spans []sdktrace.ReadOnlySpan) []byte {
	var resource, scoped []byte
	for _, kv := range spans[0].Resource().Attributes() {
		resource = message(resource, 1, keyValue(kv))
	}
	scope := spans[0].InstrumentationScope()
	scoped = message(scoped, 1, text(text(nil, 1, scope.Name), 2, scope.Version))
	for _, s := range spans {
		scoped = message(scoped, 2, span(s))
	}
	of := message(message(nil, 1, resource), 2, scoped)
	return message(nil, 1, text(of, 3, spans[0].Resource().SchemaURL()))
}

// Flags of a span beside those of the trace context.
const (
	tellsRemote  = 1 << 8
	parentRemote = 1 << 9
)

func span(s sdktrace.ReadOnlySpan) []byte {
	context, parent := s.SpanContext(), s.Parent()
	trace, id := context.TraceID(), context.SpanID()
	b := message(message(nil, 1, trace[:]), 2, id[:])
	b = text(b, 3, context.TraceState().String())
	flags := uint32(context.TraceFlags()) | tellsRemote
	if above := parent.SpanID(); above.IsValid() {
		b = message(b, 4, above[:])
	}
	if parent.IsRemote() {
		flags |= parentRemote
	}
	b = text(b, 5, s.Name())
	b = number(b, 6, uint64(s.SpanKind()))
	b = moment(b, 7, s.StartTime())
	b = moment(b, 8, s.EndTime())
	for _, kv := range s.Attributes() {
		b = message(b, 9, keyValue(kv))
	}
	b = number(b, 10, uint64(s.DroppedAttributes()))
	b = message(b, 15, status(s.Status()))
	b = protowire.AppendTag(b, 16, protowire.Fixed32Type)
	return protowire.AppendFixed32(b, flags)
}

func status(s sdktrace.Status) []byte {
	b := text(nil, 2, s.Description)
	switch s.Code {
	case codes.Ok:
		return number(b, 3, 1)
	case codes.Error:
		return number(b, 3, 2)
	}
	return b
}

func keyValue(kv attribute.KeyValue) []byte {
	return message(text(nil, 1, string(kv.Key)), 2, value(kv.Value))
}

// value is an AnyValue, in which a zero is written too: it says of which type it is.
func value(v attribute.Value) []byte {
	switch v.Type() {
	case attribute.BOOL:
		return protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.VarintType), protowire.EncodeBool(v.AsBool()))
	case attribute.INT64:
		return protowire.AppendVarint(protowire.AppendTag(nil, 3, protowire.VarintType), uint64(v.AsInt64()))
	case attribute.FLOAT64:
		return protowire.AppendFixed64(protowire.AppendTag(nil, 4, protowire.Fixed64Type), math.Float64bits(v.AsFloat64()))
	}
	return protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), v.String())
}

func message(b []byte, field protowire.Number, inner []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), inner)
}

func text(b []byte, field protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func number(b []byte, field protowire.Number, n uint64) []byte {
	if n == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), n)
}

func moment(b []byte, field protowire.Number, t time.Time) []byte {
	b = protowire.AppendTag(b, field, protowire.Fixed64Type)
	return binary.LittleEndian.AppendUint64(b, uint64(t.UnixNano()))
}

// partial is the error in an ExportTraceServiceResponse: nil where all spans were taken, or where it says nothing that is
// understood.
func partial(answer []byte) error {
	inner := field(answer, 1)
	if rejected, reason := field(inner, 1), field(inner, 2); len(rejected) > 0 || len(reason) > 0 {
		n, _ := protowire.ConsumeVarint(rejected)
		return fmt.Errorf("the collector refused %d spans: %.200q", n, reason)
	}
	return nil
}

// field is the last value of a field: the bytes of a message or text, or a number as it is encoded.
func field(b []byte, number protowire.Number) (found []byte) {
	for len(b) > 0 {
		got, _, n := protowire.ConsumeField(b)
		if n < 0 {
			return nil
		}
		whole := b[:n]
		b = b[n:]
		if got != number {
			continue
		}
		_, kind, tag := protowire.ConsumeTag(whole)
		if found = whole[tag:]; kind == protowire.BytesType {
			found, _ = protowire.ConsumeBytes(found)
		}
	}
	return found
}
