package etcd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"

	"portolan/internal/store"
)

// Member is a member of an etcd cluster that runs in this process. Package member, which is a module of its own, has one.
type Member interface {
	Client() *clientv3.Client // without a network in between
	Close() error
}

// MemberOptions are the settings of a [Member].
type MemberOptions struct {
	Name  string            // of this member, one of Peers
	Peers map[string]string // name of a member -> URL where the others reach it: https://10.0.0.1:2380
	Dir   string            // of its data

	// Listen is the host:port to take the other members' connections at, "" for that of the own URL.
	Listen string

	// Join says that the cluster is there already and has this member in its list.
	Join bool

	CA, Cert, Key string // files in PEM form: every member shows a certificate of that authority to every other

	Log *slog.Logger
}

var memberName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// ParsePeers reads NAME=URL,NAME=URL.
func ParsePeers(text string) (map[string]string, error) {
	peers := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		name, address, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || !memberName.MatchString(name) {
			return nil, fmt.Errorf("%q: want NAME=URL,NAME=URL, such as a=https://10.0.0.1:2380", part)
		}
		if _, err := parsePeer(address); err != nil {
			return nil, err
		}
		if other, taken := peers[name]; taken {
			return nil, fmt.Errorf("%s is both %s and %s", name, other, address)
		}
		for n, a := range peers {
			if a == address {
				return nil, fmt.Errorf("%s and %s have the same URL", n, name)
			}
		}
		peers[name] = address
	}
	return peers, nil
}

func parsePeer(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Port() == "" || u.Path != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("%q: want the URL of a member as https://HOST:PORT", address)
	}
	return u, nil
}

// Check says what is wrong with the settings. Members talk over TLS, in which each shows a certificate, unless all of them are
// on this machine.
func (o *MemberOptions) Check() error {
	if !memberName.MatchString(o.Name) {
		return fmt.Errorf("%q is no name of a member: want letters, digits, dots and dashes", o.Name)
	}
	if o.Peers[o.Name] == "" {
		return fmt.Errorf("%s is not among the peers: %s", o.Name, strings.Join(slices.Sorted(maps.Keys(o.Peers)), ", "))
	}
	secure := o.CA != "" && o.Cert != "" && o.Key != ""
	if !secure && o.CA+o.Cert+o.Key != "" {
		return errors.New("--peer-ca, --peer-cert and --peer-key belong together")
	}
	for _, name := range slices.Sorted(maps.Keys(o.Peers)) {
		u, err := parsePeer(o.Peers[name])
		switch {
		case err != nil:
			return err
		case u.Scheme == "http" && !loopback(u.Host):
			return fmt.Errorf("%s is not on this machine: members talk over TLS, so its URL begins with https (--peer-ca, --peer-cert, --peer-key)", o.Peers[name])
		case u.Scheme == "https" && !secure:
			return fmt.Errorf("%s needs --peer-ca, --peer-cert and --peer-key", o.Peers[name])
		}
	}
	return nil
}

// AddMember enters a member that is to be reached at a URL. It has no vote until it has all that the others have, so that the
// cluster needs it for nothing before.
func (c *cluster) AddMember(ctx context.Context, address string) error {
	if c.opts.Member == nil {
		return errNotOurs
	}
	u, err := parsePeer(address)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrNoMember, err)
	}
	tried := false
	return settled(ctx, func(ctx context.Context) error {
		list, err := c.members(ctx)
		if err != nil {
			return err
		}
		for _, m := range list {
			for _, known := range m.PeerURLs {
				switch k, err := url.Parse(known); {
				case known == address && tried:
					return nil
				case known == address:
					return fmt.Errorf("%w: %s is in the cluster already", store.ErrNoMember, address)
				case err == nil && k.Scheme != u.Scheme:
					return fmt.Errorf("%w: the other members have URLs that begin with %s", store.ErrNoMember, k.Scheme)
				}
			}
		}
		_, err = c.client.MemberAddAsLearner(ctx, []string{address})
		if tried && errors.Is(err, rpctypes.ErrPeerURLExist) {
			return nil
		}
		tried = true
		return err
	})
}

// settling is how long a change of the members is tried. etcd refuses one until its members have been connected for five seconds,
// and answers none while it elects a leader.
const settling = 20 * time.Second

// settled makes a change of the members, in a cluster that may have just begun or just lost a member. A try whose answer was lost
// may have been made: change looks first.
func settled(ctx context.Context, change func(context.Context) error) error {
	patient, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	for {
		try, stop := context.WithTimeout(patient, settling/4) // a proposal made while no leader takes it is never answered
		err := change(try)
		unanswered := try.Err() != nil
		stop()
		switch {
		case err == nil, ctx.Err() != nil:
			return err
		case errors.Is(err, rpctypes.ErrTooManyLearners):
			return fmt.Errorf("%w: %w", store.ErrNoMember, err)
		case patient.Err() != nil:
			return fmt.Errorf("%w: too few members are connected to each other: %w", store.ErrNoMember, err)
		case !unanswered && codeOf(err) != codes.Unavailable && !errors.Is(err, rpctypes.ErrMemberNotEnoughStarted):
			return err
		}
		pause(patient, settling/80)
	}
}

// RemoveMember removes a member by its name or its URL.
func (c *cluster) RemoveMember(ctx context.Context, name string) error {
	if c.opts.Member == nil {
		return errNotOurs
	}
	tried := false
	return settled(ctx, func(ctx context.Context) error {
		list, err := c.members(ctx)
		if err != nil {
			return err
		}
		for _, m := range list {
			if m.Name == name || slices.Contains(m.PeerURLs, name) {
				tried = true
				if _, err := c.client.MemberRemove(ctx, m.ID); !errors.Is(err, rpctypes.ErrMemberNotFound) {
					return err
				}
				return nil
			}
		}
		if tried {
			return nil
		}
		return fmt.Errorf("%w: none has the name or the URL %.200q", store.ErrNoMember, name)
	})
}

// errNotOurs is for a cluster of etcd that runs apart.
var errNotOurs = fmt.Errorf("%w: this etcd runs apart from Portolan: etcdctl changes its members", store.ErrNoMember)

type memberInfo struct {
	ID       uint64
	Name     string
	PeerURLs []string
}

func (c *cluster) members(ctx context.Context) ([]memberInfo, error) {
	got, err := c.client.MemberList(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]memberInfo, 0, len(got.Members))
	for _, m := range got.Members {
		out = append(out, memberInfo{m.ID, m.Name, m.PeerURLs})
	}
	return out, nil
}

// ownMembers is how the members stand that a member in this process knows. Only of itself it knows more than who leads.
func (c *cluster) ownMembers(ctx context.Context) ([]store.MemberStatus, error) {
	list, err := c.members(ctx)
	if err != nil {
		return nil, err
	}
	own, err := c.client.Status(ctx, "")
	if err != nil {
		return nil, err
	}
	out := make([]store.MemberStatus, 0, len(list))
	for _, m := range list {
		s := store.MemberStatus{Name: m.Name, Endpoint: strings.Join(m.PeerURLs, ","), ID: fmt.Sprintf("%x", m.ID), Leader: m.ID == own.Leader}
		if m.ID == own.Header.MemberId {
			s.Version, s.Bytes = own.Version, own.DbSize
		}
		out = append(out, s)
	}
	return out, nil
}
