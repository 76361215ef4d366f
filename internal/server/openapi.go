package server

import (
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/api"
	"portolan/internal/auth"
	"portolan/internal/turns"
)

//go:generate go test -run ^TestOpenAPI_current$ . -rewrite

// OpenAPI is the description of all control calls, OpenAPI 3.1, made from the table that requests are matched with.
func OpenAPI() []byte {
	paths := map[string]map[string]any{}
	for _, rt := range routes() {
		if paths[rt.path] == nil {
			paths[rt.path] = map[string]any{}
		}
		paths[rt.path][strings.ToLower(rt.method)] = rt.operation()
	}
	document := map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{
			"title": "Portolan control calls", "version": "1",
			"description": "What a server answers beside the AWS API. Calls are signed as those of the API are; without --credentials any signature or none is taken.",
		},
		"paths": paths,
		"components": map[string]any{
			"schemas": map[string]any{
				"Error": object(map[string]any{
					"Message": text("What is wrong."), "Reason": text("Of a ValidationException."),
					"Fields": map[string]any{"type": "array", "items": object(map[string]any{"Name": text("What of the request is wrong."), "Message": text("How.")})},
				}),
			},
			"securitySchemes": map[string]any{
				"sigv4": map[string]any{"type": "apiKey", "in": "header", "name": "Authorization", "description": "AWS Signature Version 4, service networkmanager."},
			},
		},
	}
	b, err := json.Marshal(document, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		panic(err) // maps of texts
	}
	return append(b, '\n')
}

func text(about string) map[string]any { return map[string]any{"type": "string", "description": about} }

func object(properties map[string]any) map[string]any {
	return map[string]any{"type": "object", "properties": properties}
}

// operation is a route as OpenAPI describes it.
func (rt *route) operation() map[string]any {
	content := map[string]any{}
	for _, t := range rt.types {
		content[t] = map[string]any{}
	}
	failure := map[string]any{
		"description": "As an operation of the API fails: the type is in x-amzn-ErrorType.",
		"content":     map[string]any{jsonType: map[string]any{"schema": map[string]any{"$ref": "#/components/schemas/Error"}}},
	}
	op := map[string]any{
		"operationId": rt.name, "summary": rt.summary, "description": string(rt.who),
		"responses": map[string]any{"200": map[string]any{"description": "The answer.", "content": content}, "default": failure},
	}
	var params []any
	for part := range strings.SplitSeq(rt.path, "/") {
		if label, ok := strings.CutPrefix(part, "{"); ok {
			params = append(params, map[string]any{"name": strings.TrimSuffix(label, "}"), "in": "path", "required": true, "schema": map[string]any{"type": "string"}})
		}
	}
	for _, p := range rt.params {
		params = append(params, map[string]any{"name": p.name, "in": "query", "description": p.about, "schema": map[string]any{"type": "string"}})
	}
	if params != nil {
		op["parameters"] = params
	}
	if rt.body != "" {
		op["requestBody"] = map[string]any{"required": true, "description": rt.body, "content": map[string]any{jsonType: map[string]any{}}}
	}
	if rt.who != anybody {
		op["security"] = []any{map[string]any{}, map[string]any{"sigv4": []any{}}}
	}
	return op
}

// openAPI is GET /_portolan/openapi.json.
func (s *Server) openAPI(w http.ResponseWriter, r *http.Request) {
	writeWhole(w, r, jsonType, s.description())
}

// caller is GET /_portolan/caller.
func (s *Server) caller(w http.ResponseWriter, r *http.Request) {
	id := s.ids.next()
	principal, _, err := s.identify(new(call), w, r, 0)
	if err != nil {
		s.refuse(w, r, id, err)
		return
	}
	_, done, err := s.askedTurn(lasting(r.Context()), principal.Caller().Account, turns.Operation)
	if err != nil {
		s.refuse(w, r, id, err)
		return
	}
	reply := s.describe(r, principal)
	done()
	w.Header().Set("X-Amzn-Requestid", id)
	writeJSON(w, http.StatusOK, reply)
}

// describe is who a caller is and what it may not do. It decides on every operation.
func (s *Server) describe(r *http.Request, principal *auth.Principal) map[string]any {
	who := principal.Caller()
	denied := map[string]string{}
	for i := range api.Operations {
		op := &api.Operations[i]
		if err := s.cfg.Authorizer.AuthorizeAction(lasting(r.Context()), principal, op.Action); err != nil {
			denied[op.Name] = err.Error()
		}
	}
	control := ""
	if err := s.mayControl(r, principal, who.Account); err != nil {
		control = err.Error()
	}
	return map[string]any{
		"account": who.Account, "principal": who.ARN, "checked": s.cfg.Authenticator.Checks(), "denied": denied, "controlDenied": control,
	}
}
