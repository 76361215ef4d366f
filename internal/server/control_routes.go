package server

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"portolan/api"
	"portolan/internal/wire"
)

// who may make a control call.
type who string

const (
	anybody  who = "Whoever reaches the port."
	callers  who = "Whoever is known: with --credentials a signature of any key of the file."
	owners   who = "The account itself: with --credentials a key that may do everything."
	machines who = "Peers on the same machine; with --credentials a key that may do everything, and an operator's for what belongs to all accounts."
)

// route is a control call: how it is made, and what answers it.
type route struct {
	method  string
	path    string // labels in braces, each a whole part
	name    string // one word
	summary string
	params  []parameter
	body    string   // what is sent; "" is nothing
	types   []string // media types that it can be answered in; the first is the default
	who     who
	serve   func(*Server, http.ResponseWriter, *http.Request)
}

// parameter is a query parameter of a control call.
type parameter struct{ name, about string }

const (
	jsonType   = "application/json"
	binaryType = "application/octet-stream"
	streamType = "text/event-stream"
)

// routes are all control calls below /_portolan/, in the order in which they are described.
func routes() []route {
	list := []route{
		{method: "GET", path: "/_portolan/health", name: "health", summary: "Whether requests are welcome: 200, or 503 with the reason.", types: []string{jsonType}, who: anybody, serve: (*Server).health},
		{method: "GET", path: "/_portolan/openapi.json", name: "openapi", summary: "This description.", types: []string{jsonType}, who: anybody, serve: (*Server).openAPI},
		{method: "GET", path: "/_portolan/caller", name: "caller", summary: "Who calls: account, principal, the operations that the key may call on no resource, and why it may make no control calls of owners.", types: []string{jsonType}, who: callers, serve: (*Server).caller},
		{
			method: "GET", path: "/_portolan/events", name: "events", summary: "What happened to the account, as a page, or as server-sent events that go on.", types: []string{jsonType, streamType}, who: owners, serve: (*Server).events,
			params: []parameter{
				{"after", "Token of an earlier answer: events that came later. A stream takes Last-Event-ID too."},
				{"limit", "Events of a page, 1 to 1000; 100 by default."},
				{"last", "Begin with the last N events, 1 to 1000, in the place of after."},
				{"detail-type", "Only events of this type."},
				{"resource", "Only events with this ARN among their resources."},
			},
		},
		{
			method: "GET", path: "/_portolan/snapshot", name: "snapshot", summary: "A core network as one value: policy, edges, attachments with tags and announcements.", types: []string{jsonType, "application/yaml"}, who: owners, serve: (*Server).snapshot,
			params: []parameter{{"core-network", "Id of the core network."}, {"format", "json or yaml."}},
		},
		{method: "GET", path: announcementsPath + "{id}", name: "announcements", summary: "What an attachment or a Connect peer announces.", types: []string{jsonType}, who: owners, serve: (*Server).announcements},
		{method: "PUT", path: announcementsPath + "{id}", name: "putAnnouncements", summary: "Sets what an attachment or a Connect peer announces.", body: "A JSON list of prefix, asPath, med, communities and, for a Direct Connect gateway, edge.", types: []string{jsonType}, who: owners, serve: (*Server).announcements},
	}
	list = append(list, bgpRoutes()...)
	list = append(list, policyRoutes()...)
	list = append(list, questionRoutes()...)
	return append(list,
		route{method: "GET", path: "/_portolan/cluster", name: "cluster", summary: "The servers that share the store, and the members of the cluster that holds it.", types: []string{jsonType}, who: machines, serve: (*Server).cluster},
		route{
			method: "POST", path: "/_portolan/cluster/members", name: "addMember", summary: "Enters a member that is to join the cluster that holds the data.", types: []string{jsonType}, who: machines,
			params: []parameter{{"url", "Where the other members will reach it: https://HOST:PORT."}},
			serve:  (*Server).addMember,
		},
		route{
			method: "DELETE", path: "/_portolan/cluster/members", name: "removeMember", summary: "Removes a member from the cluster that holds the data.", types: []string{jsonType}, who: machines,
			params: []parameter{{"member", "Its name, or its URL."}},
			serve:  (*Server).removeMember,
		},
		route{method: "GET", path: "/_portolan/backup", name: "backup", summary: "Everything the server has, of one moment, as portolan restore takes it.", types: []string{binaryType}, who: machines, serve: (*Server).backup},
		route{
			method: "POST", path: "/_portolan/reset", name: "reset", summary: "Empties an account, or everything.", types: []string{jsonType}, who: machines,
			params: []parameter{{"account", "12 digits; without it every account is emptied."}},
			serve:  (*Server).reset,
		},
		route{
			method: "POST", path: "/_portolan/faults", name: "faults", summary: "The next calls of an operation fail with an exception, before they do anything.", types: []string{jsonType}, who: machines,
			params: []parameter{{"operation", "Its name."}, {"error", "Name of the exception."}, {"count", "How many calls fail; 1 by default."}},
			serve:  (*Server).fault,
		},
	)
}

// bgpRoutes are calls about BGP sessions.
func bgpRoutes() []route {
	call := func(r route, formats []string, do bgpDo) route {
		r.path, r.who = bgpPath+r.path, owners
		for _, f := range formats {
			r.types = append(r.types, contentTypes[f])
		}
		if len(formats) > 1 {
			r.params = append(r.params, parameter{"format", strings.Join(formats, ", ") + "; or by Accept."})
		}
		r.serve = func(s *Server, w http.ResponseWriter, r *http.Request) { s.bgpCall(w, r, formats, do) }
		return r
	}
	const address = "address"
	which := func(more ...parameter) []parameter {
		return append([]parameter{{address, "Core network address of the session, of a peer with several."}}, more...)
	}
	return []route{
		call(route{method: "GET", name: "bgpSessions", summary: "BGP sessions of Connect peers and Site-to-Site VPN attachments.", params: []parameter{{"core-network", "Only those of this core network."}}}, written,
			func(ctx context.Context, b BGP, _ string, q url.Values) (any, error) {
				return b.BGPSessions(ctx, q.Get("core-network"))
			}),
		call(route{method: "GET", path: "/{connectPeerId}/heard", name: "bgpHeard", summary: "Routes heard from a Connect peer or a VPN attachment.", params: which()}, written,
			func(ctx context.Context, b BGP, peer string, q url.Values) (any, error) {
				return b.BGPHeard(ctx, peer, q.Get(address))
			}),
		call(route{method: "GET", path: "/{connectPeerId}/advertised", name: "bgpAdvertised", summary: "Routes advertised to a Connect peer.", params: which()}, written,
			func(ctx context.Context, b BGP, peer string, q url.Values) (any, error) {
				return b.BGPAdvertised(ctx, peer, q.Get(address))
			}),
		call(route{method: "POST", path: "/{connectPeerId}/reset", name: "bgpReset", summary: "Resets the sessions of a Connect peer or a VPN attachment.", params: which(parameter{"soft", "true: the routes are sent again and the session stays."})}, []string{"json"},
			func(ctx context.Context, b BGP, peer string, q url.Values) (any, error) {
				soft, err := boolean(q, "soft")
				if err != nil {
					return nil, err
				}
				return map[string]string{"status": "done"}, b.BGPReset(ctx, peer, q.Get(address), soft)
			}),
	}
}

// questionRoutes are the questions that can be asked of a core network, by name.
func questionRoutes() []route {
	var list []route
	for _, name := range slices.Sorted(maps.Keys(questions)) {
		q := questions[name]
		r := route{
			method: q.method, path: coreNetworksPath + "{coreNetworkId}/" + name, name: name, summary: q.summary, body: q.sent, who: owners,
			params: append(slices.Clone(q.params), parameter{"format", strings.Join(q.formats, ", ") + "; or by Accept."}),
			serve:  func(s *Server, w http.ResponseWriter, r *http.Request) { s.question(w, r, &q) },
		}
		for _, f := range q.formats {
			r.types = append(r.types, contentTypes[f])
		}
		list = append(list, r)
	}
	return list
}

// finds tells whether a request is for the route, and gives it the labels of its path.
func (rt *route) finds(r *http.Request) bool {
	if r.Method != rt.method && (r.Method != http.MethodHead || rt.name != "health") {
		return false
	}
	have, want := r.URL.Path, rt.path
	for {
		part, rest, more := strings.Cut(want, "/")
		value, left, too := strings.Cut(have, "/")
		label, isLabel := strings.CutPrefix(part, "{")
		switch {
		case more != too, !isLabel && part != value, isLabel && value == "":
			return false
		case isLabel:
			r.SetPathValue(strings.TrimSuffix(label, "}"), value)
		}
		if !more {
			return true
		}
		want, have = rest, left
	}
}

// checkParameters refuses parameters that the call does not have, because a misspelt one would be another question than was
// meant, and any that is given twice. A signature may be among them, and probes of health add their own.
func (rt *route) checkParameters(r *http.Request) error {
	if rt.name == "health" {
		return nil
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return api.InvalidField("query", "The query string is not valid.")
	}
	var known []string
	for _, p := range rt.params {
		known = append(known, p.name)
	}
	there := "The call has none."
	if known != nil {
		there = "There are: " + strings.Join(known, ", ") + "."
	}
	var fields []api.FieldError
	for _, name := range slices.Sorted(maps.Keys(q)) {
		switch {
		case strings.HasPrefix(name, "X-Amz-"):
		case !slices.Contains(known, name):
			fields = append(fields, api.FieldError{Name: cut(name, 100), Message: "There is no such parameter. " + there})
		case len(q[name]) > 1:
			fields = append(fields, api.FieldError{Name: name, Message: "Member must be given once."})
		}
		if len(fields) == 20 {
			break
		}
	}
	if fields != nil {
		return api.InvalidFields(fields...)
	}
	return nil
}

// alias is the path that answers a call, by one that it had before or has for other clients.
func alias(path string) string {
	if path == "/_localstack/health" {
		return "/_portolan/health"
	}
	if rest, told := strings.CutSuffix(path, "/told"); told && strings.HasPrefix(path, coreNetworksPath) {
		return rest + "/advertised"
	}
	return path
}

// answerControl finds the route of a control call and lets it answer.
func (s *Server) answerControl(w http.ResponseWriter, r *http.Request) {
	if path := alias(r.URL.Path); path != r.URL.Path {
		r = r.Clone(r.Context())
		r.URL.Path = path
	}
	for i := range s.routes {
		rt := &s.routes[i]
		if !rt.finds(r) {
			continue
		}
		if err := rt.checkParameters(r); err != nil {
			s.refuse(w, r, s.ids.next(), err)
			return
		}
		rt.serve(s, w, r)
		return
	}
	wire.WriteError(w, s.ids.next(), &api.GenericError{Status: http.StatusNotFound, Type: "NotFoundException", Message: "There is no such control endpoint."})
}
