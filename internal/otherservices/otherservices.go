// Package otherservices answers requests that are for other services than Network Manager, so that a client can be given
// one endpoint for all of them: sts:GetCallerIdentity and sts:AssumeRole are answered, everything else is passed on to an
// upstream endpoint unchanged, or refused in the caller's own protocol. It must not know operations of Network Manager.
package otherservices

import (
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"portolan/internal/auth"
)

// Config is what a Handler is made of.
type Config struct {
	Authenticator *auth.Authenticator
	Authorizer    *auth.Authorizer
	Upstream      *url.URL      // where requests are passed on to; nil: they are refused
	Timeout       time.Duration // within which the upstream begins its answer; default 30 s
	Log           *slog.Logger  // nil: none
	RequestID     func() string
	Now           func() time.Time
}

// Handler answers requests for other services. It is safe for concurrent use.
type Handler struct {
	cfg   Config
	proxy *httputil.ReverseProxy // nil without an upstream
}

// New returns a Handler.
func New(cfg Config) *Handler {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	h := &Handler{cfg: cfg}
	if cfg.Upstream != nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.ResponseHeaderTimeout = cfg.Timeout
		transport.DisableCompression = true // what the client did not ask for is not done for it
		h.proxy = &httputil.ReverseProxy{
			Transport:     transport,
			FlushInterval: -1,
			ErrorLog:      slog.NewLogLogger(cfg.Log.Handler(), slog.LevelWarn),
			Rewrite: func(r *httputil.ProxyRequest) {
				r.Out.URL.Scheme, r.Out.URL.Host = cfg.Upstream.Scheme, cfg.Upstream.Host
				// The signature is over the host that the client asked, and over every query parameter.
				r.Out.Host, r.Out.URL.RawQuery = r.In.Host, r.In.URL.RawQuery
				r.Out.Header["X-Forwarded-For"] = nil
			},
			ErrorHandler: h.failed,
		}
	}
	return h
}

// ServiceOf is the service that a request is for, as its signature names it: "ec2", "sts". A request that is not signed may
// be for STS, which takes some calls unsigned; otherwise it is "".
func ServiceOf(r *http.Request) string {
	_, credential, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if !ok && strings.Contains(r.URL.RawQuery, "X-Amz-Credential") {
		credential = r.URL.Query().Get("X-Amz-Credential")
	}
	credential, _, _ = strings.Cut(credential, ",")
	if strings.Count(credential, "/") < 4 { // key, date, Region, service, aws4_request
		return ""
	}
	before := credential[:strings.LastIndexByte(credential, '/')]
	return before[strings.LastIndexByte(before, '/')+1:]
}

// Takes reports whether a request is for another service than Network Manager.
func Takes(r *http.Request) bool {
	switch ServiceOf(r) {
	case "networkmanager":
		return false
	case "":
		// Operations of Network Manager have paths of their own; what is posted to the root names its operation elsewhere.
		return r.Method == http.MethodPost && r.URL.Path == "/" && (r.Header.Get("X-Amz-Target") != "" || isForm(r))
	}
	return true
}

func isForm(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service := ServiceOf(r)
	action := ""
	if service == "sts" || service == "" {
		var done bool
		if action, done = h.sts(w, r); done {
			return
		}
	}
	if h.proxy != nil {
		h.proxy.ServeHTTP(w, r)
		return
	}
	h.refuse(w, r, http.StatusNotImplemented, "NotImplemented", "Portolan serves networkmanager, sts:GetCallerIdentity and sts:AssumeRole, not "+cut(asked(service, action))+
		". portolan serve --upstream URL passes requests for other services on to an endpoint that serves them.")
}

// asked is what a request is for, as a refusal names it. Of STS, which is served in part, it is the operation.
func asked(service, action string) string {
	switch {
	case service == "sts" && action != "":
		return "sts:" + action
	case service == "" && action != "": // not signed, as STS takes some
		return action
	case service == "":
		return "the service of this request"
	}
	return service
}

// cut keeps what a client wrote from filling a message.
func cut(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}

// failed answers for an upstream that did not.
func (h *Handler) failed(w http.ResponseWriter, r *http.Request, err error) {
	h.cfg.Log.Warn("the upstream did not answer", "service", ServiceOf(r), "error", err)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		h.refuse(w, r, http.StatusGatewayTimeout, "GatewayTimeout", "The upstream endpoint did not answer within "+h.cfg.Timeout.String()+".")
		return
	}
	h.refuse(w, r, http.StatusBadGateway, "BadGateway", "The upstream endpoint cannot be reached.")
}

func (h *Handler) xml(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, xml.Header+text)
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
