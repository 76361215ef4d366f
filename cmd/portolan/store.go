package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"

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

	member memberFlags
}

func (o *storeOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.address, "store", "", "etcd cluster that holds the data in place of the data directory: etcd://host,host,host/prefix")
	f.StringVar(&o.reads, "store-reads", "local", "local: what this server has seen; linearizable: what any server has answered")
	f.StringVar(&o.name, "store-name", "", "name of this server among those that share the store (default: host name and a random number)")
	o.tlsFlags(f)
	o.member.flags(f)
}

func (o *storeOptions) tlsFlags(f *pflag.FlagSet) {
	f.StringVar(&o.ca, "store-ca", "", "file of certificates that the etcd cluster is checked by; needed off this machine")
	f.StringVar(&o.cert, "store-cert", "", "certificate that this server shows to the etcd cluster")
	f.StringVar(&o.key, "store-key", "", "private key of that certificate")
	f.StringVar(&o.user, "store-user", "", "user at the etcd cluster")
	f.StringVar(&o.passwordFile, "store-password-file", "", "file with the password of that user")
}

// check refuses flags that go with another which is not given, and words that are none.
func (o *storeOptions) check() error {
	m := &o.member
	if o.address == "" {
		if err := o.unconnected("--store"); err != nil {
			return err
		}
	}
	if err := m.check(); err != nil {
		return err
	}
	switch {
	case o.name != "" && o.address == "" && m.name == "":
		return errors.New("--store-name needs --store or --cluster")
	case o.name != "" && m.name != "" && o.name != m.name:
		return errors.New("--store-name: with --cluster the server has the name of its member")
	case o.reads != "local" && o.reads != "linearizable":
		return fmt.Errorf("--store-reads %q: want local or linearizable", o.reads)
	}
	return nil
}

// unconnected refuses the flags about an etcd cluster, because none was named by what is said.
func (o *storeOptions) unconnected(by string) error {
	return useless(by, dependent{"--store-ca", o.ca}, dependent{"--store-cert", o.cert}, dependent{"--store-key", o.key},
		dependent{"--store-user", o.user}, dependent{"--store-password-file", o.passwordFile})
}

// openMember opens the store whose cluster this process is a member of, with its data in a folder. about is what others see of the
// server; fail is called when the member ends by itself.
func (o *storeOptions) openMember(ctx context.Context, opts *etcd.MemberOptions, folder, about string, fail func(error)) (store.Store, error) {
	member, err := startIn(ctx, folder, opts, fail)
	if err != nil {
		return nil, err
	}
	o.name = o.member.name
	return o.openAs(ctx, etcd.Options{Member: member, Prefix: "portolan"}, about)
}

func (o *storeOptions) openAs(ctx context.Context, opts etcd.Options, about string) (store.Store, error) {
	opts.Linearizable = o.reads == "linearizable"
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
		return nil, errors.Join(fmt.Errorf("%s: %w: run \"portolan migrate\" again", cmp.Or(o.address, "the cluster"), err), st.Close())
	}
	return st, nil
}

// options are how the cluster is reached.
func (o *storeOptions) options() (etcd.Options, error) {
	opts, err := etcd.ParseURL(o.address)
	if err != nil {
		return opts, usage(fmt.Errorf("--store: %w", err))
	}
	if opts.TLS, err = o.tls(); err != nil {
		return opts, err
	}
	if (o.user == "") != (o.passwordFile == "") {
		return opts, usage(errors.New("--store-user and --store-password-file belong together"))
	}
	if opts.User = o.user; o.user != "" {
		password, err := os.ReadFile(o.passwordFile)
		if err != nil {
			return opts, fmt.Errorf("--store-password-file: %w", pathError(o.passwordFile, err))
		}
		opts.Password = string(bytes.TrimSpace(password))
	}
	return opts, nil
}

func (o *storeOptions) tls() (*tls.Config, error) {
	if (o.cert == "") != (o.key == "") {
		return nil, usage(errors.New("--store-cert and --store-key belong together"))
	}
	if o.ca == "" && o.cert == "" {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.ca != "" {
		text, err := os.ReadFile(o.ca)
		if err != nil {
			return nil, fmt.Errorf("--store-ca: %w", pathError(o.ca, err))
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
		Use:   "migrate etcd://HOST,HOST/PREFIX | FOLDER",
		Short: "copy the data of a folder to an etcd cluster or a new member, or back; no server may run on either",
		Example: `  portolan migrate --data portolan-data etcd://10.0.0.1,10.0.0.2,10.0.0.3/wan --store-ca ca.pem
  portolan migrate --back --data one-server etcd://10.0.0.1/wan --store-ca ca.pem
  portolan migrate --data portolan-data --cluster a --peers a=https://10.0.0.1:2380 --peer-ca ca.pem --peer-cert a.pem --peer-key a.key member`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			o.address = args[0]
			if err := o.member.check(); err != nil {
				return usage(err)
			}
			if err := holdsData(data); err != nil && !back {
				return err
			}
			shared, err := o.openToCopy(cmd.Context(), back, cmd.ErrOrStderr())
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
	o.member.flags(f)
	return cmd
}

// toCopy is how the cluster is reached that is copied to or from: by its address, or as its only member.
func (o *storeOptions) toCopy(ctx context.Context, progress io.Writer) (etcd.Options, error) {
	if o.member.name == "" {
		opts, err := o.options()
		if err != nil {
			return opts, usage(err)
		}
		_, err = fmt.Fprintf(progress, "waiting for %s\n", o.address)
		return opts, err
	}
	if err := o.unconnected("the address of an etcd cluster"); err != nil {
		return etcd.Options{}, usage(err)
	}
	member, err := o.member.options(o.address)
	if err != nil {
		return etcd.Options{}, usage(err)
	}
	member.Log = slog.New(slog.DiscardHandler)
	started, err := startIn(ctx, o.address, member, func(error) {})
	return etcd.Options{Member: started, Prefix: "portolan"}, err
}

// openToCopy opens the cluster, also where it holds half a copy that is to be made anew, and refuses it while servers run.
func (o *storeOptions) openToCopy(ctx context.Context, whole bool, progress io.Writer) (store.Store, error) {
	opts, err := o.toCopy(ctx, progress)
	if err != nil {
		return nil, err
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
