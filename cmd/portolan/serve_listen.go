package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"portolan/internal/server"
)

// listenOptions are the flags about where the server is reached, and by what name.
type listenOptions struct {
	address  string
	insecure bool
	hosts    []string
	cert     string
	key      string
	metrics  string
}

func (o *listenOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.address, "listen", "127.0.0.1:4566", "address to listen on")
	f.BoolVar(&o.insecure, "insecure", false, "allow listening on non-loopback addresses while any credentials are accepted")
	f.StringSliceVar(&o.hosts, "host", nil, "name of the server besides localhost and its address; checked while any credentials are accepted")
	f.StringVar(&o.cert, "tls-cert", "", "file with the certificate chain to serve HTTPS with, PEM")
	f.StringVar(&o.key, "tls-key", "", "file with the private key of the certificate, PEM")
	f.StringVar(&o.metrics, "metrics-listen", "", "address to serve /metrics on instead of the address of the API")
}

// names are those the server may be called by: all where every request has to be signed.
func (o *listenOptions) names(address string, signed bool) (*server.Hosts, error) {
	if signed {
		return nil, nil
	}
	h, err := server.NewHosts(address, o.hosts)
	if err != nil {
		return nil, usage(fmt.Errorf("--host: %w", err))
	}
	return h, nil
}

// listen binds the address. Without checked credentials only this machine may reach it.
func (o *listenOptions) listen(signed bool) (net.Listener, error) {
	host, _, err := hostPort("--listen", o.address)
	if err != nil {
		return nil, usage(err)
	}
	if ip := net.ParseIP(host); !o.insecure && !signed && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, usage(fmt.Errorf("%s can be reached from other machines and any credentials are accepted: give --credentials FILE, or --insecure if that is meant", o.address))
	}
	return bind("--listen", o.address)
}

// listenMetrics binds the address of the metrics.
func (o *listenOptions) listenMetrics() (net.Listener, error) {
	if _, _, err := hostPort("--metrics-listen", o.metrics); err != nil {
		return nil, usage(err)
	}
	return bind("--metrics-listen", o.metrics)
}

// hostPort reads an address that a flag was given. A port is a number or the name of a service.
func hostPort(flag, address string) (host, port string, err error) {
	if host, port, err = net.SplitHostPort(address); err != nil {
		return "", "", fmt.Errorf("%s %q is not HOST:PORT", flag, address)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return "", "", fmt.Errorf("%s %q has no port from 0 to 65535", flag, address)
	}
	return host, port, nil
}

func bind(flag, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is taken by another process: choose another address with %s", address, flag)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", address, err)
	}
	return l, nil
}

// tls is the configuration of HTTPS, nil for HTTP. A SIGHUP reads the files again.
func (o *listenOptions) tls(log *slog.Logger) (*tls.Config, error) {
	switch {
	case o.cert == "" && o.key == "":
		return nil, nil
	case o.cert == "" || o.key == "":
		return nil, usage(errors.New("--tls-cert and --tls-key go together"))
	}
	var current atomic.Pointer[tls.Certificate]
	load := func() error {
		pair, err := tls.LoadX509KeyPair(o.cert, o.key)
		if err != nil {
			return fmt.Errorf("the certificate cannot be used: %w", err)
		}
		if now := time.Now(); now.Before(pair.Leaf.NotBefore) || now.After(pair.Leaf.NotAfter) {
			log.Warn("the certificate is not valid now: clients refuse it", "from", pair.Leaf.NotBefore, "until", pair.Leaf.NotAfter)
		}
		current.Store(&pair)
		return nil
	}
	if err := load(); err != nil {
		return nil, usage(err)
	}
	onHangup(func() {
		if err := load(); err != nil {
			log.Error("the old certificate stays in use", "error", err)
			return
		}
		log.Info("certificate reloaded")
	})
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return current.Load(), nil },
	}, nil
}

// doors are where requests come in, and what they have to be like.
type doors struct {
	api     net.Listener
	metrics net.Listener // nil: with the API
	hosts   *server.Hosts
	tls     *tls.Config

	metricsHosts *server.Hosts
}

// open binds the addresses.
func (o *serveOptions) open(log *slog.Logger) (d *doors, err error) {
	d = new(doors)
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	signed := o.credentials != ""
	if d.tls, err = o.listen.tls(log); err != nil {
		return d, err
	}
	if d.api, err = o.listen.listen(signed); err != nil {
		return d, err
	}
	if d.hosts, err = o.listen.names(o.listen.address, signed); err != nil {
		return d, err
	}
	if o.listen.metrics == "" {
		return d, nil
	}
	if d.metrics, err = o.listen.listenMetrics(); err != nil {
		return d, err
	}
	d.metricsHosts, err = o.listen.names(o.listen.metrics, signed)
	return d, err
}

// close closes what the server has not closed itself.
func (d *doors) close() {
	for _, l := range []net.Listener{d.api, d.metrics} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// serveMetrics serves them on their own address, if they have one, until stop is called.
func (d *doors) serveMetrics(srv *server.Server, log *slog.Logger) (stop func()) {
	if d.metrics == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := srv.ServeMetrics(ctx, d.metrics, d.metricsHosts); err != nil {
			log.Error("metrics are not served any more", "error", err)
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// maxConnections leaves files for everything else where the number of open ones is limited.
func maxConnections() int {
	const most, others = 8192, 128
	if limit := fileLimit(); limit > 0 {
		return max(min(most, limit-others), 16)
	}
	return most
}

// onHangup calls f at every SIGHUP.
func onHangup(f func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for range hangups {
			f()
		}
	}()
}

// addresses are where a listener is, as it was asked for, and by which this machine reaches it.
func addresses(asked string, l net.Listener) (listening, here string) {
	host, port, err := net.SplitHostPort(asked)
	if err != nil {
		return l.Addr().String(), l.Addr().String()
	}
	if at, ok := l.Addr().(*net.TCPAddr); ok {
		port = strconv.Itoa(at.Port) // what was asked for may be any, or a name
	}
	listening = net.JoinHostPort(host, port)
	switch ip := net.ParseIP(host); {
	case host == "" || ip.Equal(net.IPv4zero):
		return listening, net.JoinHostPort("127.0.0.1", port)
	case ip.Equal(net.IPv6zero):
		return listening, net.JoinHostPort("::1", port)
	}
	return listening, listening
}

// announce prints where the server is and the lines that make the AWS CLI talk to it: with a credentials file only the
// keys in it are accepted.
func (o *listenOptions) announce(w io.Writer, l net.Listener, credentialsFile string) {
	scheme := "http://"
	if o.cert != "" {
		scheme = "https://"
	}
	listening, here := addresses(o.address, l)
	url := scheme + here
	if listening == here {
		fmt.Fprintf(w, "portolan is listening on %s; to talk to it:\n\n", url)
	} else {
		fmt.Fprintf(w, "portolan is listening on %s, which is %s on this machine; to talk to it:\n\n", listening, url)
	}
	fmt.Fprintf(w, "  export AWS_ENDPOINT_URL_NETWORKMANAGER=%s\n", url)
	if credentialsFile != "" {
		fmt.Fprintf(w, "  export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… AWS_DEFAULT_REGION=us-west-2   # a key of %s\n\n", credentialsFile)
		return
	}
	fmt.Fprintf(w, "  export AWS_ACCESS_KEY_ID=000000000000 AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-west-2\n\n")
}
