package main

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/spf13/cobra"

	"portolan/internal/auth"
	"portolan/internal/catalog"
	"portolan/internal/catalog/ec2"
	"portolan/internal/lifecycle"
	"portolan/internal/node"
	"portolan/internal/server"
	"portolan/internal/state"
	"portolan/internal/store"
	"portolan/internal/turns"
)

// serveOptions are the flags of serve. Each can be given as an environment variable too: --log-level is
// PORTOLAN_LOG_LEVEL. A flag wins over its variable.
type serveOptions struct {
	listen    listenOptions
	data      string
	ephemeral bool
	store     storeOptions
	snapshot  string
	lifecycle string
	quotas    string
	routing   routingFlag
	seed      uint64

	credentials string
	rateLimit   string

	catalog     string
	ec2Endpoint string

	upstream        string
	upstreamTimeout time.Duration
	bgp             string
	bgpSecrets      string
	bgpRecord       string
	bmpStations     []string

	events        eventOptions
	routingEvents bool

	cors      string
	drain     time.Duration
	logLevel  string
	logFormat string
}

func serveCommand() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "run the server",
		Example: `  portolan serve
  portolan serve --data /var/lib/portolan --catalog catalog.yaml --credentials keys.json
  portolan serve --ephemeral --snapshot network.yaml
  portolan serve --store etcd://10.0.0.1,10.0.0.2,10.0.0.3/wan --store-ca ca.pem --credentials keys.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), &o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	o.listen.flags(f)
	f.StringVar(&o.data, "data", "portolan-data", "data directory")
	o.store.flags(f)
	f.BoolVar(&o.ephemeral, "ephemeral", false, "keep all data in memory, none on disk")
	f.StringVar(&o.snapshot, "snapshot", "", "network snapshot file to create on an empty server, JSON or YAML")
	f.StringVar(&o.credentials, "credentials", "", "file of access keys; every request must be signed by one of them")
	f.StringVar(&o.rateLimit, "rate-limit", "", "calls a second of an account: 100, or 100,burst=200,CreateDevice=5; empty for none")
	f.StringVar(&o.catalog, "catalog", "", "inventory of VPCs, subnets, TGWs, VPNs and DX gateways to validate references against")
	f.StringVar(&o.ec2Endpoint, "ec2-endpoint", "", "endpoint, EC2-compatible, to read that inventory from, such as http://127.0.0.1:5000")
	f.StringVar(&o.upstream, "upstream", "", "endpoint to pass requests for other services on to, unchanged; also the EC2 endpoint of the inventory")
	f.DurationVar(&o.upstreamTimeout, "upstream-timeout", 30*time.Second, "how long the upstream endpoint may take to begin its answer")
	f.StringVar(&o.bgp, "bgp", "off", "where to hold the BGP sessions of Connect peers and VPN attachments: off, loopback, here or netns")
	f.StringVar(&o.bgpSecrets, "bgp-secrets", "", "file with TCP MD5 passwords and TTL security of Connect peers and VPN attachments, JSON or YAML")
	f.StringVar(&o.bgpRecord, "bgp-mrt", "", "append BGP messages that are received to this file, in the MRT format; opened again on SIGHUP")
	f.StringSliceVar(&o.bmpStations, "bmp-station", nil, "connect to this BGP Monitoring Protocol station, HOST:PORT; may be given several times")
	f.StringVar(&o.events.file, "events-file", "", "append events to this file, one JSON object per line")
	f.StringVar(&o.events.webhook, "events-webhook", "", "post events to this URL")
	f.StringVar(&o.events.secretFile, "events-webhook-secret-file", "", "file with the secret that signs posted events")
	f.StringVar(&o.events.endpoint, "events-eventbridge-endpoint", "", "endpoint, EventBridge-compatible, to put events to")
	f.StringVar(&o.events.bus, "events-bus", "", "event bus name (default: the default bus)")
	f.BoolVar(&o.routingEvents, "routing-events", true, "emit an event when routes are installed or uninstalled")
	f.Var(&o.routing, "routing", routingUsage)
	f.StringVar(&o.lifecycle, "lifecycle", "instant", "duration of lifecycle states: instant, aws, and overrides such as device.PENDING=3s")
	f.StringVar(&o.quotas, "quota", "", "quotas that differ from those of AWS: devices=1000,sites=500")
	f.Uint64Var(&o.seed, "seed", 0, "seed of the random part of IDs; 0 takes one from the operating system")
	f.StringVar(&o.cors, "cors-origin", "", "origin that browsers may call from; empty disables CORS")
	f.DurationVar(&o.drain, "drain", 20*time.Second, "how long requests in flight may take after SIGTERM")
	f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error; API calls are logged at info")
	f.StringVar(&o.logFormat, "log-format", "json", "json or text")
	return cmd
}

func serve(ctx context.Context, o *serveOptions, stdout, stderr io.Writer) error {
	limitMemory(os.LookupEnv, os.ReadFile)
	log, err := newLogger(o, stderr)
	if err != nil {
		return usage(err)
	}
	if o.cors != "" {
		if err := server.CheckOrigin(o.cors); err != nil {
			return usage(fmt.Errorf("--cors-origin: %w", err))
		}
	}
	clock, err := newClock()
	if err != nil {
		return usage(err)
	}
	cfg := node.Config{Now: clock, Log: log, Turns: new(turns.Turns), Routing: o.routing.options, NoRoutingEvents: !o.routingEvents}
	if cfg.Profile, err = lifecycle.ParseProfile(o.lifecycle); err != nil {
		return usage(err)
	}
	if cfg.Quotas, err = state.ParseQuotas(o.quotas); err != nil {
		return usage(err)
	}
	if o.drain < 0 {
		return usage(errors.New("--drain must not be less than 0"))
	}
	open, err := o.chooseStore()
	if err != nil {
		return usage(err)
	}
	beginning, err := readBeginning(o.snapshot)
	if err != nil {
		return usage(err)
	}
	sinks, err := o.events.sinks()
	if err != nil {
		return usage(err)
	}
	if cfg.Fail, err = failpoints(); err != nil {
		return usage(err)
	}
	if o.seed != 0 {
		cfg.Random, cfg.Secrets = rand.NewPCG(o.seed, o.seed), rand.NewChaCha8([32]byte(binary.BigEndian.AppendUint64(make([]byte, 24), o.seed)))
	}
	limiter, err := auth.ParseLimits(o.rateLimit, nil)
	if err != nil {
		return usage(err)
	}
	upstream, err := o.upstreamURL()
	if err != nil {
		return usage(err)
	}
	if cfg.Catalog, err = newCatalog(o, log); err != nil {
		return usage(err)
	}
	authenticator, err := newAuthenticator(o, clock, log)
	if err != nil {
		return usage(err)
	}
	if err := o.readBGP(&cfg); err != nil {
		return usage(err)
	}
	unknown := unknownVariables(os.Environ())
	for _, name := range slices.Sorted(maps.Keys(unknown)) {
		about := []any{"variable", name}
		if hint := unknown[name]; hint != "" {
			about = append(about, "hint", hint)
		}
		log.Warn("a variable of the environment is unknown and ignored", about...)
	}
	tracer, stopTracing, err := newTracer(log)
	if err != nil {
		return usage(fmt.Errorf("tracing: %w", err))
	}
	defer func() {
		// The context of the server has ended by now; what was collected still goes out.
		if err := stopTracing(context.WithoutCancel(ctx)); err != nil {
			log.Error("the last spans were not sent", "error", err)
		}
	}()
	doors, err := o.open(log)
	if err != nil {
		return err
	}
	defer doors.close()
	if err := o.recordBGP(&cfg); err != nil { // makes a file: nothing that was given wrongly is refused after it
		return usage(err)
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	running := ctx
	st, err := open(ctx, log, fail)
	if err != nil {
		return err
	}
	cfg.Store = state.Guard(st)
	defer func() {
		if err := cfg.Store.Close(); err != nil {
			log.Error("the store did not close", "error", err)
		}
	}()
	ctx, stop := untilSignal(ctx)
	defer stop()
	stopEvents, err := carry(ctx, sinks, cfg.Store, log)
	if err != nil {
		return err
	}
	defer stopEvents()
	shares := new(auth.ResourcePolicies)
	cfg.CheckResourcePolicy, cfg.Grants = shares.Check, shares.Grants
	svc, err := node.New(ctx, cfg)
	if err != nil {
		return startError(o.data, err)
	}
	if err := begin(ctx, o.snapshot, beginning, svc, stdout); err != nil {
		return err
	}
	sessions := o.bgpSessions(svc, log)
	worker := make(chan struct{})
	go func() {
		defer close(worker)
		svc.Run(ctx)
	}()
	data := watchData(ctx, cfg.Store, log)
	defer data.wait()
	srv := server.New(server.Config{
		Now:           clock,
		Backup:        store.BackupOf(cfg.Store),
		Damage:        data.damage,
		Cluster:       clusterOf(cfg.Store),
		BGP:           sessions,
		Service:       svc,
		Turns:         cfg.Turns,
		Authenticator: authenticator,
		Authorizer:    &auth.Authorizer{Tags: svc, Sharing: svc, Policies: shares, Log: log},
		Limiter:       limiter,
		Log:           log,
		Tracer:        tracer,
		CORSOrigin:    o.cors,
		Upstream:      upstream,
		Hosts:         doors.hosts,
		TLS:           doors.tls,
		OwnMetrics:    doors.metrics != nil,

		UpstreamTimeout: o.upstreamTimeout,
		MaxConnections:  maxConnections(),
	})
	srv.SetReady(true)
	o.listen.announce(stdout, doors.api, o.credentials)
	if err := notify("READY=1"); err != nil {
		log.Warn("the service manager could not be notified that the server is ready", "error", err)
	}
	stopMetrics := doors.serveMetrics(srv, log)
	err = srv.Serve(ctx, doors.api, o.drain)
	stopMetrics()
	stop()
	<-worker
	return cmp.Or(context.Cause(running), err)
}

// newAuthenticator checks signatures when there is a credentials file, which a SIGHUP reads again.
func newAuthenticator(o *serveOptions, now func() time.Time, log *slog.Logger) (*auth.Authenticator, error) {
	if o.credentials == "" {
		return auth.NewAuthenticator(auth.Config{Now: now}), nil
	}
	load := func() (*auth.Credentials, error) {
		c, err := auth.LoadCredentials(o.credentials)
		if err != nil {
			return nil, fmt.Errorf("credentials: %w", err)
		}
		for _, warning := range c.Warnings {
			log.Warn(warning)
		}
		return c, nil
	}
	c, err := load()
	if err != nil {
		return nil, err
	}
	a := auth.NewAuthenticator(auth.Config{Credentials: c, Now: now})
	onHangup(func() {
		c, err := load()
		if err == nil {
			err = a.Replace(c)
		}
		if err != nil {
			log.Error("the old credentials stay in force", "error", err)
			return
		}
		log.Info("credentials reloaded", "keys", c.Len())
	})
	return a, nil
}

// upstreamURL is where requests for other services are passed on to, nil for nowhere.
func (o *serveOptions) upstreamURL() (*url.URL, error) {
	if o.upstreamTimeout <= 0 {
		return nil, errors.New("--upstream-timeout must be more than 0")
	}
	if o.upstream == "" {
		return nil, nil
	}
	if err := checkURL("--upstream", o.upstream); err != nil {
		return nil, err
	}
	u, err := url.Parse(o.upstream)
	if err == nil && strings.Trim(u.Path, "/") != "" {
		err = fmt.Errorf("--upstream %q: want an address without a path, such as http://127.0.0.1:5000", o.upstream)
	}
	return u, err
}

// newCatalog is where VPCs, transit gateways and the like are looked up; nil for nowhere.
func newCatalog(o *serveOptions, log *slog.Logger) (catalog.Catalog, error) {
	switch {
	case o.catalog != "" && o.ec2Endpoint != "":
		return nil, errors.New("--catalog and --ec2-endpoint exclude each other")
	case o.catalog != "":
		return catalog.OpenFile(o.catalog, catalog.FileOptions{Log: log})
	case o.ec2Endpoint != "":
		if err := checkURL("--ec2-endpoint", o.ec2Endpoint); err != nil {
			return nil, err
		}
	}
	if endpoint := cmp.Or(o.ec2Endpoint, o.upstream); endpoint != "" {
		return ec2.New(ec2.Config{Endpoint: endpoint, Log: log, Credentials: environmentCredentials()}), nil
	}
	return nil, nil
}

// environmentCredentials signs the questions to EC2 with the keys of the environment; without any, the account is the key.
func environmentCredentials() func(string) aws.CredentialsProvider {
	key, secret := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	if key == "" || secret == "" {
		return nil
	}
	provider := credentials.NewStaticCredentialsProvider(key, secret, os.Getenv("AWS_SESSION_TOKEN"))
	return func(string) aws.CredentialsProvider { return provider }
}

// untilSignal ends the context at the first SIGTERM or interrupt. The second ends the process.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ignoreFileLimit()
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(1)
	}()
	return ctx, cancel
}

func newLogger(o *serveOptions, w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return nil, fmt.Errorf("--log-level %q: want debug, info, warn or error", o.logLevel)
	}
	opts := &slog.HandlerOptions{Level: level}
	switch o.logFormat {
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	default:
		return nil, fmt.Errorf("--log-format %q: want json or text", o.logFormat)
	}
}
