package api

import (
	"context"
	"time"
)

// Caller is who a request is made for. The front door puts it in the context; operations read it with [CallerFrom].
type Caller struct {
	Account   string // 12 digits
	Partition string // "aws", "aws-us-gov" or "aws-cn": the second field of the ARNs the caller sees
	ARN       string // principal ARN, for error texts and audit; may be empty
	Operation string // that is called, for error texts; may be empty

	// EncodeOnly tells that the output is encoded and not looked at: the elements of its list may have nothing but their
	// encoded form.
	EncodeOnly bool

	// Request is the request that the caller made, for what its conditions are; nil: there is none, or nobody knows it.
	Request Request

	// May tells whether the caller may do an action of another service with a resource, such as
	// ec2:AcceptTransitGatewayPeeringAttachment. Nil: everything.
	May func(action, resource string) bool
}

// Request is a request as policies see it.
type Request interface {
	// ConditionKey is the value of an IAM condition key, in lower case, that is about who asks and how; "" where there is
	// none.
	ConditionKey(key string) string
}

type callerKey struct{}

// callerContext is a context with a caller, in one allocation.
type callerContext struct {
	context.Context
	caller Caller
}

func (c *callerContext) Value(key any) any {
	if key == (callerKey{}) {
		return &c.caller
	}
	return c.Context.Value(key)
}

// WithCaller returns a context that carries c.
func WithCaller(ctx context.Context, c Caller) context.Context { return &callerContext{ctx, c} }

// lastingContext is a callerContext that does not end.
type lastingContext struct{ callerContext }

func (*lastingContext) Deadline() (deadline time.Time, ok bool) { return deadline, false }
func (*lastingContext) Done() <-chan struct{}                   { return nil }
func (*lastingContext) Err() error                              { return nil }

// Lasting is [WithCaller] for a call that is completed whatever becomes of ctx, of which it has the values alone.
func Lasting(ctx context.Context, c Caller) context.Context {
	return &lastingContext{callerContext{ctx, c}}
}

// CallerFrom returns the caller of ctx. Without one it is the default account 000000000000 in partition aws.
func CallerFrom(ctx context.Context) Caller {
	if c, ok := ctx.Value(callerKey{}).(*Caller); ok {
		return *c
	}
	return Caller{Account: "000000000000", Partition: "aws"}
}
