package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"portolan/internal/analysis"
	"portolan/internal/importer"
	"portolan/internal/page"
	"portolan/internal/snapshot"
)

func importCommand() *cobra.Command {
	var o accountOptions
	var file, reportFile string
	var iamPolicy bool
	format := choice("yaml", "json")
	cmd := &cobra.Command{
		Use:   "import",
		Short: "read a core network of an AWS account into a snapshot file; makes no changes",
		Example: `  portolan import --profile network > network.yaml
  portolan import --core-network core-network-0123456789abcdef0 --record replies --out network.yaml
  portolan import --iam-policy > read-only.json`,
		Long: `Import reads the policy, the attachments and what they announce with calls that only read. Keys and Region come from
AWS's own configuration: environment, profiles, SSO, roles. The report on standard error says what could not be read and which
IAM action is missing; nothing is guessed in its place.

Exit codes: 0; 1 when something could not be read and the snapshot is written all the same; 2 when there is no snapshot.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if iamPolicy {
				_, err := cmd.OutOrStdout().Write(importer.Policy())
				return err
			}
			for _, out := range []dependent{{"--out", file}, {"--report", reportFile}} {
				if out.value == "" {
					continue
				}
				if err := checkOutput(out.flag, out.value, os.O_WRONLY); err != nil {
					return usage(err)
				}
			}
			im, err := o.read(cmd)
			if err != nil {
				return err
			}
			text, err := written(im.Snapshot, format.value)
			if err != nil {
				return err
			}
			if file == "" {
				_, err = cmd.OutOrStdout().Write(text)
			} else {
				err = os.WriteFile(file, text, 0o600)
			}
			if err != nil {
				return usage(err)
			}
			if err := reportTo(cmd, reportFile, im.Report); err != nil {
				return usage(err)
			}
			if !im.Report.Complete() {
				return &exitError{code: exitFindings}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "out", "", "file to write the snapshot to (default standard output)")
	f.StringVar(&reportFile, "report", "", "file to write the report to, as JSON")
	f.BoolVar(&iamPolicy, "iam-policy", false, "print the IAM policy that import, verify and drift need, and end")
	f.VarP(format, "output", "o", "form of the snapshot: yaml or json")
	return o.flags(cmd)
}

func written(s *snapshot.Snapshot, format string) ([]byte, error) {
	if format == "json" {
		return s.JSON()
	}
	return s.YAML()
}

// reportTo writes a report as text to standard error, and as JSON to a file when one is named.
func reportTo(cmd *cobra.Command, file string, r *importer.Report) error {
	if err := r.Page().Text(cmd.ErrOrStderr(), page.Style{}); err != nil || file == "" {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := analysis.WriteJSON(f, r); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

func verifyCommand() *cobra.Command {
	var o accountOptions
	var routing routingFlag
	var file string
	var format *oneOf
	var colour func() painter
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "compare the computed route tables with those of an AWS account, table by table; makes no changes",
		Example: `  portolan verify --profile network
  portolan verify --core-network core-network-0123456789abcdef0 --snapshot network.yaml -o json`,
		Long: `Verify reads the core network as import does, or takes a snapshot of it, computes its tables, and compares every route
table and the routing information of every segment with what AWS shows: prefixes, types, states and next hops. Rows that differ
only because AWS chose another of several equal paths are counted apart. Where rows differ, it says with which --routing setting
fewer do.

Exit codes: 0 when all tables agree; 1 when some do not, or could not be read; 2 when there was nothing to compare.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var snap *snapshot.Snapshot
			var err error
			if file != "" {
				n := networkOptions{file: file}
				if snap, err = n.load(cmd); err != nil {
					return err
				}
			}
			im, err := o.read(cmd)
			if err != nil {
				return err
			}
			v, err := im.Verify(cmd.Context(), snap, routing.options)
			if err != nil {
				return usage(err)
			}
			if err := im.Report.Page().Text(cmd.ErrOrStderr(), page.Style{}); err != nil {
				return err
			}
			if err := show(cmd, format.value, colour(), v, (*importer.Verification).Page); err != nil {
				return err
			}
			if !v.Agrees() {
				return &exitError{code: exitFindings}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "snapshot", "", "network snapshot file to compute the tables from (default: what import reads)")
	f.Var(&routing, "routing", routingUsage)
	format, colour = answerFlag(cmd), colourFlag(cmd)
	return o.flags(cmd)
}

func driftCommand() *cobra.Command {
	var o accountOptions
	var routing routingFlag
	var before, after string
	var exitCode bool
	var format *oneOf
	var colour func() painter
	cmd := &cobra.Command{
		Use:   "drift --snapshot FILE",
		Short: "what has changed in a core network since a snapshot of it: policy, reachability, routes; makes no changes",
		Example: `  portolan drift --snapshot monday.yaml --profile network
  portolan drift --snapshot monday.yaml --with tuesday.yaml -o markdown`,
		Long: `Drift compares two moments of a core network as plan compares two policies: that of a snapshot file, and what import
reads now or another file.

Exit codes: 0; 1 when something has changed and --exit-code is given; 2 when they could not be compared.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if before == "" {
				return usage(errors.New("--snapshot FILE is required"))
			}
			old := networkOptions{file: before, routing: routing}
			was, err := old.examine(cmd)
			if err != nil {
				return err
			}
			var now *analysis.Subject
			if after != "" {
				other := networkOptions{file: after, routing: routing}
				now, err = other.examine(cmd)
			} else {
				now, err = o.examine(cmd, &routing)
			}
			if err != nil {
				return err
			}
			p, err := was.PlanTo(cmd.Context(), now)
			if err != nil {
				return usage(err)
			}
			err = show[analysis.Report](cmd, format.value, colour(), p, was.Page)
			if err == nil && exitCode && !p.Empty {
				return &exitError{code: exitFindings}
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&before, "snapshot", "", "network snapshot file of the earlier moment")
	f.StringVar(&after, "with", "", "network snapshot file of the later moment (default: the account is read)")
	f.Var(&routing, "routing", routingUsage)
	format, colour = answerFlag(cmd), colourFlag(cmd)
	f.BoolVar(&exitCode, "exit-code", false, "exit 1 when something has changed")
	return o.flags(cmd)
}

// examine reads the account and computes its network.
func (o *accountOptions) examine(cmd *cobra.Command, routing *routingFlag) (*analysis.Subject, error) {
	im, err := o.read(cmd)
	if err != nil {
		return nil, err
	}
	if err := im.Report.Page().Text(cmd.ErrOrStderr(), page.Style{}); err != nil {
		return nil, err
	}
	subject, err := analysis.Examine(im.Snapshot, nil, routing.options)
	if err == nil {
		err = subject.Settled()
	}
	if err != nil {
		return nil, usage(err)
	}
	return subject, nil
}
