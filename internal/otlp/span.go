package otlp

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Span is one call that the server answered.
type Span struct {
	trace      [16]byte
	id         [8]byte
	flags      byte // of the trace context
	above      parent
	name       string
	start, end time.Time
	attributes []Attribute
	failed     bool
	reason     string // why it failed

	tracer *Tracer // nil: it is not sampled
}

// Attribute is what a span says of its call.
type Attribute struct {
	key      string
	text     string
	number   int64
	isNumber bool
}

// Text is an attribute with a text.
func Text(key, value string) Attribute { return Attribute{key: key, text: value} }

// Number is an attribute with a number.
func Number(key string, value int) Attribute {
	return Attribute{key: key, number: int64(value), isNumber: true}
}

// Set adds attributes.
func (s *Span) Set(attributes ...Attribute) { s.attributes = append(s.attributes, attributes...) }

// Fail marks the call as failed.
func (s *Span) Fail(reason string) { s.failed, s.reason = true, reason }

// End hands a sampled span to what sends it. It must not be used after that.
func (s *Span) End(at time.Time) {
	if s.tracer == nil {
		return
	}
	s.end = at
	select {
	case s.tracer.queue <- s:
	default: // the collector is slower than the calls: a span is lost and no call waits
	}
}

// Start begins the span of a request, under the caller's when its headers name one.
func (t *Tracer) Start(header http.Header, name string, at time.Time) *Span {
	s := &Span{name: name, start: at, above: parentOf(header)}
	if s.trace = s.above.trace; !s.above.valid {
		binary.NativeEndian.PutUint64(s.trace[:8], rand.Uint64())
		binary.NativeEndian.PutUint64(s.trace[8:], rand.Uint64()|1) // all zero is no id
		s.flags = random
	}
	binary.NativeEndian.PutUint64(s.id[:], rand.Uint64()|1)
	s.flags |= s.above.flags & random
	if t.sample(s.trace, s.above) {
		s.tracer = t
		s.flags |= sampled
	}
	return s
}

// Flags of a trace context.
const (
	sampled = 1 << 0
	random  = 1 << 1
)

// parent is the span of the caller, as W3C's Trace Context has it in two headers.
type parent struct {
	valid bool
	trace [16]byte
	span  [8]byte
	flags byte
	state string
}

// maxState is how much of a tracestate is passed on: what W3C says everyone should, in characters.
const maxState = 512

// parentOf is not valid where the headers name no span.
func parentOf(header http.Header) (p parent) {
	f := strings.Split(header.Get("Traceparent"), "-")
	if len(f) < 4 {
		return parent{}
	}
	var version, flags [1]byte
	ok := unhex(version[:], f[0]) && unhex(p.trace[:], f[1]) && unhex(p.span[:], f[2]) && unhex(flags[:], f[3])
	switch {
	case !ok || version[0] == 0xff || p.trace == [16]byte{} || p.span == [8]byte{}:
		return parent{}
	case version[0] == 0 && (len(f) > 4 || flags[0] > sampled|random): // later versions may have more
		return parent{}
	}
	p.valid, p.flags = true, flags[0]&(sampled|random)
	if state := header.Get("Tracestate"); len(state) <= maxState {
		p.state = state
	}
	return p
}

// unhex is false unless the text is as many bytes in lower case.
func unhex(to []byte, text string) bool {
	if len(text) != hex.EncodedLen(len(to)) || strings.ToLower(text) != text {
		return false
	}
	_, err := hex.Decode(to, []byte(text))
	return err == nil
}

// sampler decides which spans are sent.
type sampler func(trace [16]byte, above parent) bool

// samplerOf is the one that OTEL_TRACES_SAMPLER names: the caller's decision by default, and everything without a caller.
func samplerOf(name, argument string) (sampler, error) {
	name, byParent := strings.CutPrefix(strings.ToLower(strings.TrimSpace(name)), "parentbased_")
	var own sampler
	switch name {
	case "":
		own, byParent = share(1), true
	case "always_on":
		own = share(1)
	case "always_off":
		own = share(0)
	case "traceidratio":
		ratio := 1.0
		if argument = strings.TrimSpace(argument); argument != "" {
			var err error
			if ratio, err = strconv.ParseFloat(argument, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
				return nil, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG: %q is no number from 0 to 1", argument)
			}
		}
		own = share(ratio)
	default:
		return nil, fmt.Errorf("OTEL_TRACES_SAMPLER: there is no sampler %q", name)
	}
	if !byParent {
		return own, nil
	}
	return func(trace [16]byte, above parent) bool {
		if above.valid {
			return above.flags&sampled != 0
		}
		return own(trace, above)
	}, nil
}

// share takes a part of all traces, the same at every server.
func share(ratio float64) sampler {
	bound := uint64(ratio * (1 << 63))
	return func(trace [16]byte, _ parent) bool { return binary.BigEndian.Uint64(trace[8:])>>1 < bound }
}
