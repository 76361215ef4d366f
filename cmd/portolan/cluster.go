package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"portolan/internal/page"
	"portolan/internal/store"
	"portolan/internal/store/etcd"
)

// memberFlags are the flags of a server that is a member of the cluster which holds the data.
type memberFlags struct {
	name   string
	peers  string
	listen string
	join   bool
	ca     string
	cert   string
	key    string
}

func (o *memberFlags) flags(f *pflag.FlagSet) {
	f.StringVar(&o.name, "cluster", "", "name of this server among --peers: the servers hold the data together, with no etcd apart")
	f.StringVar(&o.peers, "peers", "", "servers of the cluster and where they reach each other: a=https://10.0.0.1:2380,b=https://10.0.0.2:2380")
	f.StringVar(&o.listen, "peer-listen", "", "address, HOST:PORT, to take the other servers' connections at (default: as in --peers)")
	f.BoolVar(&o.join, "join", false, "the cluster is there already; \"portolan cluster add\" has entered this server")
	f.StringVar(&o.ca, "peer-ca", "", "file of certificates that the servers of the cluster check each other by; needed off this machine")
	f.StringVar(&o.cert, "peer-cert", "", "certificate that this server shows to the others")
	f.StringVar(&o.key, "peer-key", "", "private key of that certificate")
}

// memberFolder is where the member keeps its data, in the data folder.
const memberFolder = "etcd"

// errNoMember is the answer of a binary without one.
var errNoMember = errors.New("--cluster: this build has no member of a cluster in it: \"make build-cluster\" makes bin/portolan-cluster, which has; " +
	"with this one, run etcd apart and give --store")

// check refuses flags of a member where there is none.
func (o *memberFlags) check() error {
	if o.name != "" {
		return nil
	}
	if o.join {
		return errors.New("--join needs --cluster NAME")
	}
	return useless("--cluster NAME", dependent{"--peers", o.peers}, dependent{"--peer-listen", o.listen}, dependent{"--peer-ca", o.ca},
		dependent{"--peer-cert", o.cert}, dependent{"--peer-key", o.key})
}

// options are those of the member with its data in a folder.
func (o *memberFlags) options(folder string) (*etcd.MemberOptions, error) {
	opts := &etcd.MemberOptions{
		Name: o.name, Dir: filepath.Join(folder, memberFolder), Listen: o.listen, Join: o.join,
		CA: o.ca, Cert: o.cert, Key: o.key,
	}
	if o.listen != "" {
		if _, _, err := hostPort("--peer-listen", o.listen); err != nil {
			return nil, err
		}
	}
	var err error
	if opts.Peers, err = etcd.ParsePeers(o.peers); err != nil {
		return nil, fmt.Errorf("--peers: %w", err)
	}
	if err := opts.Check(); err != nil {
		return nil, fmt.Errorf("--cluster: %w", err)
	}
	for _, file := range []dependent{{"--peer-ca", o.ca}, {"--peer-cert", o.cert}, {"--peer-key", o.key}} {
		if file.value == "" {
			continue
		}
		if _, err := os.ReadFile(file.value); err != nil {
			return nil, fmt.Errorf("%s: %w", file.flag, pathError(file.value, err))
		}
	}
	if _, err := os.Stat(filepath.Join(folder, dataFile)); err == nil {
		return nil, fmt.Errorf("the data folder %s is that of one server: \"portolan migrate\" copies it to a cluster", folder)
	}
	if startMember == nil {
		return nil, errNoMember
	}
	return opts, nil
}

// startIn starts a member in a folder. fail is called when it ends by itself.
func startIn(ctx context.Context, folder string, opts *etcd.MemberOptions, fail func(error)) (etcd.Member, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be made: %w", folder, errors.Unwrap(err))
	}
	unlock, err := store.Lock(folder)
	if err != nil {
		return nil, dataError(folder, err)
	}
	member, err := startMember(ctx, *opts, fail)
	if err != nil {
		unlock()
		return nil, err
	}
	return lockedMember{member, unlock}, nil
}

// lockedMember holds the data folder for as long as the member runs.
type lockedMember struct {
	etcd.Member
	unlock func()
}

func (m lockedMember) Close() error {
	defer m.unlock()
	return m.Member.Close()
}

func clusterMembersCommands() []*cobra.Command {
	change := func(use, short, example, method, parameter, done string) *cobra.Command {
		var o networkOptions
		cmd := &cobra.Command{
			Use: use, Short: short, Example: example, Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				ctx, cancel := context.WithTimeout(cmd.Context(), time.Minute)
				defer cancel()
				query := url.Values{parameter: args}
				if _, err := answer(ctx, o.endpoint, method, "/_portolan/cluster/members?"+query.Encode(), 1<<20); err != nil {
					return err
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), done, args[0])
				return err
			},
		}
		o.endpointFlag(cmd)
		return cmd
	}
	return []*cobra.Command{
		change("add URL", "enter a server that is to join the cluster, by the URL where the others will reach it",
			"  portolan cluster add https://10.0.0.4:2380", http.MethodPost, "url", "%s may join: start it with --join and all servers in --peers\n"),
		change("remove NAME", "remove a server from the cluster, by its name or its URL",
			"  portolan cluster remove c", http.MethodDelete, "member", "%s is no member any more\n"),
	}
}

func clusterCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "cluster",
		Short:   "several servers on one store",
		Example: "  portolan cluster status\n  portolan cluster add https://10.0.0.4:2380",
	}
	cmd.AddCommand(clusterStatusCommand())
	cmd.AddCommand(clusterMembersCommands()...)
	return cmd
}

func clusterStatusCommand() *cobra.Command {
	var o networkOptions
	var format *oneOf
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "show the servers that share a store, what each owns, and the members of the etcd cluster",
		Example: "  portolan cluster status\n  portolan cluster status --endpoint http://127.0.0.1:4567",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Second)
			defer cancel()
			text, err := answer(ctx, o.endpoint, http.MethodGet, "/_portolan/cluster", 1<<20)
			if err != nil {
				return err
			}
			var status store.Status
			if err := understood(text, &status); err != nil {
				return err
			}
			return show(cmd, format.value, false, &status, clusterPage)
		},
	}
	o.endpointFlag(cmd)
	format = answerFlag(cmd)
	return cmd
}

// clusterPage is the servers with what each does alone, then the members of the etcd cluster.
func clusterPage(s *store.Status) *page.Page {
	p := &page.Page{}
	p.Line(page.Plain, "server %s: revision %d, %d behind, %d commits, %d made again after a conflict", s.Server, s.Revision, s.Behind, s.Commits, s.Conflicts)
	p.Line(page.Plain, "")
	var servers, members [][]page.Cell
	for _, name := range slices.Sorted(maps.Keys(s.Servers)) {
		var owns []string
		for _, work := range slices.Sorted(maps.Keys(s.Owners)) {
			if s.Owners[work] == name {
				owns = append(owns, work)
			}
		}
		servers = append(servers, page.Cells(name, s.Servers[name], strings.Join(owns, ", ")))
	}
	p.Rows([]string{"SERVER", "SAYS", "OWNS"}, servers)
	p.Line(page.Plain, "")
	for _, m := range s.Members {
		role, bytes := "follower", ""
		switch {
		case m.Error != "":
			role = m.Error
		case m.Leader:
			role = "leader"
		}
		if m.Version != "" {
			bytes = fmt.Sprint(m.Bytes)
		}
		members = append(members, page.Cells(cmp.Or(m.Name, m.Endpoint), role, m.Endpoint, m.Version, bytes))
	}
	p.Rows([]string{"ETCD MEMBER", "ROLE", "ADDRESS", "VERSION", "BYTES"}, members)
	return p
}
