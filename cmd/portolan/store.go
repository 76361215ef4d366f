package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"portolan/internal/store"
	"portolan/internal/store/etcd"
)

// storeOptions say which cluster holds the data that several servers share.
type storeOptions struct {
	address      string
	reads        string
	name         string
	ca           string
	cert, key    string
	user         string
	passwordFile string
}

func (o *storeOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.address, "store", "", "etcd cluster that holds the data in place of the data directory: etcd://host,host,host/prefix")
	f.StringVar(&o.reads, "store-reads", "local", "local: what this server has seen; linearizable: what any server has answered")
	f.StringVar(&o.name, "store-name", "", "name of this server among those that share the store (default: host name and a random number)")
	o.tlsFlags(f)
}

func (o *storeOptions) tlsFlags(f *pflag.FlagSet) {
	f.StringVar(&o.ca, "store-ca", "", "file of certificates that the etcd cluster is checked by; needed off this machine")
	f.StringVar(&o.cert, "store-cert", "", "certificate that this server shows to the etcd cluster")
	f.StringVar(&o.key, "store-key", "", "private key of that certificate")
	f.StringVar(&o.user, "store-user", "", "user at the etcd cluster")
	f.StringVar(&o.passwordFile, "store-password-file", "", "file with the password of that user")
}

// open opens the store. about is what others see of the server.
func (o *storeOptions) open(ctx context.Context, about string) (store.Store, error) {
	opts, err := o.options()
	if err != nil {
		return nil, err
	}
	switch o.reads {
	case "", "local":
	case "linearizable":
		opts.Linearizable = true
	default:
		return nil, fmt.Errorf("--store-reads %q: want local or linearizable", o.reads)
	}
	if opts.Server, opts.About = o.name, about; opts.Server == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, err
		}
		opts.Server = fmt.Sprintf("%s-%06x", host, rand.Uint32()>>8)
	}
	st, err := etcd.Open(ctx, opts)
	if err != nil {
		return nil, err
	}
	if err := store.Whole(ctx, st); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w: run \"portolan migrate\" again", o.address, err), st.Close())
	}
	return st, nil
}

// options are how the cluster is reached.
func (o *storeOptions) options() (etcd.Options, error) {
	opts, err := etcd.ParseURL(o.address)
	if err != nil {
		return opts, fmt.Errorf("--store: %w", err)
	}
	if opts.TLS, err = o.tls(); err != nil {
		return opts, err
	}
	if (o.user == "") != (o.passwordFile == "") {
		return opts, errors.New("--store-user and --store-password-file belong together")
	}
	if opts.User = o.user; o.user != "" {
		password, err := os.ReadFile(o.passwordFile)
		if err != nil {
			return opts, fmt.Errorf("--store-password-file: %w", err)
		}
		opts.Password = string(bytes.TrimSpace(password))
	}
	return opts, nil
}

func (o *storeOptions) tls() (*tls.Config, error) {
	if (o.cert == "") != (o.key == "") {
		return nil, errors.New("--store-cert and --store-key belong together")
	}
	if o.ca == "" && o.cert == "" {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.ca != "" {
		text, err := os.ReadFile(o.ca)
		if err != nil {
			return nil, fmt.Errorf("--store-ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--store-ca: %s holds no certificate in PEM form", o.ca)
		}
	}
	if o.cert != "" {
		pair, err := tls.LoadX509KeyPair(o.cert, o.key)
		if err != nil {
			return nil, fmt.Errorf("--store-cert: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func migrateCommand() *cobra.Command {
	var o storeOptions
	var data string
	var back bool
	cmd := &cobra.Command{
		Use:   "migrate etcd://HOST,HOST/PREFIX",
		Short: "copy the data of a folder to an etcd cluster, or back; no server may run on either",
		Example: `  portolan migrate --data portolan-data etcd://10.0.0.1,10.0.0.2,10.0.0.3/wan --store-ca ca.pem
  portolan migrate --back --data one-server etcd://10.0.0.1/wan --store-ca ca.pem`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			o.address = args[0]
			shared, err := o.openToCopy(cmd.Context(), back)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, shared.Close()) }()
			folder, err := openFolder(data)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, folder.Close()) }()
			from, to, place := folder, shared, o.address
			if back {
				from, to, place = shared, folder, data
			}
			entries, err := store.Copy(cmd.Context(), to, from)
			if err != nil {
				return fmt.Errorf("%s: %w", place, err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d entries\n", place, entries)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&data, "data", "portolan-data", "folder of the data")
	f.BoolVar(&back, "back", false, "copy from the cluster to the folder")
	o.tlsFlags(f)
	return cmd
}

// openToCopy opens the cluster, also where it holds half a copy that is to be made anew, and refuses it while servers run.
func (o *storeOptions) openToCopy(ctx context.Context, whole bool) (store.Store, error) {
	opts, err := o.options()
	if err != nil {
		return nil, usage(err)
	}
	opts.Server, opts.About = fmt.Sprintf("migrate-%06x", rand.Uint32()>>8), "portolan migrate"
	st, err := etcd.Open(ctx, opts)
	if err != nil {
		return nil, err
	}
	status, err := st.(store.Shared).Status(ctx)
	if err == nil && len(status.Servers) > 1 {
		delete(status.Servers, opts.Server)
		err = fmt.Errorf("%s is in use by %v", o.address, slices.Sorted(maps.Keys(status.Servers)))
	}
	if err == nil && whole {
		err = store.Whole(ctx, st)
	}
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return st, nil
}

func clusterCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "cluster",
		Short:   "several servers on one store",
		Example: "  portolan cluster status",
	}
	cmd.AddCommand(clusterStatusCommand())
	return cmd
}

func clusterStatusCommand() *cobra.Command {
	var o networkOptions
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
			if err := json.Unmarshal(text, &status); err != nil {
				return fmt.Errorf("the server's answer: %w", err)
			}
			return printCluster(cmd.OutOrStdout(), &status)
		},
	}
	o.endpointFlag(cmd)
	return cmd
}

func printCluster(w io.Writer, s *store.Status) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "server %s: revision %d, %d behind, %d commits, %d made again after a conflict\n\nSERVERS\n", s.Server, s.Revision, s.Behind, s.Commits, s.Conflicts)
	for _, name := range slices.Sorted(maps.Keys(s.Servers)) {
		fmt.Fprintf(&b, "  %-30s %s", name, s.Servers[name])
		for _, work := range slices.Sorted(maps.Keys(s.Owners)) {
			if s.Owners[work] == name {
				fmt.Fprintf(&b, "  owns %s", work)
			}
		}
		b.WriteByte('\n')
	}
	b.WriteString("\nETCD MEMBERS\n")
	for _, m := range s.Members {
		role := "follower"
		switch {
		case m.Error != "":
			role = m.Error
		case m.Leader:
			role = "leader"
		}
		fmt.Fprintf(&b, "  %-30s %-10s etcd %s, %d bytes\n", m.Endpoint, role, m.Version, m.Bytes)
	}
	_, err := w.Write(b.Bytes())
	return err
}
