package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"portolan/api"
	"portolan/internal/store"
)

// cluster is GET /_portolan/cluster: the servers that share the store, and the members of the cluster that holds it.
func (s *Server) cluster(w http.ResponseWriter, r *http.Request) {
	id := s.ids.next()
	err := s.operator(w, r, "")
	if err == nil && s.cfg.Cluster == nil {
		err = errNotShared()
	}
	var status *store.Status
	if err == nil {
		status, err = s.cfg.Cluster.Status(lasting(r.Context()))
	}
	if err != nil {
		s.refuse(w, r, id, err)
		return
	}
	writeJSON(w, http.StatusOK, status)
}

func errNotShared() error {
	return &api.GenericError{Status: http.StatusNotFound, Type: "NotFoundException", Message: "This server shares its data with no other."}
}

// addMember is POST /_portolan/cluster/members?url=URL.
func (s *Server) addMember(w http.ResponseWriter, r *http.Request) {
	s.changeMembers(w, r, func(ctx context.Context, m store.Membership) error { return m.AddMember(ctx, r.URL.Query().Get("url")) })
}

// removeMember is DELETE /_portolan/cluster/members?member=NAME.
func (s *Server) removeMember(w http.ResponseWriter, r *http.Request) {
	s.changeMembers(w, r, func(ctx context.Context, m store.Membership) error {
		return m.RemoveMember(ctx, r.URL.Query().Get("member"))
	})
}

func (s *Server) changeMembers(w http.ResponseWriter, r *http.Request, change func(context.Context, store.Membership) error) {
	s.change(w, r, "", func(r *http.Request) error {
		if s.cfg.Cluster == nil || s.cfg.Cluster.Members() == nil {
			return errNotShared()
		}
		err := change(r.Context(), s.cfg.Cluster.Members())
		if errors.Is(err, store.ErrNoMember) {
			return &api.ConflictException{Message: err.Error()}
		}
		return err
	})
}

// sharedStore is what is measured of a store that several servers have open. Each scrape asks the cluster once.
type sharedStore func(context.Context) (*store.Status, error)

var sharedGauges = []struct {
	desc *prometheus.Desc
	of   func(*store.Status) float64
}{
	{
		prometheus.NewDesc("portolan_cluster_behind", "Revisions of the shared store that this server has not seen; -1 when the cluster does not answer.", nil, nil),
		func(s *store.Status) float64 { return float64(s.Behind) },
	},
	{
		prometheus.NewDesc("portolan_cluster_servers", "Servers that share the store; -1 when the cluster does not answer.", nil, nil),
		func(s *store.Status) float64 { return float64(len(s.Servers)) },
	},
	{
		prometheus.NewDesc("portolan_cluster_conflicts_total", "Commits that were made again because something they had read was changed.", nil, nil),
		func(s *store.Status) float64 { return float64(s.Conflicts) },
	},
	{
		prometheus.NewDesc("portolan_cluster_commits_total", "Commits of this server.", nil, nil),
		func(s *store.Status) float64 { return float64(s.Commits) },
	},
}

// Describe names the gauges.
func (sharedStore) Describe(ch chan<- *prometheus.Desc) {
	for _, g := range sharedGauges {
		ch <- g.desc
	}
}

// Collect measures all of them by one status.
func (status sharedStore) Collect(ch chan<- prometheus.Metric) {
	now, err := status(context.Background())
	for _, g := range sharedGauges {
		value := -1.0
		if err == nil {
			value = g.of(now)
		}
		ch <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, value)
	}
}
