package main

import (
	"cmp"
	"os"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// model is the interface facts as they are written down in model/.
type model struct {
	Operations map[string]*operation `json:"operations"`
	Shapes     map[string]*shape     `json:"shapes"`
	Pagination map[string]struct {
		ResultKey string `json:"result_key"`
	} `json:"pagination"`
}

type operation struct {
	HTTP struct {
		Method     string `json:"method"`
		RequestURI string `json:"requestUri"`
	} `json:"http"`
	Input  string   `json:"input"`
	Output string   `json:"output"`
	Errors []string `json:"errors"`
}

type shape struct {
	Type      string   `json:"type"`
	Required  []string `json:"required"`
	Members   members  `json:"members"`
	Member    *ref     `json:"member"`
	Key       *ref     `json:"key"`
	Value     *ref     `json:"value"`
	Min       *int     `json:"min"`
	Max       *int     `json:"max"`
	Pattern   string   `json:"pattern"`
	Enum      []string `json:"enum"`
	Exception bool     `json:"exception"`
	Error     struct {
		Status int `json:"httpStatusCode"`
	} `json:"error"`

	name     string
	inInput  bool // reachable from an operation's input
	inOutput bool
	isInput  bool // itself what an operation takes
	isOutput bool
}

type ref struct {
	Shape            string `json:"shape"`
	Location         string `json:"location"`
	LocationName     string `json:"locationName"`
	IdempotencyToken bool   `json:"idempotencyToken"`
}

type member struct {
	Name string
	ref
}

// members keeps the order of the model, in which members are encoded.
type members []member

func (m *members) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		var e member
		if err := json.UnmarshalDecode(dec, &e.Name); err != nil {
			return err
		}
		if err := json.UnmarshalDecode(dec, &e.ref); err != nil {
			return err
		}
		*m = append(*m, e)
	}
	_, err := dec.ReadToken()
	return err
}

func readModel(path string) (*model, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var m model
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, err
	}
	for name, s := range m.Shapes {
		s.name = name
	}
	for _, op := range m.Operations {
		m.Shapes[op.Input].isInput, m.Shapes[op.Output].isOutput = true, true
		m.reach(op.Input, func(s *shape) *bool { return &s.inInput })
		m.reach(op.Output, func(s *shape) *bool { return &s.inOutput })
	}
	return &m, nil
}

func (m *model) reach(name string, mark func(*shape) *bool) {
	s := m.Shapes[name]
	if *mark(s) {
		return
	}
	*mark(s) = true
	for _, member := range s.Members {
		m.reach(member.Shape, mark)
	}
	for _, r := range []*ref{s.Member, s.Key, s.Value} {
		if r != nil {
			m.reach(r.Shape, mark)
		}
	}
}

// operationNames are in the order of the alphabet.
func (m *model) operationNames() []string { return sortedKeys(m.Operations) }

// structures are those of the shapes that become Go structs, in the order of the alphabet.
func (m *model) structures() []*shape {
	var list []*shape
	for _, s := range m.Shapes {
		if s.Type == "structure" {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *shape) int { return cmp.Compare(a.goName(), b.goName()) })
	return list
}

func (m *model) enums() []*shape {
	var list []*shape
	for _, name := range sortedKeys(m.Shapes) {
		if s := m.Shapes[name]; s.Type == "string" && len(s.Enum) > 0 {
			list = append(list, s)
		}
	}
	return list
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// goName is the Go type of a structure or enum. What operations take and answer are inputs and outputs, as in the SDKs.
func (s *shape) goName() string {
	switch {
	case s.isInput:
		return strings.TrimSuffix(s.name, "Request") + "Input"
	case s.isOutput:
		return strings.TrimSuffix(s.name, "Response") + "Output"
	}
	return s.name
}

func (s *shape) required(member string) bool { return slices.Contains(s.Required, member) }

// goType is the type of a value of the shape.
func (m *model) goType(name string) string {
	switch s := m.Shapes[name]; s.Type {
	case "string":
		if len(s.Enum) > 0 {
			return s.goName()
		}
		return "string"
	case "integer":
		return "int32"
	case "long":
		return "int64"
	case "boolean":
		return "bool"
	case "timestamp":
		return "Time"
	case "list":
		return "[]" + m.goType(s.Member.Shape)
	case "map":
		return "map[" + m.goType(s.Key.Shape) + "]" + m.goType(s.Value.Shape)
	default:
		return s.goName()
	}
}

// isPointer tells whether a member is a pointer. In what clients send, absent and empty differ; what the server alone
// writes has no empty strings, but zeros that mean something.
func (m *model) isPointer(s *shape, member member) bool {
	switch m.Shapes[member.Shape].Type {
	case "list", "map", "timestamp":
		return false
	case "structure":
		return true
	case "string":
		return s.inInput && !s.required(member.Name)
	default:
		return member.Location != "uri" // the path always has one
	}
}

func (m *model) memberType(s *shape, member member) string {
	t := m.goType(member.Shape)
	if m.isPointer(s, member) {
		return "*" + t
	}
	return t
}

// lowerCamel is the name of a member in a ValidationException.
func lowerCamel(name string) string {
	runes := []rune(name)
	for i := range runes {
		if i > 0 && (i+1 < len(runes) && unicode.IsLower(runes[i+1]) || !unicode.IsUpper(runes[i])) {
			break
		}
		runes[i] = unicode.ToLower(runes[i])
	}
	return string(runes)
}

// constant is an enum value in Go camel case: PENDING_TAG_ACCEPTANCE is PendingTagAcceptance, dx-gateway DxGateway.
func constant(value string) string {
	var b strings.Builder
	for _, part := range strings.FieldsFunc(value, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if part == strings.ToUpper(part) {
			part = strings.ToLower(part)
		}
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}
