package policy

import (
	"cmp"
	"slices"
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

	CodeSyntax                 = "INVALID_JSON"
	CodeUnknownProperty        = "UNKNOWN_PROPERTY"
	CodeDuplicateProperty      = "DUPLICATE_PROPERTY"
	CodeMinimumItems           = "MINIMUM_ITEMS"
	CodeOutOfRange             = "OUT_OF_RANGE"
	CodeInvalidASN             = "INVALID_ASN"
	CodeInsufficientASN        = "INSUFFICIENT_ASN"
	CodeInsufficientInsideCIDR = "INSUFFICIENT_INSIDE_CIDR"
	CodeInvalidCIDR            = "INVALID_CIDR"
	CodeUndefinedEdgeLocation  = "UNDEFINED_EDGE_LOCATION"
	CodeUndefinedReference     = "UNDEFINED_REFERENCE"
	CodeDuplicateValue         = "DUPLICATE_VALUE"
	CodeMutuallyExclusive      = "MUTUALLY_EXCLUSIVE"
)

// Error is one thing that is wrong with a document: what AWS would say, and what an author needs to find it.
type Error struct {
	Code    string
	Message string // begins with the path and a colon, as AWS prints it
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

func (e Errors) Error() string {
	if len(e) == 0 {
		return "no errors"
	}
	return e[0].Message
}

// maxErrors bounds the list: nobody reads further, and a hostile document must not make it large.
const maxErrors = 1000

func (e Errors) sorted() Errors {
	slices.SortStableFunc(e, func(a, b Error) int { return cmp.Compare(a.offset, b.offset) })
	if len(e) > maxErrors {
		e = e[:maxErrors]
	}
	return e
}
