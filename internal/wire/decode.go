package wire

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/api"
)

const (
	maxBody         = 1 << 20
	maxPolicyBody   = 12 << 20 // a policy may have 10,000,000 characters, and escaping makes them more
	maxDepth        = 32       // of nested values; the interface needs 5
	errRead         = "The request body could not be read."
	errNotAnObject  = "The request body is not a JSON object."
	errQueryInvalid = "The query string is not valid."
)

// MaxBody is how many bytes a request body of the operation may have.
func MaxBody(op *api.Operation) int64 {
	switch op.Name {
	case "CreateCoreNetwork", "PutCoreNetworkPolicy", "PutResourcePolicy":
		return maxPolicyBody
	}
	return maxBody
}

// ReadBody reads a body of at most limit bytes. A longer one is a RequestEntityTooLargeException, status 413; one that
// breaks off or comes too slowly is a ValidationException.
func ReadBody(r io.Reader, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, limit+1))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge), int64(len(body)) > limit:
		return nil, TooLarge(limit)
	case err != nil:
		e := cannotParse(errRead)
		e.Cause = err
		return nil, e
	}
	return body, nil
}

// TooLarge is the error of a body of more than limit bytes.
func TooLarge(limit int64) error {
	return &api.GenericError{
		Status: http.StatusRequestEntityTooLarge, Type: "RequestEntityTooLargeException",
		Message: fmt.Sprintf("The request body is larger than %d bytes.", limit),
	}
}

// Decode makes the operation's input of a request's parts and checks it against the model, then by further checks of
// single members that are not the model's. labels are those of Match. Unknown members and parameters are ignored, null is
// an absent member, of a scalar parameter given twice the first counts. An empty string is a value in the body and in the
// query; a label of the path without one is absent.
//
// What cannot be read is a ValidationException with Reason CannotParse. Violated constraints, all of them, are one in the
// words of AWS's framework, which answers before the operation looks: see [api.ViolatedConstraints]. What the further
// checks find, all of it, is one of the operation's own: see [api.InvalidFields].
func Decode(op *api.Operation, labels Labels, rawQuery string, body []byte, further ...func(api.Input) []api.FieldError) (api.Input, error) {
	in := op.NewInput()
	if op.HasBody && len(bytes.TrimSpace(body)) > 0 {
		if err := decodeBody(body, in); err != nil {
			return nil, err
		}
	}
	var violated []api.Violation
	for i, name := range op.Labels {
		violated = append(violated, in.SetLabel(name, labels[i])...)
	}
	if rawQuery != "" {
		more, err := setQuery(in, rawQuery)
		if err != nil {
			return nil, err
		}
		violated = append(violated, more...)
	}
	broken := in.Validate(api.EmptyStrings{})
	if slices.ContainsFunc(broken, func(v api.Violation) bool { return v.Null }) {
		broken = in.Validate(api.EmptyStrings{Missing: missing(op, labels, rawQuery, body)})
	}
	violated = append(violated, broken...)
	if len(violated) > 0 {
		return nil, api.ViolatedConstraints(violated[:min(len(violated), api.MaxViolations)]...)
	}
	var wrong []api.FieldError
	for _, check := range further {
		wrong = append(wrong, check(in)...)
	}
	if len(wrong) > 0 {
		return nil, api.InvalidFields(wrong[:min(len(wrong), api.MaxViolations)]...)
	}
	return in, nil
}

// missing finds the required members that labels, query and body do not have, not even as empty strings. They are decoded once more,
// without an error as they were before, with other strings in place of the empty ones: what is still missing was not sent. These are
// the first ones, but as many as can be among the first violations.
func missing(op *api.Operation, labels Labels, rawQuery string, body []byte) map[string]bool {
	in := op.NewInput()
	for i, name := range op.Labels {
		in.SetLabel(name, labels[i])
	}
	if op.HasBody {
		_ = json.Unmarshal(body, in, noEmptyStrings, jsontext.AllowDuplicateNames(true)) // there are none
	}
	query, _ := url.ParseQuery(rawQuery)
	for name, values := range query {
		in.SetQuery(name, []string{cmp.Or(values[0], notEmpty)})
	}
	fields := map[string]bool{}
	for _, v := range in.Validate(api.EmptyStrings{Only: true}) {
		fields[v.Field] = true
	}
	return fields
}

const notEmpty = "x"

var noEmptyStrings = json.WithUnmarshalers(json.JoinUnmarshalers(
	json.UnmarshalFromFunc(func(dec *jsontext.Decoder, v *string) error {
		if dec.PeekKind() != '"' {
			return errors.ErrUnsupported
		}
		token, err := dec.ReadToken()
		if err == nil {
			*v = cmp.Or(token.String(), notEmpty)
		}
		return err
	}),
	wholeNumbers,
))

// param is a parameter of the query string with its values in their order.
type param struct {
	name   string
	values []string
}

// setQuery sets the members that the query string holds, in the order of their names.
func setQuery(in api.Input, rawQuery string) ([]api.Violation, error) {
	var room [4]param
	params := room[:0]
	for rest, more := rawQuery, true; more; {
		var pair string
		if pair, rest, more = strings.Cut(rest, "&"); pair == "" {
			continue
		}
		name, value, err := unescapePair(pair)
		if err != nil {
			return nil, cannotParse(errQueryInvalid)
		}
		if i := slices.IndexFunc(params, func(p param) bool { return p.name == name }); i >= 0 {
			params[i].values = append(params[i].values, value)
			continue
		}
		if len(params) == maxParams {
			return nil, cannotParse(errQueryInvalid)
		}
		params = append(params, param{name, []string{value}})
		for i := len(params) - 1; i > 0 && params[i].name < params[i-1].name; i-- { // in order, without allocating
			params[i], params[i-1] = params[i-1], params[i]
		}
	}
	var violated []api.Violation
	for _, p := range params {
		violated = append(violated, in.SetQuery(p.name, p.values)...)
	}
	return violated, nil
}

// maxParams is far more than any operation has; the clients' own, of signatures, are among them.
const maxParams = 100

func unescapePair(pair string) (name, value string, err error) {
	if strings.IndexByte(pair, ';') >= 0 {
		return "", "", errors.New("a semicolon separates nothing")
	}
	name, value, _ = strings.Cut(pair, "=")
	if name, err = url.QueryUnescape(name); err != nil {
		return "", "", err
	}
	if value, err = url.QueryUnescape(value); err == nil && !isText(value) {
		err = errors.New("not text")
	}
	return name, value, err
}

func decodeBody(body []byte, in api.Input) error {
	nulls, err := scan(body)
	if err != nil {
		return err
	}
	rules := integers
	if nulls {
		rules = integersAndNulls
	}
	err = json.Unmarshal(body, in, rules)
	if err == nil {
		return nil
	}
	var wrong *wrongValue
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &wrong):
		return cannotParse(fmt.Sprintf("The request body has a wrong value: %s expected, %s found at %.200s.", wrong.want, wrong.got, string(wrong.at)))
	case errors.As(err, &syntax):
		return cannotParse("The request body is not valid JSON: " + reason(syntax.Err) + place(syntax.JSONPointer, syntax.ByteOffset) + ".")
	case errors.As(err, &semantic) && semantic.JSONPointer == "":
		return cannotParse(errNotAnObject)
	case errors.As(err, &semantic):
		return cannotParse(fmt.Sprintf("The request body has a wrong value: %s expected, %s found%s.",
			kindName(semantic.GoType), jsonKind(semantic.JSONKind), place(semantic.JSONPointer, semantic.ByteOffset)))
	default:
		return cannotParse("The request body is not valid JSON.")
	}
}

func reason(err error) string {
	if err == nil {
		return "syntax error"
	}
	return strings.TrimPrefix(err.Error(), "jsontext: ")
}

func place(p jsontext.Pointer, offset int64) string {
	if p == "" {
		return fmt.Sprintf(" at byte %d", offset)
	}
	return fmt.Sprintf(" at %.200s (byte %d)", string(p), offset)
}

func kindName(t reflect.Type) string {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return "another type"
	}
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Int32, reflect.Int64:
		return "integer"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice:
		return "array"
	default:
		return "object"
	}
}

func jsonKind(k jsontext.Kind) string {
	switch k {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case '0':
		return "number"
	case 't', 'f':
		return "boolean"
	default:
		return "another value"
	}
}
