// Package speaker holds the BGP sessions of Connect peers and of Site-to-Site VPN attachments: it makes sessions of their rows, routes
// of what is heard on them, and advertises what the tables of core networks say.
//
// It must not know operations, nor who asks about sessions.
package speaker

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"portolan/internal/bgp"
	"portolan/internal/catalog"
	"portolan/internal/network"
	"portolan/internal/order"
	"portolan/internal/state"
	"portolan/internal/store"
)

// Config is what a Speaker is made of. DB, Networks, Heard and Mode are required.
type Config struct {
	DB       *state.DB
	Networks *network.Networks
	Heard    *network.Heard // which Networks read, too
	Mode     Mode
	Catalog  catalog.Catalog // that Networks ask, too; nil: no sessions of VPN attachments are held
	Secrets  Secrets         // by Connect peer or VPN attachment
	Monitors []Monitor       // that see what sessions receive
	Log      *slog.Logger    // default discards

	// Shared tells which server holds the sessions, "" for none, where several servers share the state. Each of them calls Run
	// while no other may hold sessions. nil: this server is the only one.
	Shared func(ctx context.Context) (string, error)
}

// Monitor sees what sessions receive, and does its work in Run, until ctx ends. sessions are all there are.
type Monitor interface {
	bgp.Monitor
	Run(ctx context.Context, sessions func() []*bgp.Session)
}

// Speaker holds the sessions of all Connect peers that are AVAILABLE, and of VPN attachments with dynamic routing. One goroutine, Run, changes what is advertised, which
// sessions there are and what is stored; the sessions themselves only note what has happened.
type Speaker struct {
	db       *state.DB
	networks *network.Networks
	catalog  catalog.Catalog
	heard    *network.Heard
	log      *slog.Logger
	bgp      *bgp.Speaker
	place    placement
	monitors []Monitor
	shared   func(ctx context.Context) (string, error) // as in Config

	wake  chan struct{} // something is dirty
	other chan struct{} // the secrets are others

	loaded map[state.NetworkID]map[string]*peer // of Run alone, as what follows
	vpns   map[state.NetworkID]*vpnList
	said   string // the problems that the log has
	asked  uint64 // version of the catalog
	untidy bool   // peers may be gone whose sockets are still in use
	missed bool   // a core network could not be read, or what is stored of sessions not be removed

	mu      sync.Mutex
	holding bool // Run is at work
	ending  bool // Run is about to return
	secrets Secrets
	peers   map[string]*peer    // by id
	byName  map[string]*session // by the name of the session
	dirty   map[*peer]struct{}  // to be reported to the state
	unsaved map[*peer]struct{}  // whose routes are to be stored
}

const (
	debounce     = 100 * time.Millisecond // between something heard and its part in routes
	saveInterval = 5 * time.Second        // between two copies of what was heard
	sharedSave   = time.Second            // the same where other servers compute routes from the copy
	longestRest  = 400 * time.Millisecond // after what was heard took long to become part of routes
	retry        = 5 * time.Second        // after sockets could not be had, or the state
	linger       = 3 * time.Second        // for the last message of a session to arrive

	fileInterval   = time.Second     // between two looks at a catalog file
	remoteInterval = 5 * time.Minute // the same at an endpoint, which is asked for everything that is attached
)

// New is a speaker without sessions: see [Speaker.Run].
func New(cfg Config) *Speaker {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	sp := &Speaker{
		db: cfg.DB, networks: cfg.Networks, catalog: cfg.Catalog, heard: cfg.Heard, log: cfg.Log, place: cfg.Mode.placement(cfg.Log), secrets: cfg.Secrets, monitors: cfg.Monitors, shared: cfg.Shared,
		wake: make(chan struct{}, 1), other: make(chan struct{}, 1),
		loaded: map[state.NetworkID]map[string]*peer{}, vpns: map[state.NetworkID]*vpnList{}, peers: map[string]*peer{}, byName: map[string]*session{},
		dirty: map[*peer]struct{}{}, unsaved: map[*peer]struct{}{},
	}
	sp.bgp = bgp.NewSpeaker(sp, cfg.Log)
	return sp
}

// SetSecrets replaces the secrets. Sessions whose secrets have changed are started anew.
func (sp *Speaker) SetSecrets(s Secrets) {
	sp.mu.Lock()
	sp.secrets = s
	sp.mu.Unlock()
	poke(sp.other)
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run holds sessions until ctx ends. It ends them without a message, so that routers with graceful restart keep their
// routes while the server restarts, or another one takes over. It may be called again.
func (sp *Speaker) Run(ctx context.Context) {
	var monitoring sync.WaitGroup
	defer monitoring.Wait()
	last, end := context.WithCancel(context.WithoutCancel(ctx)) // monitors see the end of the sessions, too
	defer end()
	for _, m := range sp.monitors {
		monitoring.Go(func() { m.Run(last, sp.bgp.Sessions) })
	}
	sp.mu.Lock()
	sp.holding = true
	sp.mu.Unlock()
	for ctx.Err() == nil {
		watch, err := sp.db.Watch(ctx)
		if err != nil {
			break // closed
		}
		sp.follow(ctx, watch)
	}
	sp.mu.Lock()
	sp.ending = true
	sp.mu.Unlock()
	sp.bgp.Close(true)
	ctx = context.WithoutCancel(ctx)
	sp.flush(ctx)
	sp.save(ctx)
	sp.place.close()
	if sp.shared != nil {
		sp.leave()
	}
}

// follow keeps up with commits until the watch ends.
func (sp *Speaker) follow(ctx context.Context, watch <-chan store.Commit) {
	sp.refreshAll(ctx)
	report, save, repeat, tidy := newTimer(), newTimer(), newTimer(), newTimer()
	defer tidy.stop()
	defer report.stop()
	defer save.stop()
	defer repeat.stop()
	interval := saveInterval
	if sp.shared != nil {
		interval = sharedSave
	}
	var look <-chan time.Time
	if sp.catalog != nil {
		every := fileInterval
		if sp.catalog.Remote() {
			every = remoteInterval
		}
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		look = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-look:
			if sp.networks.CatalogVersion() != sp.asked {
				sp.refreshAll(ctx)
			}
		case commit, ok := <-watch:
			if !ok {
				return
			}
			changed := map[state.NetworkID]bool{}
			state.RoutesTouched(commit, changed)
			for more := true; more; {
				select {
				case commit, more = <-watch:
					state.RoutesTouched(commit, changed)
				default:
					more = false
				}
			}
			if len(changed) > 0 {
				sp.refresh(ctx, changed)
			}
		case <-sp.wake:
			report.set(debounce)
		case <-report.c():
			report.on = false
			began := time.Now()
			report.rest = longestRest
			if sp.flush(ctx) {
				report.rest = min(2*time.Since(began), longestRest)
			}
			save.set(interval)
		case <-save.c():
			save.on = false
			began := time.Now()
			more := sp.saveSome(ctx)
			if save.rest = 20 * time.Since(began); more {
				save.rest /= 10
				save.set(0)
			} else if sp.behind() {
				save.set(interval)
			}
		case <-sp.other:
			sp.apply()
		case <-repeat.c():
			repeat.on = false
			if sp.missed {
				sp.refreshAll(ctx)
			}
			sp.apply()
		case <-tidy.c():
			tidy.on = false
			sp.place.tidy()
		}
		if sp.untidy {
			sp.untidy = false
			tidy.set(linger)
		}
		if sp.said != "" || sp.missed {
			repeat.set(retry)
		}
	}
}

// timer goes off once after it was set; setting it while it runs changes nothing. What costs much leaves time to others:
// the next time is later by rest.
type timer struct {
	t    *time.Timer
	on   bool
	rest time.Duration
}

func newTimer() *timer {
	t := &timer{t: time.NewTimer(time.Hour)}
	t.t.Stop()
	return t
}

func (t *timer) set(d time.Duration) {
	if !t.on {
		t.on = true
		t.t.Reset(max(d, t.rest))
	}
}

// c is the channel to receive from; who receives sets on to false.
func (t *timer) c() <-chan time.Time {
	if !t.on {
		return nil
	}
	return t.t.C
}

func (t *timer) stop() { t.t.Stop() }

// refreshAll looks at all core networks.
func (sp *Speaker) refreshAll(ctx context.Context) {
	sp.asked, sp.missed = sp.networks.CatalogVersion(), false
	all, err := state.Look(ctx, sp.db, func(v *state.View) (map[state.NetworkID]bool, error) { return v.RoutedNetworks(""), nil })
	if err != nil {
		if sp.missed = true; ctx.Err() == nil {
			sp.log.Error("BGP: the core networks could not be read", "error", err)
		}
		return
	}
	for id := range sp.loaded {
		all[id] = true
	}
	sp.refresh(ctx, all)
}

// refresh brings sessions, and what they advertise, in line with the state of core networks.
func (sp *Speaker) refresh(ctx context.Context, networks map[state.NetworkID]bool) {
	other := false
	ids := slices.Collect(maps.Keys(networks))
	order.Sort(ids, compareNetworks)
	for _, id := range ids {
		changed, err := sp.refreshNetwork(ctx, id)
		sp.missed = sp.missed || err != nil
		if err != nil && ctx.Err() == nil {
			sp.log.Error("BGP: what a core network advertises stays as it was", "core_network", id.ID, "error", err)
		}
		other = other || changed
	}
	if other {
		sp.apply()
	}
}
