package server

import (
	"bytes"
	"context"
	"net/http"
	"net/url"

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

// bgpDo is what a call about sessions does: the peer is a label of its path.
type bgpDo func(ctx context.Context, sessions BGP, peer string, q url.Values) (any, error)

// bgpCall answers a call about sessions.
func (s *Server) bgpCall(w http.ResponseWriter, r *http.Request, formats []string, do bgpDo) {
	call, q := question{formats: formats}, r.URL.Query()
	format, wrong := call.format(q, r.Header.Get("Accept"))
	s.asked(w, r, contentTypes[format], func(ctx context.Context, _ []byte) ([]byte, error) {
		switch {
		case s.cfg.BGP == nil:
			return nil, errNoBGP()
		case wrong != nil:
			return nil, wrong
		}
		answer, err := do(ctx, s.cfg.BGP, r.PathValue("connectPeerId"), q)
		if err != nil {
			return nil, err
		}
		if report, ok := answer.(analysis.Report); ok && format != "json" {
			return rendered(report, format)
		}
		return json.Marshal(answer, json.Deterministic(true))
	})
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
	bgpLabels  = []string{"core_network", "edge", "connect_peer", "attachment", "core_network_address"}
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
		labels := []string{s.CoreNetworkID, s.Edge, s.ConnectPeerID, s.AttachmentID, s.CoreNetworkAddress.String()}
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
