package speaker

import (
	"context"
	"fmt"
	"time"

	"portolan/api"
	"portolan/internal/bgp"
	"portolan/internal/state"
)

// Of several servers that share the state one holds all sessions. The others compute routes from its copy of what was heard, and
// answer questions about sessions from what it has stored of them.

// forgetAfter is how long routes are kept that no server hears any more: as long as routers are asked to keep theirs.
const forgetAfter = restartTime

// leave forgets the sessions, which are another server's from now on. What is stored of them stays for that one.
func (sp *Speaker) leave() {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	for id := range sp.peers {
		sp.heard.Forget(id)
	}
	clear(sp.loaded)
	clear(sp.peers)
	clear(sp.byName)
	clear(sp.dirty)
	clear(sp.unsaved)
	sp.said, sp.missed, sp.holding, sp.ending = "", false, false, false
}

// elsewhere tells whether the sessions are not this server's to hold.
func (sp *Speaker) elsewhere() bool {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	return sp.shared != nil && !sp.holding
}

// refusal is the answer to what only the server that holds the sessions can do.
func (sp *Speaker) refusal(ctx context.Context) error {
	if server, _ := sp.shared(ctx); server != "" {
		return api.BrokenRule(fmt.Sprintf("The server %s holds the BGP sessions: ask that one.", server))
	}
	return api.BrokenRule("No server holds the BGP sessions at the moment.")
}

// stored are the caller's peers that wanted says yes to, as the server that holds their sessions has stored them.
func (sp *Speaker) stored(ctx context.Context, wanted func(*state.PeerBGP) bool) ([]*found, error) {
	account := api.CallerFrom(ctx).Account
	return state.Look(ctx, sp.db, func(v *state.View) (list []*found, err error) {
		for _, b := range state.PeerBGPs.Rows(v, state.PeerBGPs.Of(account), "") {
			if !wanted(b) {
				continue
			}
			n := state.NetworkID{Account: account, ID: b.CoreNetworkId}
			var f found
			if row, ok := state.ConnectPeers.ByID(v, b.ID); ok {
				f = connectPeer(row)
				f.sessions = sessionsOf(row)
			} else if row, ok := state.Attachments.Get(v, state.Attachments.Key(n.Account, n.ID, b.ID)); ok {
				f = vpnAttachment(n, row)
				f.sessions = tunnelsOf(b)
			}
			f.bgp, f.routes = b, b.Routes(v, account)
			list = append(list, &f)
		}
		return list, nil
	})
}

// holder is the server that holds the sessions, or why none is known. Without one no session is up, and what was heard is kept for the
// next one.
func (sp *Speaker) holder(ctx context.Context) (server, problem string) {
	server, err := sp.shared(ctx)
	switch {
	case err != nil:
		return "", "it is not known which server holds it: " + err.Error()
	case server == "":
		return "", "no server holds it at the moment"
	}
	return server, ""
}

// storedSessions are the sessions of the caller, as they are stored.
func (sp *Speaker) storedSessions(ctx context.Context, coreNetwork string) (*Sessions, error) {
	peers, err := sp.stored(ctx, func(b *state.PeerBGP) bool { return coreNetwork == "" || coreNetwork == b.CoreNetworkId })
	if err != nil {
		return nil, err
	}
	server, problem := sp.holder(ctx)
	out := &Sessions{Sessions: []Session{}}
	for _, f := range peers {
		p := newPeer(f)
		for _, s := range p.sessions {
			r := s.shown(p)
			r.HeldBy, r.State, r.Problem = server, bgp.Idle.String(), problem
			for _, b := range f.bgp.Sessions {
				if b.CoreNetworkAddress != s.core.String() {
					continue
				}
				if r.Since, r.LastReason = b.Since.Time.UTC(), b.Reason; b.Up && problem == "" {
					r.State = bgp.Established.String()
				}
			}
			for j := range f.routes {
				r.Heard += int(f.routes[j].Sessions >> s.at & 1)
			}
			if problem != "" {
				r.Stale = r.Heard
			}
			out.Sessions = append(out.Sessions, r)
		}
	}
	return out, nil
}

// storedRoutes are the routes of a peer of the caller, as they are stored: those that are in tables.
func (sp *Speaker) storedRoutes(ctx context.Context, id, address string) (*Routes, error) {
	list, err := sp.stored(ctx, func(b *state.PeerBGP) bool { return b.ID == id })
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, notFound(id)
	}
	_, problem := sp.holder(ctx)
	f := list[0]
	out := &Routes{Routes: []Route{}}
	for _, s := range newPeer(f).sessions {
		if address != "" && address != s.core.String() {
			continue
		}
		for i := range f.routes {
			r := &f.routes[i]
			if a := r.Routing(); r.Sessions&(1<<s.at) != 0 {
				attrs := attributesOf(&a, s.router)
				route := routeOf(s.core, a.Prefix, attrs)
				route.NextHop, route.Stale = attrs.NextHop, problem != ""
				out.Routes = append(out.Routes, route)
			}
		}
	}
	return out, nil
}

// ForgetUnheld removes what is stored of sessions when no server has held any for so long that routers have given up, too. It runs
// until ctx ends, for servers that hold no sessions and share their state with others.
func ForgetUnheld(ctx context.Context, db *state.DB, holder func(context.Context) (string, error)) {
	const checks = 4
	tick := time.NewTicker(forgetAfter / checks)
	defer tick.Stop()
	for without := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		server, err := holder(ctx)
		if without++; server != "" || err != nil {
			without = 0
		}
		if without > checks {
			without = 0
			if Forget(ctx, db) != nil {
				without = checks // again the next time
			}
		}
	}
}
