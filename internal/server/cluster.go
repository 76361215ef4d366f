package server

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"portolan/api"
	"portolan/internal/store"
	"portolan/internal/wire"
)

// cluster is GET /_portolan/cluster: the servers that share the store, and the members of the cluster that holds it.
func (s *Server) cluster(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Cluster == nil {
		wire.WriteError(w, s.ids.next(), &api.GenericError{Status: http.StatusNotFound, Type: "NotFoundException", Message: "This server shares its data with no other."})
		return
	}
	id := s.ids.next()
	if _, err := s.operator(w, r); err != nil {
		s.refuse(w, r, id, err)
		return
	}
	status, err := s.cfg.Cluster(r.Context())
	if err != nil {
		s.refuse(w, r, id, err)
		return
	}
	writeJSON(w, http.StatusOK, status)
}

// shared registers what is measured of a store that several servers have open.
func (m *metrics) shared(status func(context.Context) (*store.Status, error)) {
	number := func(of func(*store.Status) float64) func() float64 {
		return func() float64 {
			now, err := status(context.Background())
			if err != nil {
				return -1
			}
			return of(now)
		}
	}
	gauge := func(name, help string, of func(*store.Status) float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, number(of)))
	}
	gauge("portolan_cluster_behind", "Revisions of the shared store that this server has not seen; -1 when the cluster does not answer.",
		func(s *store.Status) float64 { return float64(s.Behind) })
	gauge("portolan_cluster_servers", "Servers that share the store; -1 when the cluster does not answer.",
		func(s *store.Status) float64 { return float64(len(s.Servers)) })
	gauge("portolan_cluster_conflicts_total", "Commits that were made again because something they had read was changed.",
		func(s *store.Status) float64 { return float64(s.Conflicts) })
	gauge("portolan_cluster_commits_total", "Commits of this server.", func(s *store.Status) float64 { return float64(s.Commits) })
}
