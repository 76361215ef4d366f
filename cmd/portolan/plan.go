package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func planCommand() *cobra.Command {
	o := networkOptions{ownPolicy: true}
	var policyFile string
	var exitCode bool
	format := choice("text", "markdown", "json")
	cmd := &cobra.Command{
		Use:   "plan --policy NEW",
		Short: "preview a policy change: routes added, withdrawn, re-routed; reachability and inspection gained or lost",
		Example: `  portolan plan --snapshot network.yaml --policy new.json
  terraform show -json plan.out | portolan plan --core-network core-network-0123456789abcdef0 --policy - -o markdown`,
		Long: `Plan computes the network under its current policy and under the new one, and compares: the change set, routes added,
withdrawn and re-routed in each route table, reachability gained and lost between segments and between attachments, pairs
that are no longer inspected, edge locations and accounts affected. NEW is a policy document or a Terraform plan with one.

Exit codes: 0; 1 when something changes and --exit-code is given; 2 when the plan could not be computed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if policyFile == "" {
				return usage(errors.New("--policy FILE is required"))
			}
			document, err := readPolicy(cmd, policyFile)
			if err != nil {
				return err
			}
			subject, err := o.examine(cmd)
			if err != nil {
				return err
			}
			p, err := subject.Plan(cmd.Context(), document)
			if err != nil {
				return usage(err)
			}
			if format.value == "markdown" {
				err = p.WriteMarkdown(cmd.OutOrStdout())
			} else {
				err = answer(cmd, p, format.value)
			}
			if err == nil && exitCode && !p.Empty {
				return &exitError{code: exitFindings}
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&policyFile, "policy", "", "the new policy: a document, or a Terraform plan with one")
	f.VarP(format, "output", "o", "text, markdown or json")
	f.BoolVar(&exitCode, "exit-code", false, "exit 1 when something changes")
	return o.flags(cmd)
}
