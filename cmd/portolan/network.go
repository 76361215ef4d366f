package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"portolan/internal/analysis"
	"portolan/internal/page"
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
	ownPolicy   bool   // it is about the network as it is: --policy is no flag, or another one
	data        []byte // the snapshot file, once it is read
	unsettled   bool   // the question can be answered although some prefixes never settle

	output *oneOf
	colour func() painter
}

// question adds the flags of a question: the network, and how the answer is printed. More formats than the usual three may be
// given; the first is the default.
func (o *networkOptions) question(cmd *cobra.Command, formats ...string) *cobra.Command {
	o.output = answerFlag(cmd, formats...)
	o.colour = colourFlag(cmd)
	return o.flags(cmd)
}

// noFile refuses arguments of a question: the network is named by a flag.
func noFile(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usage(fmt.Errorf("%s takes no argument: write %[1]s --snapshot %s", cmd.CommandPath(), args[0]))
}

// flags adds the flags that name the network.
func (o *networkOptions) flags(cmd *cobra.Command) *cobra.Command {
	f := cmd.Flags()
	f.StringVar(&o.file, "snapshot", "", "network snapshot file, JSON or YAML; - is the standard input")
	o.endpointFlag(cmd)
	f.StringVar(&o.coreNetwork, "core-network", "", "core network ID on the server")
	f.Var(&o.routing, "routing", routingUsage)
	if !o.ownPolicy {
		f.StringVar(&o.policy, "policy", "", "compute the network under this policy instead of its own")
	}
	o.completeNames(cmd)
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	return cmd
}

func (o *networkOptions) endpointFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.endpoint, "endpoint", "",
		"server URL (default: the endpoint that AWS's environment variables and profiles name for Network Manager, else "+defaultEndpoint+")")
}

// load reads the network.
func (o *networkOptions) load(cmd *cobra.Command) (*snapshot.Snapshot, error) {
	o.flagsWin(cmd)
	var data []byte
	var err error
	switch {
	case o.file != "" && o.coreNetwork != "":
		return nil, usage(errors.New("--snapshot and --core-network exclude each other, and so do PORTOLAN_SNAPSHOT and PORTOLAN_CORE_NETWORK"))
	case o.file != "":
		data, err = readFile(cmd.InOrStdin(), o.file)
	case o.coreNetwork != "":
		data, err = o.fetch(cmd.Context())
	default:
		return nil, usage(errors.New("name the network: --snapshot FILE, or --core-network ID of a running server"))
	}
	if err != nil {
		return nil, usage(err)
	}
	s, err := snapshot.Parse(data)
	if err != nil && o.file != "" {
		err = fmt.Errorf("%s: %w", called(cmd.InOrStdin(), o.file), err)
	}
	if err != nil {
		return nil, usage(err)
	}
	if o.file != "" {
		o.data = data
	}
	return s, nil
}

// flagsWin drops what a variable of the environment names beside a flag that excludes it.
func (o *networkOptions) flagsWin(cmd *cobra.Command) {
	switch f := cmd.Flags(); {
	case f.Changed("core-network") && f.Changed("snapshot"):
	case f.Changed("core-network") && o.coreNetwork != "": // the flag of drift names a network of AWS
		o.file = ""
	case f.Changed("snapshot"):
		o.coreNetwork = ""
	}
}

// fetch asks the server for the core network.
func (o *networkOptions) fetch(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return answer(ctx, o.endpoint, http.MethodGet, "/_portolan/snapshot?core-network="+url.QueryEscape(o.coreNetwork), snapshot.MaxFile+1)
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
	s, err := o.load(cmd)
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
	if o.coreNetwork != "" {
		subject.Beside = o.beside
	}
	return subject, nil
}

// beside asks the server for what it finds in its catalog, which is in no snapshot.
func (o *networkOptions) beside(ctx context.Context) ([]analysis.Finding, error) {
	var all analysis.Diagnosis
	if err := o.call(ctx, http.MethodGet, "/_portolan/core-networks/"+url.PathEscape(o.coreNetwork)+"/doctor", url.Values{"all": {"true"}}, &all); err != nil {
		return nil, err
	}
	var list []analysis.Finding
	for i := range all {
		if r := &all[i]; analysis.OfCatalog(r.Check) {
			list = append(list, analysis.Finding{Name: r.Check, Instance: analysis.Instance{Subjects: r.Subjects, Message: r.Message, Detail: r.Detail}})
		}
	}
	return list, nil
}

// answer prints a report about a network.
func (o *networkOptions) answer(cmd *cobra.Command, s *analysis.Subject, r analysis.Report) error {
	return show(cmd, o.output.value, o.colour(), r, s.Page)
}

// show prints an answer: itself as JSON, its page as Markdown or for the terminal. Every command that answers prints by it.
func show[A any](cmd *cobra.Command, format string, colour painter, answer A, pageOf func(A) *page.Page) error {
	w := cmd.OutOrStdout()
	switch format {
	case "json":
		return analysis.WriteJSON(w, answer)
	case "markdown":
		return pageOf(answer).Markdown(w)
	}
	return pageOf(answer).Text(w, page.Style{Colour: bool(colour), Width: terminalWidth(w)})
}

// answerFlag adds the flag of how an answer is printed. More formats than the usual three may be given; the first is the default.
func answerFlag(cmd *cobra.Command, formats ...string) *oneOf {
	if formats == nil {
		formats = []string{"text", "json", "markdown"}
	}
	output := choice(formats...)
	cmd.Flags().VarP(output, "output", "o", output.list())
	completeWords(cmd, "output", formats...)
	return output
}

// terminalWidth is how many characters a line of the terminal has; 0: it is no terminal. COLUMNS goes before.
func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
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
