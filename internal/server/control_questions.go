package server

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"portolan/api"
	"portolan/internal/analysis"
	"portolan/internal/page"
	"portolan/internal/picture"
	"portolan/internal/snapshot"
	"portolan/internal/turns"
	"portolan/routing"
)

const coreNetworksPath = "/_portolan/core-networks/"

const maxAssertionsBody = 1 << 20

// question is one that can be asked of a core network.
type question struct {
	summary string
	method  string
	params  []parameter // besides format
	formats []string    // the first is the default
	body    int64       // its limit; 0: none is read
	sent    string      // what the body is

	otherwise bool // it is about what the network would be: of one moment's snapshot
	placed    bool // it is about the snapshot alone: no routes are looked at
	unsettled bool // it can be answered although some prefixes never settle
	ask       func(ctx context.Context, n *analysis.Subject, q url.Values, body []byte) (any, error)
}

var questions = map[string]question{
	"routes": {
		method: http.MethodGet, summary: "The routes of a table, or with rib all it is offered.", params: append(slices.Clone(tableParams), parameter{"rib", "true: all that is offered."}), formats: written,
		ask: func(_ context.Context, n *analysis.Subject, q url.Values, _ []byte) (any, error) {
			offered, err := boolean(q, "rib")
			if err != nil {
				return nil, err
			}
			return n.Routes(tableIn(q), offered)
		},
	},
	"why": {
		method: http.MethodGet, summary: "Why a table has a route or has none: every candidate with its steps.", params: append([]parameter{{"prefix", "A prefix, or an address."}}, tableParams...), formats: written,
		ask: func(_ context.Context, n *analysis.Subject, q url.Values, _ []byte) (any, error) {
			return n.Why(q.Get("prefix"), tableIn(q))
		},
	},
	"advertised": {
		method: http.MethodGet, summary: "The routes that are advertised to an attachment or a Connect peer, or why one is.", params: []parameter{{"attachment", "Id of an attachment or a Connect peer."}, {"edge", "Location, of an attachment with several."}, {"prefix", "Explains one prefix."}}, formats: written,
		ask: func(_ context.Context, n *analysis.Subject, q url.Values, _ []byte) (any, error) {
			if !q.Has("prefix") {
				return n.Advertised(q.Get("attachment"), q.Get("edge"))
			}
			return n.WhyAdvertised(q.Get("attachment"), q.Get("edge"), q.Get("prefix"))
		},
	},
	"path": {
		method: http.MethodGet, summary: "The way of a packet and of its answer, hop by hop.", params: []parameter{{"from", "Attachment that the packet enters by."}, {"edge", "Where, of an attachment with several."}, {"to", "Address."}, {"source", "Address of the sender."}}, formats: written,
		ask: func(_ context.Context, n *analysis.Subject, q url.Values, _ []byte) (any, error) {
			return n.Path(q.Get("from"), q.Get("edge"), q.Get("to"), q.Get("source"))
		},
	},
	"matrix": {
		method: http.MethodGet, summary: "Which segment or attachment reaches which, and through what.", params: []parameter{{"of", "segments or attachments."}}, formats: written,
		ask: func(ctx context.Context, n *analysis.Subject, q url.Values, _ []byte) (any, error) {
			of := q.Get("of")
			if of != "" && of != "segments" && of != "attachments" {
				return nil, api.InvalidField("of", "Member must be segments or attachments.")
			}
			return n.Matrix(ctx, of == "attachments")
		},
	},
	"doctor": {
		method: http.MethodGet, summary: "Problems that no error message reports.", params: []parameter{{"all", "true: every finding by itself, not grouped by its cause."}}, formats: written, unsettled: true,
		ask: func(ctx context.Context, n *analysis.Subject, q url.Values, _ []byte) (any, error) {
			all, err := boolean(q, "all")
			if err != nil {
				return nil, err
			}
			found, err := n.Doctor(ctx)
			if all {
				found = found.Apart()
			}
			return found, err
		},
	},
	"attachments": {
		summary: "Every attachment with where it is, or why it carries no traffic.", method: http.MethodGet, formats: written, unsettled: true,
		ask: func(_ context.Context, n *analysis.Subject, _ url.Values, _ []byte) (any, error) {
			return n.Attachments(), nil
		},
	},
	"graph": {
		summary: "The network to be drawn, or drawn.", method: http.MethodGet, formats: []string{"mermaid", "svg", "dot", "json"}, unsettled: true,
		params: []parameter{{"count", "true: JSON has the numbers of attachments in the place of the attachments."}},
		ask: func(_ context.Context, n *analysis.Subject, q url.Values, _ []byte) (any, error) {
			count, err := boolean(q, "count")
			if count && err == nil {
				return n.GraphCounted(), nil
			}
			return picture.Of(n), err
		},
	},
	"plan": {
		summary: "What another policy, another network or a failure would change.",
		sent:    "A policy in any form that portolan policy check reads; with to=snapshot a snapshot file; nothing where fail says all.",
		method:  http.MethodPost, formats: written, body: maxControlBody, otherwise: true,
		params: []parameter{{"to", "What the body is: policy, the default, or snapshot, the network as it is to be."}, {"fail", "What fails, with commas between: edge=LOCATION, attachment=ID or name."}},
		ask: func(ctx context.Context, n *analysis.Subject, q url.Values, body []byte) (any, error) {
			change, err := changeIn(q, body)
			if err != nil {
				return nil, err
			}
			next, err := change.Of(ctx, n)
			if err != nil {
				return nil, err
			}
			return n.PlanTo(ctx, next)
		},
	},
	"association": {
		summary: "Which attachment-policy rule associates an attachment, and why the others do not.",
		method:  http.MethodGet, params: []parameter{{"attachment", "Its id."}}, formats: written, placed: true,
		ask: func(_ context.Context, n *analysis.Subject, q url.Values, _ []byte) (any, error) {
			return n.Association(q.Get("attachment"))
		},
	},
	"what-if": {
		summary: "What a policy, tags, labels or failures would change, with the network before and after.",
		sent:    "policy, tags and labels by attachment, fail with attachments and edges, assertions that are tried then; attachments: whether the pictures have them; routes: how many are listed at most.",
		method:  http.MethodPost, formats: written, body: maxControlBody, otherwise: true,
		ask: func(ctx context.Context, n *analysis.Subject, _ url.Values, body []byte) (any, error) {
			suppose, err := analysis.ParseSupposition(body)
			if err != nil {
				return nil, err
			}
			return n.WhatIf(ctx, suppose)
		},
	},
	"test": {
		summary: "Whether assertions hold.", sent: "Assertions, a line each, as portolan test reads them.",
		method: http.MethodPost, formats: written, body: maxAssertionsBody,
		ask: func(ctx context.Context, n *analysis.Subject, _ url.Values, body []byte) (any, error) {
			list, err := analysis.ParseAssertions(string(body))
			if err != nil {
				return nil, &analysis.QuestionError{Field: "assertions", Err: err}
			}
			return n.Test("assertions", list), nil
		},
	},
}

// tableParams name a table.
var tableParams = []parameter{{"segment", "Of the table."}, {"network-function-group", "Of the table, in the place of segment."}, {"edge", "Location of the table."}}

var written = []string{"json", "text", "markdown"}

// contentTypes are those of the formats, as they are answered and as Accept asks for them.
var contentTypes = map[string]string{
	"json": "application/json", "text": "text/plain", "markdown": "text/markdown", "svg": "image/svg+xml", "mermaid": "text/vnd.mermaid", "dot": "text/vnd.graphviz",
}

func tableIn(q url.Values) routing.TableID {
	return routing.TableID{Segment: q.Get("segment"), NetworkFunctionGroup: q.Get("network-function-group"), Edge: q.Get("edge")}
}

// changeIn is the change that a plan is asked for.
func changeIn(q url.Values, body []byte) (c *analysis.Change, err error) {
	c = new(analysis.Change)
	if fail := q.Get("fail"); fail != "" {
		c.Fail = strings.Split(fail, ",")
	}
	switch to := q.Get("to"); {
	case to != "" && to != "policy" && to != "snapshot":
		return nil, api.InvalidField("to", "Member must be policy or snapshot.")
	case len(body) == 0 && c.Fail != nil:
	case to == "snapshot":
		if c.To, err = snapshot.Parse(body); err != nil {
			return nil, &analysis.QuestionError{Field: "body", Err: err}
		}
	default:
		c.Policy, err = analysis.PolicyDocument(body)
	}
	return c, err
}

func boolean(q url.Values, name string) (bool, error) {
	switch q.Get(name) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, api.InvalidField(name, "Member must be true or false.")
}

// question answers METHOD /_portolan/core-networks/ID/QUESTION.
func (s *Server) question(w http.ResponseWriter, r *http.Request, ask *question) {
	id := s.ids.next()
	answer := &questionReply{w: w, r: r, id: id}
	if err := s.answerQuestion(answer, r, ask, r.PathValue("coreNetworkId")); err != nil {
		if answer.begun {
			panic(http.ErrAbortHandler) // the client must not take what it has for all of it
		}
		s.refuse(w, r, id, questionFault(err))
	}
}

// questionReply writes an answer while it is worked out. Headers go out with its first bytes.
type questionReply struct {
	w      http.ResponseWriter
	r      *http.Request
	id     string
	format string
	begun  bool

	turn func() (done func(), err error) // takes the turn
	done func()                          // ends it, nil when it is not taken
}

// Write is for a writer that collects. While the client reads, the turn is another's.
func (a *questionReply) Write(p []byte) (n int, err error) {
	if !a.begun {
		a.begun = true
		contentType := contentTypes[a.format]
		if strings.HasPrefix(contentType, "text/") {
			contentType += "; charset=utf-8"
		}
		h := a.w.Header()
		h.Set("X-Amzn-Requestid", a.id)
		h.Set("Content-Type", contentType)
		h.Set("X-Content-Type-Options", "nosniff")
		if a.format == "svg" {
			h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'") // names in it are other people's
		}
	}
	connectionOf(a.r).writes(len(p))
	a.end()
	if n, err = a.w.Write(p); err == nil {
		a.done, err = a.turn()
	}
	return n, err
}

// end gives the turn back.
func (a *questionReply) end() {
	if a.done != nil {
		a.done()
	}
	a.done = nil
}

func (s *Server) answerQuestion(a *questionReply, r *http.Request, ask *question, coreNetwork string) error {
	who, body, err := s.controller(a.w, r, ask.body)
	if err != nil {
		return err
	}
	ctx := api.WithCaller(r.Context(), who.Caller())
	q := r.URL.Query()
	if a.format, err = ask.format(q, r.Header.Get("Accept")); err != nil {
		return err
	}
	account := who.Caller().Account
	asked := ctx
	a.turn = func() (done func(), err error) {
		_, done, err = s.cfg.Turns.Take(asked, account, turns.Question, 0)
		return done, err
	}
	if ctx, a.done, err = s.askedTurn(asked, account, turns.Question); err != nil {
		return err
	}
	defer a.end()
	ctx = analysis.WithWorkers(ctx, turns.AtATime())
	n, err := s.subject(ctx, coreNetwork, ask)
	if err != nil {
		return askedBy(who, err)
	}
	if err := n.Settled(); err != nil && !ask.unsettled {
		return err
	}
	answer, err := ask.ask(ctx, n, q, body)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(a, replyBuffer)
	if err := render(b, n, answer, a.format); err != nil {
		return err
	}
	if err := b.Flush(); err != nil || a.begun {
		return err
	}
	_, err = a.Write(nil) // an answer of nothing has headers too
	return err
}

// replyBuffer is what is collected of an answer before it is sent.
const replyBuffer = 64 << 10

// subject is the network that a question is asked of: with the routes that the operations answer from, or, for what it
// would be under another policy, of one moment's snapshot, so that nothing but the policy differs.
func (s *Server) subject(ctx context.Context, coreNetwork string, ask *question) (*analysis.Subject, error) {
	if !ask.otherwise && !ask.placed {
		return s.cfg.Service.Network(ctx, coreNetwork)
	}
	snap, err := s.cfg.Service.Snapshot(ctx, coreNetwork)
	if err != nil {
		return nil, err
	}
	if ask.placed {
		return analysis.Placed(snap)
	}
	return analysis.Examine(snap, nil, s.cfg.Service.RoutingOptions())
}

func render(w io.Writer, n *analysis.Subject, answer any, format string) error {
	if p, drawn := answer.(*picture.Picture); drawn {
		if format == "json" {
			return analysis.WriteJSON(w, n.Graph(true))
		}
		_, err := io.WriteString(w, map[string]func() string{"mermaid": p.Mermaid, "svg": p.SVG, "dot": p.DOT}[format]())
		return err
	}
	report, ok := answer.(analysis.Report)
	_, counted := answer.(*analysis.Graph)
	switch {
	case counted && format != "json":
		return api.InvalidField("count", "Member must be false unless format is json.")
	case !ok:
		return api.Internal(errors.New("an answer without a text"))
	case format == "text":
		return n.Page(report).Text(w, page.Style{})
	case format == "markdown":
		return n.Page(report).Markdown(w)
	default:
		return analysis.WriteJSON(w, report)
	}
}

// format is what the answer is written as: the parameter, or the first that Accept names, or the question's own.
func (ask *question) format(q url.Values, accept string) (string, error) {
	if format := q.Get("format"); format != "" {
		if !slices.Contains(ask.formats, format) {
			return "", api.InvalidField("format", "Member must be "+strings.Join(ask.formats, " or ")+".")
		}
		return format, nil
	}
	for part := range strings.SplitSeq(accept, ",") {
		media, _, _ := strings.Cut(part, ";")
		media = strings.ToLower(strings.TrimSpace(media))
		for _, format := range ask.formats {
			if contentTypes[format] == media {
				return format, nil
			}
		}
	}
	return ask.formats[0], nil
}

// questionFault is what the client is told of a question that has no answer.
func questionFault(err error) error {
	var wrong *analysis.QuestionError
	var oscillation *routing.OscillationError
	switch {
	case errors.As(err, &wrong):
		return api.InvalidField(wrong.Field, sentence(err))
	case errors.As(err, &oscillation):
		return api.BrokenRule(sentence(err))
	}
	return err
}

func sentence(err error) string {
	text := cut(err.Error(), 4000)
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}
