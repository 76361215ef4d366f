package api

import (
	"strconv"
	"strings"
)

// Exception is an error a client may see: a type, a status and a JSON body. The generated exceptions of the model
// implement it, and so does [GenericError] for what the front door answers outside the model.
type Exception interface {
	error
	ErrorType() string // the value of x-amzn-ErrorType
	HTTPStatus() int
	AppendJSON(b []byte) []byte
}

// RetryAfterer is an exception that sets the Retry-After header. Zero seconds means no header.
type RetryAfterer interface {
	RetryAfter() int
}

// GenericError is an error outside the service's model, as AWS's common front end sends it. Its body spells
// "message" in lower case.
type GenericError struct {
	Status            int
	Type              string
	Message           string
	RetryAfterSeconds int   // 0: no header
	Cause             error // for the log, never for the client
}

func (e *GenericError) Error() string     { return e.Type + ": " + e.Message }
func (e *GenericError) Unwrap() error     { return e.Cause }
func (e *GenericError) ErrorType() string { return e.Type }
func (e *GenericError) HTTPStatus() int   { return e.Status }
func (e *GenericError) RetryAfter() int   { return e.RetryAfterSeconds }

// AppendJSON appends the body {"message": …}.
func (e *GenericError) AppendJSON(b []byte) []byte {
	b = append(b, `{"message":`...)
	b = AppendString(b, e.Message)
	return append(b, '}')
}

// ViolatedConstraints is the ValidationException of AWS's framework, which looks at an input before any operation does:
// every violation is a sentence of the message, every field is named once. list is not empty.
func ViolatedConstraints(list ...Violation) *ValidationException {
	e := &ValidationException{Reason: ValidationExceptionReasonFieldValidationFailed}
	var text strings.Builder
	text.WriteString(strconv.Itoa(len(list)) + " validation error")
	if len(list) > 1 {
		text.WriteByte('s')
	}
	text.WriteString(" detected: ")
	named := make(map[string]bool, len(list))
	for i, v := range list {
		if i > 0 {
			text.WriteString("; ")
		}
		text.WriteString("Value ")
		if v.Null {
			text.WriteString("null ")
		}
		text.WriteString("at '" + v.Path + "' failed to satisfy constraint: " + v.Constraint)
		if !named[v.Field] {
			named[v.Field] = true
			e.Fields = append(e.Fields, FieldError{Name: v.Field, Message: v.Constraint + "."})
		}
	}
	e.Message = text.String()
	return e
}

// FieldError is what a check of an operation found wrong with one member of an input: Name is the member's lower-camel
// path as AWS writes it ("globalNetworkId", "tags[0].key").
type FieldError = ValidationExceptionField

// InvalidFields is AWS's field-style ValidationException: "Incorrect input." with an entry per field.
func InvalidFields(fields ...FieldError) *ValidationException {
	return &ValidationException{Message: "Incorrect input.", Reason: ValidationExceptionReasonFieldValidationFailed, Fields: fields}
}

// InvalidField is [InvalidFields] for a single field.
func InvalidField(name, message string) *ValidationException {
	return InvalidFields(FieldError{Name: name, Message: message})
}

// BrokenRule is AWS's rule-style ValidationException: a sentence, Reason Other, no fields.
func BrokenRule(message string) *ValidationException {
	return &ValidationException{Message: message, Reason: ValidationExceptionReasonOther}
}

// NotFound is AWS's ResourceNotFoundException for the id as the caller passed it.
func NotFound(resourceType, id string) *ResourceNotFoundException {
	return &ResourceNotFoundException{Message: "Resource not found.", ResourceId: id, ResourceType: resourceType}
}

// Conflict is AWS's ConflictException about one resource.
func Conflict(resourceType, id, message string) *ConflictException {
	return &ConflictException{Message: message, ResourceId: id, ResourceType: resourceType}
}

// QuotaExceeded is AWS's ServiceQuotaExceededException; code is the Service Quotas code, such as "L-C3B5632D".
func QuotaExceeded(resourceType, id, code string, limit int) *ServiceQuotaExceededException {
	return &ServiceQuotaExceededException{
		Message:      "The maximum number of " + resourceType + " resources has been reached: " + strconv.Itoa(limit) + ".",
		ResourceId:   id,
		ResourceType: resourceType,
		LimitCode:    code,
		ServiceCode:  "networkmanager",
	}
}

// Internal hides cause from the client behind InternalServerException and keeps it for the log.
func Internal(cause error) *InternalServerException {
	return &InternalServerException{Message: "An internal error occurred.", Cause: cause}
}
