package server

import (
	"fmt"
	"net/http"
	"net/url"

	"portolan/api"
)

// Any page that a developer has open can make the browser send requests to this machine, and by default any
// credentials are accepted. So a page's request is answered only when its origin was named. One that reads, too: the page is not
// shown the answer, but it learns whether a picture or a script was there, and may keep streams open.

// CheckOrigin tells what is wrong with an origin for [Config.CORSOrigin]: scheme and host, or "*".
func CheckOrigin(origin string) error {
	if origin == "*" {
		return nil
	}
	if u, err := url.Parse(origin); err != nil || u.Scheme == "" || u.Host == "" || origin != u.Scheme+"://"+u.Host {
		return fmt.Errorf("%q is not an origin such as http://localhost:3000, nor *", origin)
	}
	return nil
}

// onlyFrom lets pages of the origin call, and of no other; "*" is nil, which lets all.
func onlyFrom(origin string) *http.CrossOriginProtection {
	if origin == "*" {
		return nil
	}
	p := http.NewCrossOriginProtection()
	if origin != "" {
		_ = p.AddTrustedOrigin(origin) // one that is malformed is trusted nowhere
	}
	return p
}

// fromPage refuses what a page of another origin sends, fetches or embeds, frames included, but not an address that somebody opens from one.
// Clients other than browsers do not send the headers it goes by.
func (s *Server) fromPage(r *http.Request) error {
	if s.browsers == nil {
		return nil
	}
	dest := r.Header.Get("Sec-Fetch-Dest")
	opened := r.Header.Get("Sec-Fetch-Mode") == "navigate" && (dest == "document" || dest == "")
	if r.Header.Get("Sec-Fetch-Site") != "" && !opened {
		r = &http.Request{Method: http.MethodPost, Header: r.Header, Host: r.Host, URL: r.URL} // GET is let through
	}
	if err := s.browsers.Check(r); err != nil {
		return &api.AccessDeniedException{Message: "Pages of this origin may not call: see --cors-origin.", Cause: err}
	}
	return nil
}

// cors answers preflights and marks every reply; it reports whether the request has been answered.
func (s *Server) cors(w http.ResponseWriter, r *http.Request) bool {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", s.cfg.CORSOrigin)
	h.Set("Access-Control-Expose-Headers", "x-amzn-RequestId, x-amzn-ErrorType, Retry-After")
	h.Add("Vary", "Origin")
	if r.Method != http.MethodOptions {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "authorization, content-type, x-amz-content-sha256, x-amz-date, x-amz-security-token, x-amz-user-agent, amz-sdk-invocation-id, amz-sdk-request")
	w.WriteHeader(http.StatusNoContent)
	return true
}
