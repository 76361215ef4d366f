package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"portolan/internal/catalog/ec2"
	"portolan/internal/importer"
)

// accountOptions say which account is read, and how.
type accountOptions struct {
	profile     string
	region      string
	endpoint    string
	coreNetwork string
	roleARN     string
	ec2Endpoint string
	noEC2       bool
	record      string
	offline     bool
	redact      bool
	parallel    int

	redactor *importer.Redactor // nil: nothing is replaced
}

// maxParallel is far more than AWS lets an account make at a time.
const maxParallel = 100

func (o *accountOptions) flags(cmd *cobra.Command) *cobra.Command {
	f := cmd.Flags()
	f.StringVar(&o.profile, "profile", "", "profile of the AWS configuration files")
	f.StringVar(&o.region, "region", "us-west-2", "home Region of Network Manager: us-west-2, or us-gov-west-1")
	f.StringVar(&o.endpoint, "endpoint", "", "endpoint of Network Manager (default AWS's own, or as the AWS configuration says)")
	f.StringVar(&o.coreNetwork, "core-network", "", "core network ID; not needed where the account has only one")
	f.StringVar(&o.roleARN, "role-arn", "", "role to assume for EC2 calls in the account of an attachment, such as arn:aws:iam::{account}:role/NAME")
	f.StringVar(&o.ec2Endpoint, "ec2-endpoint", "", "endpoint of EC2 and Direct Connect (default AWS's own, or as the AWS configuration says)")
	f.BoolVar(&o.noEC2, "no-ec2", false, "make no calls to EC2 and Direct Connect")
	f.StringVar(&o.record, "record", "", "folder to keep the replies in; replies that are there are used instead of asking again")
	f.BoolVar(&o.offline, "offline", false, "use the replies in the folder of --record only")
	f.BoolVar(&o.redact, "redact", false, "replace account IDs in the output and in recorded replies")
	o.parallel = 5
	f.Var(number{&o.parallel, 1, maxParallel}, "parallel", fmt.Sprintf("calls at a time, up to %d", maxParallel))
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	return cmd
}

// read reads the core network of the account. What it fails with ends the command with 2.
func (o *accountOptions) read(cmd *cobra.Command) (*importer.Import, error) {
	p := newProgress(cmd.ErrOrStderr())
	cfg, err := o.config(cmd.Context(), p.waits)
	if err != nil {
		return nil, usage(err)
	}
	cfg.Progress = p.show
	im, err := importer.Read(cmd.Context(), *cfg)
	p.end()
	if err != nil && o.redactor != nil {
		err = errors.New(o.redactor.Text(err.Error())) // it names who was refused
	}
	if err != nil {
		return nil, usage(err)
	}
	if o.redactor != nil {
		if err := im.Redact(o.redactor); err != nil {
			return nil, usage(err)
		}
	}
	return im, nil
}

// config is AWS's configuration chain with what the flags say. What is waited for before a call is made again is said.
func (o *accountOptions) config(ctx context.Context, say func(time.Duration, error)) (*importer.Config, error) {
	if o.offline && o.record == "" {
		return nil, errors.New("--offline takes the replies from the folder of --record")
	}
	for flag, text := range map[string]string{"--endpoint": o.endpoint, "--ec2-endpoint": o.ec2Endpoint} {
		if text != "" {
			if err := checkURL(flag, text); err != nil {
				return nil, err
			}
		}
	}
	chain := []func(*config.LoadOptions) error{config.WithRegion(o.region), config.WithLogger(logging.Nop{})}
	if o.profile != "" {
		chain = append(chain, config.WithSharedConfigProfile(o.profile))
	}
	if o.endpoint != "" {
		chain = append(chain, config.WithBaseEndpoint(o.endpoint))
	}
	if o.offline {
		chain = append(chain, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("offline", "offline", "")))
	}
	c, err := config.LoadDefaultConfig(ctx, chain...)
	if err != nil {
		return nil, err
	}
	if _, err := c.Credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("no AWS credentials: name a profile with --profile, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or sign in with \"aws sso login\": %w", err)
	}
	if o.redact {
		o.redactor = &importer.Redactor{}
	}
	client := &http.Client{}
	if o.record != "" {
		if client.Transport, err = importer.NewRecorder(o.record, o.offline, o.redactor, nil); err != nil {
			return nil, fmt.Errorf("--record: %w", err)
		}
	}
	c.HTTPClient = client
	retryer := func() aws.Retryer { return importer.Retryer(say) }
	cfg := &importer.Config{AWS: c, CoreNetwork: o.coreNetwork, Parallel: o.parallel, Retryer: retryer()}
	if !o.noEC2 && (o.endpoint == "" || o.ec2Endpoint != "") {
		cfg.Catalog = ec2.New(ec2.Config{
			Endpoint:    cmp.Or(o.ec2Endpoint, os.Getenv("AWS_ENDPOINT_URL_EC2"), os.Getenv("AWS_ENDPOINT_URL")),
			Credentials: o.credentials(c), HTTPClient: client, Retryer: retryer,
		})
	}
	return cfg, nil
}

// credentials are the keys of the chain, or those of a role in the account that is asked.
func (o *accountOptions) credentials(c aws.Config) func(string) aws.CredentialsProvider {
	if o.roleARN == "" {
		return func(string) aws.CredentialsProvider { return c.Credentials }
	}
	client := sts.NewFromConfig(c)
	var mu sync.Mutex
	kept := map[string]aws.CredentialsProvider{} // so that a role is assumed once
	return func(account string) aws.CredentialsProvider {
		mu.Lock()
		defer mu.Unlock()
		if kept[account] == nil {
			kept[account] = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(client, strings.ReplaceAll(o.roleARN, "{account}", account),
				func(r *stscreds.AssumeRoleOptions) { r.RoleSessionName = "portolan-import" }))
		}
		return kept[account]
	}
}

// progress says how far a reading is, on a terminal, and what is waited for. Calls that are made side by side share it.
type progress struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
}

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

const clearLine = "\r\x1b[K"

func (p *progress) show(what string, n, of int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal {
		fmt.Fprintf(p.w, clearLine+"%s: %d of %d", what, n, of)
	}
}

// waits says before a call is made again why that is, and when.
func (p *progress) waits(wait time.Duration, reason error) {
	if wait < time.Second { // too short to matter
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprintf(p.w, "%v; the call is made again in %s\n", reason, wait.Round(time.Second))
}

// end clears the line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

func (p *progress) clear() {
	if p.terminal {
		fmt.Fprint(p.w, clearLine)
	}
}
