package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func planCommand() *cobra.Command {
	var o networkOptions
	var policyFile string
	var exitCode bool
	format := choice("text", "markdown", "json")
	cmd := &cobra.Command{
		Use:   "plan --policy NEW",
		Short: "tell which routes and which reachability a change of policy adds, loses and moves, before it is executed",
		Long: `Plan computes the network twice, under its own policy and under the new one, and compares: the change set, routes
added, lost and moved in each table, reachability gained and lost between segments and between attachments, pairs that
stop being inspected, edges and accounts touched. NEW is a policy document or a Terraform plan with one. It ends with 0;
with --exit-code 1 when something changes; 2 when it could not be worked out.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if policyFile == "" {
				return usage(errors.New("which policy? --policy FILE"))
			}
			document, err := readPolicy(cmd, policyFile)
			if err != nil {
				return err
			}
			subject, err := o.examine(cmd, nil)
			if err != nil {
				return err
			}
			p, err := subject.Plan(document)
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
	f.StringVar(&policyFile, "policy", "", "file of the new policy: a document, or a Terraform plan with one")
	f.VarP(format, "output", "o", "text, markdown or json")
	f.BoolVar(&exitCode, "exit-code", false, "end with 1 when something changes")
	return o.flags(cmd)
}
