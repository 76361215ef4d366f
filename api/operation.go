// Package api is the interface of AWS Network Manager, version 2019-07-05: its types, constraints, exceptions and
// operations. All but a few small files are generated from the service model. It knows no transport and no behaviour,
// and imports the standard library only.
package api

//go:generate go run portolan/internal/apigen

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// Operation is one row of the interface. Everything that is the same for all operations hangs off it.
type Operation struct {
	Name   string
	Method string
	Path   string   // as in the model: "/sites/{siteId}"
	Labels []string // names of the path's labels, in order

	HasBody     bool // has members that are in neither path nor query
	ClientToken bool // takes an idempotency token
	ReadOnly    bool
	Idempotent  bool // repeating it changes nothing more: reads, deletes, updates, and what takes a token

	Action        string // IAM: "networkmanager:" and the name
	Access        string // IAM access level: Read, List, Write, Tagging or Permissions management
	Resources     []Resource
	ConditionKeys []string // the service's own; tag keys are not listed

	Paginator *Paginator // nil when the operation answers in one piece
	Errors    []string   // modelled exceptions

	NewInput func() Input
	Call     func(ctx context.Context, s Service, in Input) (Output, error)
}

// Resource is a resource type an IAM statement can, or must, name for an operation.
type Resource struct {
	Type     string
	Required bool
}

// Paginator tells which list of the output is cut into pages.
type Paginator struct{ ResultKey string }

// Input is what an operation takes. The body's members are set by decoding JSON into it.
type Input interface {
	SetLabel(name, value string) []Violation
	SetQuery(name string, values []string) []Violation
	Validate(empty EmptyStrings) []Violation
}

// Output is what an operation answers.
type Output interface {
	AppendJSON(b []byte) []byte
}

// Element is an element of the list that an output holds. Where nobody looks at the members, because [Caller.EncodeOnly]
// says that the output is going to be encoded and nothing else, its encoded form is enough. One element may stand for many: the
// texts are written with commas between them.
type Element interface {
	Output
	SetEncoded(texts *[]string)
}

// ClientTokener is an input that carries an idempotency token.
type ClientTokener interface{ GetClientToken() string }

// OperationByName finds a row by its name, nil when there is none.
func OperationByName(name string) *Operation {
	i, ok := slices.BinarySearchFunc(Operations, name, func(op Operation, name string) int { return strings.Compare(op.Name, name) })
	if !ok {
		return nil
	}
	return &Operations[i]
}

// output keeps a nil *O from becoming a non-nil Output.
func output[O any, P interface {
	*O
	Output
}](out P, err error) (Output, error) {
	if err != nil {
		return nil, err
	}
	return out, nil
}

func notImplemented(operation string) error {
	return &GenericError{Status: http.StatusNotImplemented, Type: "NotImplementedException", Message: operation + " is not implemented."}
}
