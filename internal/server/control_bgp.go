package server

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/prometheus/client_golang/prometheus"

	"portolan/api"
	"portolan/internal/analysis"
	"portolan/internal/bgp"
	"portolan/internal/page"
	"portolan/internal/speaker"
)

const bgpPath = "/_portolan/bgp/sessions"

// BGP is the sessions that the server holds with routers.
type BGP interface {
	BGPSessions(ctx context.Context, coreNetwork string) (*speaker.Sessions, error)
	BGPHeard(ctx context.Context, peer, address string) (*speaker.Routes, error)
	BGPAdvertised(ctx context.Context, peer, address string) (*speaker.Routes, error)
	BGPReset(ctx context.Context, peer, address string, soft bool) error
	All(func(*speaker.Session)) // those of all accounts
}

// errNoBGP is the answer of a server without sessions.
func errNoBGP() error {
	return api.BrokenRule("This server holds no BGP sessions: start it with --bgp.")
}

// bgpCall answers
//
//	GET  /_portolan/bgp/sessions[?core-network=ID]
//	GET  /_portolan/bgp/sessions/PEER/heard[?address=A]
//	GET  /_portolan/bgp/sessions/PEER/advertised[?address=A]
//	POST /_portolan/bgp/sessions/PEER/reset[?address=A&soft=true]
//
// and is false for any other call.
func (s *Server) bgpCall(w http.ResponseWriter, r *http.Request) bool {
	rest, ok := strings.CutPrefix(r.URL.Path, bgpPath)
	if !ok {
		return false
	}
	peer, what, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	call := question{formats: written}
	var do func(ctx context.Context, address string, soft bool) (any, error)
	switch method := r.Method; {
	case rest == "" && method == http.MethodGet:
		call.params = []parameter{{name: "core-network"}}
		do = func(ctx context.Context, _ string, _ bool) (any, error) {
			return s.cfg.BGP.BGPSessions(ctx, r.URL.Query().Get("core-network"))
		}
	case what == "heard" && method == http.MethodGet:
		call.params = []parameter{{name: "address"}}
		do = func(ctx context.Context, address string, _ bool) (any, error) {
			return s.cfg.BGP.BGPHeard(ctx, peer, address)
		}
	case what == "advertised" && method == http.MethodGet:
		call.params = []parameter{{name: "address"}}
		do = func(ctx context.Context, address string, _ bool) (any, error) {
			return s.cfg.BGP.BGPAdvertised(ctx, peer, address)
		}
	case what == "reset" && method == http.MethodPost:
		call.params, call.formats = []parameter{{name: "address"}, {name: "soft"}}, []string{"json"}
		do = func(ctx context.Context, address string, soft bool) (any, error) {
			return map[string]string{"status": "done"}, s.cfg.BGP.BGPReset(ctx, peer, address, soft)
		}
	default:
		return false
	}
	format := "json"
	if q, err := call.parameters(r); err == nil {
		format, _ = call.format(q, r.Header.Get("Accept"))
	}
	s.asked(w, r, contentTypes[format], func(ctx context.Context, _ []byte) ([]byte, error) {
		if s.cfg.BGP == nil {
			return nil, errNoBGP()
		}
		q, err := call.parameters(r)
		if err != nil {
			return nil, err
		}
		if format, err = call.format(q, r.Header.Get("Accept")); err != nil {
			return nil, err
		}
		soft, err := boolean(q, "soft")
		if err != nil {
			return nil, err
		}
		answer, err := do(ctx, q.Get("address"), soft)
		if err != nil {
			return nil, err
		}
		if report, ok := answer.(analysis.Report); ok && format != "json" {
			return rendered(report, format)
		}
		return json.Marshal(answer, json.Deterministic(true))
	})
	return true
}

// rendered is an answer that names no attachments, as text or as Markdown.
func rendered(report analysis.Report, format string) ([]byte, error) {
	var b bytes.Buffer
	if format == "markdown" {
		err := report.Page().Markdown(&b)
		return b.Bytes(), err
	}
	err := report.Page().Text(&b, page.Style{})
	return b.Bytes(), err
}

// bgpMetrics are those of sessions, read when they are asked for.
type bgpMetrics struct{ sessions BGP }

var (
	bgpLabels  = []string{"core_network", "edge", "connect_peer", "core_network_address"}
	bgpUp      = prometheus.NewDesc("portolan_bgp_session_up", "1 when the BGP session is established, else 0.", bgpLabels, nil)
	bgpHeard   = prometheus.NewDesc("portolan_bgp_prefixes_heard", "Prefixes that the router advertises on the session.", bgpLabels, nil)
	bgpSent    = prometheus.NewDesc("portolan_bgp_prefixes_advertised", "Prefixes to advertise to the router on the session.", bgpLabels, nil)
	bgpStale   = prometheus.NewDesc("portolan_bgp_prefixes_stale", "Prefixes kept from before the session or the server was restarted.", bgpLabels, nil)
	bgpBehind  = prometheus.NewDesc("portolan_bgp_session_behind", "1 when routes wait to be sent on the session, else 0.", bgpLabels, nil)
	bgpFlaps   = prometheus.NewDesc("portolan_bgp_session_flaps_total", "Times that the session was lost.", bgpLabels, nil)
	bgpLooped  = prometheus.NewDesc("portolan_bgp_prefixes_looped_total", "Prefixes that came with the core network's ASN in the AS path and were dropped.", bgpLabels, nil)
	bgpUpdates = prometheus.NewDesc("portolan_bgp_updates_total", "UPDATE messages by direction.", append([]string{"direction"}, bgpLabels...), nil)
)

// Describe names all metrics.
func (m bgpMetrics) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{bgpUp, bgpHeard, bgpSent, bgpStale, bgpBehind, bgpFlaps, bgpLooped, bgpUpdates} {
		c <- d
	}
}

// Collect reads the sessions.
func (m bgpMetrics) Collect(c chan<- prometheus.Metric) {
	truth := map[bool]float64{true: 1}
	m.sessions.All(func(s *speaker.Session) {
		labels := []string{s.CoreNetworkID, s.Edge, s.ConnectPeerID, s.CoreNetworkAddress.String()}
		gauge := func(d *prometheus.Desc, v float64) {
			c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
		}
		count := func(d *prometheus.Desc, v uint64, labels ...string) {
			c <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
		}
		gauge(bgpUp, truth[s.State == bgp.Established.String()])
		gauge(bgpHeard, float64(s.Heard))
		gauge(bgpSent, float64(s.Advertised))
		gauge(bgpStale, float64(s.Stale))
		gauge(bgpBehind, truth[s.Behind])
		count(bgpFlaps, s.Flaps, labels...)
		count(bgpLooped, s.Looped, labels...)
		count(bgpUpdates, s.UpdatesIn, append([]string{"in"}, labels...)...)
		count(bgpUpdates, s.UpdatesOut, append([]string{"out"}, labels...)...)
	})
}
