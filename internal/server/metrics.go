package server

import (
	"bytes"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"

	"portolan/api"
)

// metrics are labelled by operation and status, both from short lists.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  map[string]prometheus.Observer // by operation, looked up once
	ok       map[string]prometheus.Counter  // status 200, looked up once
	text     *shared[metricsText]
}

// metricsText is what /metrics answers.
type metricsText struct {
	bytes []byte
	err   error
}

func newMetrics(inFlight, writable, damage func() float64) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), seconds: map[string]prometheus.Observer{}, ok: map[string]prometheus.Counter{}}
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "portolan_requests_total", Help: "Requests answered, by operation and status.",
	}, []string{"operation", "status"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "portolan_request_seconds", Help: "Time to answer a request.", Buckets: prometheus.ExponentialBuckets(0.00005, 4, 9),
	}, []string{"operation"})
	gauge := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "portolan_requests_in_flight", Help: "Requests being answered."}, inFlight)
	store := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "portolan_store_writable", Help: "1 when the data can be read and written, else 0."}, writable)
	m.registry.MustRegister(m.requests, seconds, gauge, store, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector())
	if damage != nil {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "portolan_store_damage", Help: "Places where the check after the start found the stored data damaged.",
		}, damage))
	}
	m.text = share(m.gather)
	for _, op := range append([]api.Operation{{Name: unknown}, {Name: other}}, api.Operations...) {
		m.seconds[op.Name] = seconds.WithLabelValues(op.Name)
		m.ok[op.Name] = m.requests.WithLabelValues(op.Name, "200")
	}
	return m
}

// writable is what the health check finds, as a number.
func (s *Server) writable() float64 {
	if s.healthy.get() != nil {
		return 0
	}
	return 1
}

func (m *metrics) observe(operation string, status int, took time.Duration) {
	m.seconds[operation].Observe(took.Seconds())
	if status == 200 {
		m.ok[operation].Inc()
		return
	}
	m.requests.WithLabelValues(operation, strconv.Itoa(status)).Inc()
}

// gather writes all metrics in the text format, which every reader of them takes.
func (m *metrics) gather() metricsText {
	families, err := m.registry.Gather()
	if err != nil {
		return metricsText{err: err}
	}
	var text bytes.Buffer
	encoder := expfmt.NewEncoder(&text, metricsFormat)
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			return metricsText{err: err}
		}
	}
	return metricsText{bytes: text.Bytes()}
}

var metricsFormat = expfmt.NewFormat(expfmt.TypeTextPlain)

// serve is GET /metrics.
func (m *metrics) serve(w http.ResponseWriter, r *http.Request) {
	text := m.text.get()
	if text.err != nil {
		http.Error(w, text.err.Error(), http.StatusInternalServerError)
		return
	}
	writeWhole(w, r, string(metricsFormat), text.bytes)
}
