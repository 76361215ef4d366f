package otlp

import (
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// The numbers of fields are those of opentelemetry-proto: collector/trace/v1, trace/v1, resource/v1 and common/v1.

// request is an ExportTraceServiceRequest: spans of one resource and one tracer.
func request(resource []Attribute, spans []*Span) []byte {
	var attributes []byte
	for _, a := range resource {
		attributes = message(attributes, 1, a.encoded())
	}
	scoped := message(nil, 1, text(nil, 1, scope))
	for _, s := range spans {
		scoped = message(scoped, 2, s.encoded())
	}
	return message(nil, 1, message(message(nil, 1, attributes), 2, scoped))
}

// Flags of a span beside those of the trace context.
const (
	tellsRemote  = 1 << 8
	parentRemote = 1 << 9
)

const kindServer = 2

func (s *Span) encoded() []byte {
	b := message(message(nil, 1, s.trace[:]), 2, s.id[:])
	b = text(b, 3, s.above.state)
	flags := uint32(s.flags) | tellsRemote
	if s.above.valid {
		b = message(b, 4, s.above.span[:])
		flags |= parentRemote
	}
	b = text(b, 5, s.name)
	b = number(b, 6, kindServer)
	b = protowire.AppendFixed64(protowire.AppendTag(b, 7, protowire.Fixed64Type), uint64(s.start.UnixNano()))
	b = protowire.AppendFixed64(protowire.AppendTag(b, 8, protowire.Fixed64Type), uint64(s.end.UnixNano()))
	for _, a := range s.attributes {
		b = message(b, 9, a.encoded())
	}
	var status []byte
	if s.failed {
		status = number(text(nil, 2, s.reason), 3, 2)
	}
	b = message(b, 15, status)
	b = protowire.AppendTag(b, 16, protowire.Fixed32Type)
	return binary.LittleEndian.AppendUint32(b, flags)
}

// encoded is a KeyValue, in which a zero is written too: it says of which type it is.
func (a Attribute) encoded() []byte {
	var value []byte
	switch {
	case a.isNumber:
		value = protowire.AppendVarint(protowire.AppendTag(nil, 3, protowire.VarintType), uint64(a.number))
	default:
		value = protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), a.text)
	}
	return message(text(nil, 1, a.key), 2, value)
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
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), n)
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
