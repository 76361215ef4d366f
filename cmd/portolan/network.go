package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/spf13/cobra"

	"portolan/internal/analysis"
	"portolan/internal/snapshot"
	"portolan/routing"
)

// networkOptions say which network a question is about: a snapshot file, or a core network of a running server.
type networkOptions struct {
	file        string
	endpoint    string
	coreNetwork string
	policy      string // file of a policy to compute the network under; empty: its own
	routing     routingFlag
	ownPolicy   bool // it is about the network as it is: --policy is no flag, or another one
	unsettled   bool // the question can be answered although some prefixes never settle
}

func (o *networkOptions) flags(cmd *cobra.Command) *cobra.Command {
	f := cmd.Flags()
	f.StringVar(&o.file, "snapshot", "", "network snapshot file, JSON or YAML; - is the standard input")
	o.endpointFlag(cmd)
	f.StringVar(&o.coreNetwork, "core-network", "", "core network ID on the server")
	f.Var(&o.routing, "routing", routingUsage)
	if !o.ownPolicy {
		f.StringVar(&o.policy, "policy", "", "compute the network under this policy instead of its own")
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	return cmd
}

func (o *networkOptions) endpointFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.endpoint, "endpoint", cmp.Or(os.Getenv("AWS_ENDPOINT_URL_NETWORKMANAGER"), "http://127.0.0.1:4566"),
		"server URL (default $AWS_ENDPOINT_URL_NETWORKMANAGER, else http://127.0.0.1:4566)")
}

// load reads the network.
func (o *networkOptions) load(ctx context.Context, stdin io.Reader) (*snapshot.Snapshot, error) {
	var data []byte
	var err error
	switch {
	case o.file != "" && o.coreNetwork != "":
		return nil, usage(errors.New("--snapshot and --core-network exclude each other"))
	case o.file == "-":
		data, err = io.ReadAll(io.LimitReader(stdin, snapshot.MaxFile+1))
	case o.file != "":
		data, err = os.ReadFile(o.file)
	case o.coreNetwork != "":
		data, err = o.fetch(ctx)
	default:
		return nil, usage(errors.New("name the network: --snapshot FILE, or --core-network ID of a running server"))
	}
	if err != nil {
		return nil, usage(err)
	}
	s, err := snapshot.Parse(data)
	if err != nil {
		return nil, usage(err)
	}
	return s, nil
}

// ask sends a GET to the server, signed with the keys of the environment or else as AWS's local tools are.
func (o *networkOptions) ask(ctx context.Context, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, o.endpoint+path, nil)
	if err != nil {
		return nil, err
	}
	keys := aws.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
	}
	if keys.AccessKeyID == "" {
		keys.AccessKeyID, keys.SecretAccessKey = "000000000000", "any"
	}
	empty := sha256.Sum256(nil)
	if err := v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(empty[:]), "networkmanager", "us-west-2", time.Now()); err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(r)
}

// fetch asks the server for the core network.
func (o *networkOptions) fetch(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	resp, err := o.ask(ctx, "/_portolan/snapshot?core-network="+url.QueryEscape(o.coreNetwork))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(resp.Body, snapshot.MaxFile+1))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answers %s: %.500s", resp.Status, data)
	}
	return data, nil
}

// examine loads the network and computes it, under another policy when one is given.
func (o *networkOptions) examine(cmd *cobra.Command) (*analysis.Subject, error) {
	var document []byte
	if o.policy != "" {
		if err := onceStdin(o.file, o.policy); err != nil {
			return nil, err
		}
		var err error
		if document, err = readPolicy(cmd, o.policy); err != nil {
			return nil, err
		}
	}
	s, err := o.load(cmd.Context(), cmd.InOrStdin())
	if err != nil {
		return nil, err
	}
	subject, err := analysis.Examine(s, document, o.routing.options)
	if err == nil && !o.unsettled {
		err = subject.Settled()
	}
	if err != nil {
		return nil, usage(err)
	}
	return subject, nil
}

// answer prints a report.
func answer(cmd *cobra.Command, r analysis.Report, format string) error {
	if format == "json" {
		return analysis.WriteJSON(cmd.OutOrStdout(), r)
	}
	return r.WriteText(cmd.OutOrStdout())
}

// tableFlags name a table.
type tableFlags struct{ segment, group, edge string }

func (t *tableFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.segment, "segment", "", "segment name")
	cmd.Flags().StringVar(&t.group, "network-function-group", "", "network function group name")
	cmd.Flags().StringVar(&t.edge, "edge", "", "edge location")
}

func (t *tableFlags) id() routing.TableID {
	return routing.TableID{Segment: t.segment, NetworkFunctionGroup: t.group, Edge: t.edge}
}
