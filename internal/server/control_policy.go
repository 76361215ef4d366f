package server

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/api"
	"portolan/internal/analysis"
	"portolan/internal/turns"
	"portolan/policy"
	"portolan/policy/lint"
	"portolan/policy/source"
)

const policyForm = "A policy document, or any form of one that portolan policy check reads."

// policyRoutes are calls about policy documents. They look at what they are sent; nothing is stored.
func policyRoutes() []route {
	return []route{
		{
			method: "POST", path: "/_portolan/policy/check", name: "policyCheck", summary: "What AWS would refuse in a policy, with line and column.", body: policyForm, types: []string{jsonType}, who: owners,
			serve: func(s *Server, w http.ResponseWriter, r *http.Request) { s.policy(w, r, s.policyCheck) },
		},
		{
			method: "POST", path: "/_portolan/policy/lint", name: "policyLint", summary: "Advice on a valid policy; of one that is not valid, its errors.", body: policyForm, types: []string{jsonType}, who: owners,
			params: []parameter{{"core-network", "Takes the edges and attachments of this core network into account."}},
			serve:  func(s *Server, w http.ResponseWriter, r *http.Request) { s.policy(w, r, s.policyLint) },
		},
		{
			method: "POST", path: "/_portolan/policy/explain", name: "policyExplain", summary: "Which attachment-policy rule associates an attachment that need not exist.", types: []string{jsonType}, who: owners,
			body:  "policy, a document or its text, and attachment with type, edges, tags, account and resourceId.",
			serve: func(s *Server, w http.ResponseWriter, r *http.Request) { s.policy(w, r, s.policyExplain) },
		},
		{
			method: "POST", path: "/_portolan/policy/diff", name: "policyDiff", summary: "What differs between two policies by what they mean: the change set from one to the other.", types: []string{jsonType}, who: owners,
			body:  "from and to, each a document or its text.",
			serve: func(s *Server, w http.ResponseWriter, r *http.Request) { s.policy(w, r, s.policyDiff) },
		},
		{
			method: "POST", path: "/_portolan/policy/format", name: "policyFormat", summary: "A policy as portolan policy fmt writes it.", body: policyForm, types: []string{jsonType}, who: owners,
			serve: func(s *Server, w http.ResponseWriter, r *http.Request) { s.policy(w, r, s.policyFormat) },
		},
		{
			method: "GET", path: "/_portolan/policy/schema", name: "policySchema", summary: "The JSON Schema of policy documents, for editors.", types: []string{jsonType}, who: anybody,
			params: []parameter{{"version", "2021.12 or 2025.11; without it both."}},
			serve:  (*Server).policySchema,
		},
	}
}

// policySchema is GET /_portolan/policy/schema.
func (s *Server) policySchema(w http.ResponseWriter, r *http.Request) {
	version := r.URL.Query().Get("version")
	if made := s.schemas[version]; made != nil {
		writeWhole(w, r, jsonType, made())
		return
	}
	_, err := policy.DocumentSchema(version)
	s.refuse(w, r, s.ids.next(), api.InvalidField("version", sentence(err)))
}

// policySchemas makes the schemas by version, each when it is asked for the first time.
func policySchemas() map[string]func() []byte {
	all := map[string]func() []byte{}
	for _, version := range []string{"", policy.Version2021, policy.Version2025} {
		all[version] = sync.OnceValue(func() []byte {
			schema, err := policy.DocumentSchema(version)
			if err != nil {
				panic(err) // the version is known
			}
			text, err := schema.JSONSchema()
			if err != nil {
				panic(err) // structs of texts
			}
			return text
		})
	}
	return all
}

// policy answers a call about what it is sent, in a turn of its account. One about a text as people write them does not wait for
// the account's plan of an earlier text.
func (s *Server) policy(w http.ResponseWriter, r *http.Request, do func(ctx context.Context, r *http.Request, body []byte) (any, error)) {
	s.asked(w, r, jsonType, func(ctx context.Context, body []byte) ([]byte, error) {
		kind := turns.Text
		if len(body) > heavyBody {
			kind = turns.Question
		}
		return s.inTurn(ctx, kind, func(ctx context.Context) ([]byte, error) {
			answer, err := do(ctx, r, body)
			if err != nil {
				return nil, questionFault(err)
			}
			return json.Marshal(answer, json.Deterministic(true))
		})
	})
}

// policyFindings is what is said about a policy.
type policyFindings struct {
	Valid    bool            `json:"valid"`
	Findings []policyFinding `json:"findings"`
}

// policyFinding is one error or one piece of advice.
type policyFinding struct {
	Rule    string `json:"rule"`  // an error code, or the name of a lint rule
	Level   string `json:"level"` // error, warning, note
	Message string `json:"message"`
	Path    string `json:"path,omitempty"`
	Line    int    `json:"line"`   // from 1; 0: no place
	Column  int    `json:"column"` // from 1, in bytes
	Hint    string `json:"hint,omitempty"`
	Refused bool   `json:"refused"` // AWS does not take the document
}

func refusedBy(errs policy.Errors) *policyFindings {
	list := make([]policyFinding, len(errs))
	for i, e := range errs {
		list[i] = policyFinding{Rule: e.Code, Level: string(lint.SeverityError), Message: e.Message, Path: e.Path, Line: e.Line, Column: e.Column, Hint: e.Hint, Refused: true}
	}
	return &policyFindings{Valid: len(errs) == 0, Findings: list}
}

// parsePolicy reads a policy in any form.
func parsePolicy(body []byte) (*policy.Document, policy.Errors, error) {
	p, err := source.ReadOne("", body)
	if err != nil {
		return nil, nil, &analysis.QuestionError{Field: "policy", Err: err}
	}
	doc, errs := p.Parse()
	return doc, errs, nil
}

func (s *Server) policyCheck(_ context.Context, _ *http.Request, body []byte) (any, error) {
	doc, errs, err := parsePolicy(body)
	if err != nil {
		return nil, err
	}
	if len(errs) == 0 {
		errs = policy.Check(doc)
	}
	if len(errs) == 0 {
		_, errs = policy.Compile(doc, nil)
	}
	return refusedBy(errs), nil
}

func (s *Server) policyLint(ctx context.Context, r *http.Request, body []byte) (any, error) {
	doc, errs, err := parsePolicy(body)
	if err != nil || len(errs) > 0 {
		return refusedBy(errs), err
	}
	facts, err := s.facts(ctx, r.URL.Query().Get("core-network"))
	if err != nil {
		return nil, err
	}
	advice, err := lint.Run(doc, facts, lint.Options{})
	var refused policy.Errors
	if errors.As(err, &refused) {
		return refusedBy(refused), nil
	}
	if err != nil {
		return nil, err
	}
	list := make([]policyFinding, len(advice))
	for i := range advice {
		a := &advice[i]
		list[i] = policyFinding{Rule: a.Rule, Level: string(a.Severity), Message: a.Message, Path: a.Path, Line: a.Line, Column: a.Column, Hint: a.Hint}
	}
	return &policyFindings{Valid: true, Findings: list}, nil
}

// facts is what is known of a core network; "" is none.
func (s *Server) facts(ctx context.Context, coreNetwork string) (*lint.Facts, error) {
	if coreNetwork == "" {
		return nil, nil
	}
	edges, attached, err := s.cfg.Service.Attached(ctx, coreNetwork)
	return &lint.Facts{Edges: edges, Attachments: attached}, err
}

// compiled reads and compiles a policy of a request's body.
func compiled(field string, text jsontext.Value) (*policy.Policy, error) {
	document := []byte(text)
	if text.Kind() == '"' {
		var inside string
		if err := json.Unmarshal(text, &inside); err != nil {
			return nil, &analysis.QuestionError{Field: field, Err: err}
		}
		document = []byte(inside)
	}
	doc, errs, err := parsePolicy(document)
	if err != nil {
		return nil, err
	}
	if len(errs) == 0 {
		errs = policy.Check(doc)
	}
	if len(errs) > 0 {
		return nil, &analysis.QuestionError{Field: field, Err: errs}
	}
	p, errs := policy.Compile(doc, nil)
	if len(errs) > 0 {
		return nil, &analysis.QuestionError{Field: field, Err: errs}
	}
	return p, nil
}

// decode reads the body of a call and refuses members that it does not have.
func decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into, json.RejectUnknownMembers(true)); err != nil {
		return &api.ValidationException{Message: "The body cannot be read: " + err.Error() + ".", Reason: api.ValidationExceptionReasonCannotParse}
	}
	return nil
}

func (s *Server) policyExplain(_ context.Context, _ *http.Request, body []byte) (any, error) {
	var in struct {
		Policy     jsontext.Value `json:"policy"`
		Attachment struct {
			Type       string            `json:"type"`
			Edges      []string          `json:"edges"`
			Account    string            `json:"account"`
			ResourceID string            `json:"resourceId"`
			Tags       map[string]string `json:"tags"`
		} `json:"attachment"`
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	p, err := compiled("policy", in.Policy)
	if err != nil {
		return nil, err
	}
	a := policy.Attachment{Type: in.Attachment.Type, Edges: in.Attachment.Edges, Account: in.Attachment.Account, ResourceID: in.Attachment.ResourceID, Tags: in.Attachment.Tags}
	return analysis.Explain(p, &a, nil)
}

// policyChange is a change of a change set.
type policyChange struct {
	Action string               `json:"action"`
	Type   string               `json:"type"`
	What   string               `json:"identifier"`
	Path   string               `json:"identifierPath"`
	Edges  []string             `json:"edges,omitempty"`
	Before *policy.ChangeValues `json:"before,omitempty"`
	After  *policy.ChangeValues `json:"after,omitempty"`
}

func (s *Server) policyDiff(_ context.Context, _ *http.Request, body []byte) (any, error) {
	var in struct {
		From jsontext.Value `json:"from"`
		To   jsontext.Value `json:"to"`
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	from, err := compiled("from", in.From)
	if err != nil {
		return nil, err
	}
	to, err := compiled("to", in.To)
	if err != nil {
		return nil, err
	}
	list := []policyChange{}
	for _, c := range policy.Diff(from, to) {
		list = append(list, policyChange{string(c.Action), string(c.Type), c.Identifier, c.IdentifierPath, c.Edges, c.Previous, c.New})
	}
	return map[string]any{"changes": list}, nil
}

func (s *Server) policyFormat(_ context.Context, _ *http.Request, body []byte) (any, error) {
	doc, errs, err := parsePolicy(body)
	if err != nil {
		return nil, err
	}
	if len(errs) > 0 {
		return nil, &analysis.QuestionError{Field: "policy", Err: errs}
	}
	return map[string]any{"document": string(bytes.TrimSpace(policy.Format(doc)))}, nil
}
