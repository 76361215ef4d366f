package policy

import (
	"cmp"
	"fmt"

	"portolan/internal/order"
)

// Error codes. The first group is what AWS has been seen to send; the others are ours, for rules whose code nobody has
// recorded.
const (
	CodeTypeMismatch         = "TYPE_MISMATCH"
	CodeRequiredProperty     = "REQUIRED_PROPERTY"
	CodeConstantViolation    = "CONSTANT_VIOLATION"
	CodeInvalidString        = "INVALID_STRING"
	CodeMaximumItemsExceeded = "MAXIMUM_ITEMS_EXCEEDED"
	CodeInvalidASNRange      = "INVALID_ASN_RANGE"
	CodeInvalidASNUpdate     = "INVALID_ASN_UPDATE"
	CodeOrphanedAttachment   = "ORPHANED_ATTACHMENT"
	CodeUnknownProperty      = "ADDITIONAL_PROPERTIES"
	CodeAdvancedRouting      = "ADVANCED_ROUTING_UNSUPPORTED_VERSION_2021_12"

	CodeSyntax                  = "INVALID_JSON"
	CodeTooLarge                = "DOCUMENT_TOO_LARGE"
	CodeDuplicateProperty       = "DUPLICATE_PROPERTY"
	CodeMinimumItems            = "MINIMUM_ITEMS"
	CodeOutOfRange              = "OUT_OF_RANGE"
	CodeInvalidASN              = "INVALID_ASN"
	CodeInsufficientASN         = "INSUFFICIENT_ASN"
	CodeInsufficientInsideCIDR  = "INSUFFICIENT_INSIDE_CIDR"
	CodeInvalidCIDR             = "INVALID_CIDR"
	CodeUndefinedEdgeLocation   = "UNDEFINED_EDGE_LOCATION"
	CodeUndefinedReference      = "UNDEFINED_REFERENCE"
	CodeDuplicateValue          = "DUPLICATE_VALUE"
	CodeMutuallyExclusive       = "MUTUALLY_EXCLUSIVE"
	CodeInvalidServiceInsertion = "INVALID_SERVICE_INSERTION"
	CodeInvalidDestination      = "INVALID_DESTINATION"
	CodeInvalidRoutingPolicy    = "INVALID_ROUTING_POLICY"
)

// Error is one thing that is wrong with a document: what AWS would say, and what an author needs to find it.
type Error struct {
	Code    string
	Message string // as AWS prints it: begins, with few exceptions, with the path and a colon
	Path    string // JSONPath, such as $.segments[0].name
	Line    int    // from 1; 0 when there is no place
	Column  int    // from 1, in bytes
	Hint    string // what to do about it; may be empty
	Async   bool   // AWS reports it while it generates the change set, not in the reply

	offset int
}

func (e Error) Error() string { return e.Message }

// Errors is what is wrong with a document, in document order.
type Errors []Error

// Error is the first message, and how many more there are.
func (e Errors) Error() string {
	switch len(e) {
	case 0:
		return "no errors"
	case 1:
		return e[0].Message
	default:
		return fmt.Sprintf("%s (and %d more)", e[0].Message, len(e)-1)
	}
}

// maxErrors bounds the list: nobody reads further, and a hostile document must not make it large.
const maxErrors = 1000

func (e Errors) sorted() Errors {
	order.Stable(e, func(a, b Error) int { return cmp.Compare(a.offset, b.offset) })
	if len(e) > maxErrors {
		e = e[:maxErrors]
	}
	return e
}

// collector gathers errors, and no more of them than will be returned.
type collector struct{ errs Errors }

func (c *collector) full() bool { return len(c.errs) >= maxErrors }

// fail notes an error at a place. The message goes without the path.
func (c *collector) fail(p Place, code, message, hint string) {
	if !c.full() {
		c.add(p, p.Path(), code, message, hint)
	}
}

// failChild notes an error about a member that is not there: the path is the member's, the position its parent's.
func (c *collector) failChild(p Place, member, code, message, hint string) {
	if !c.full() {
		c.add(p, p.Path()+pathStep(member), code, message, hint)
	}
}

func (c *collector) add(p Place, path, code, message, hint string) {
	line, column := p.Position()
	c.errs = append(c.errs, Error{Code: code, Message: path + ": " + message, Path: path, Line: line, Column: column, Hint: hint, offset: p.Offset()})
}
