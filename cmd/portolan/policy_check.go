package main

import (
	"github.com/spf13/cobra"

	"portolan/policy"
	"portolan/policy/lint"
)

func policyCheckCommand() *cobra.Command {
	output := choice("text", "json", "markdown", "sarif", "junit", "github")
	cmd := &cobra.Command{
		Use:   "check FILE…",
		Short: "report everything AWS would refuse in a policy, with line and column",
		Example: `  portolan policy check wan.json
  terraform show -json plan.out | portolan policy check -o github -`,
		Long: `Check reports everything AWS would refuse in a core network policy, with line, column and a hint, before it is sent.

A FILE is a policy document, or what "terraform show -json" prints of a plan; - is the standard input.
Exit codes: 0 when all policies are valid; 1 when one is not; 2 when one could not be read.`,
		Args: files,
	}
	cmd.Flags().VarP(output, "output", "o", output.list())
	completeWords(cmd, "output", output.words...)
	colour := colourFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r := examine(cmd, args, func(in *input) ([]finding, error) {
			_, _, errs := parseChecked(in, nil)
			return errorFindings(errs), nil
		})
		r.rules = codes()
		return r.finish(cmd, output.value, colour(), "note")
	}
	return cmd
}

func errorFindings(errs policy.Errors) []finding {
	var list []finding
	for _, e := range errs {
		f := finding{Rule: e.Code, Level: string(lint.SeverityError), Message: e.Message, Path: e.Path, Line: e.Line, Column: e.Column, Hint: e.Hint}
		if e.Async {
			f.Message += " (AWS takes the document and fails while it generates the change set)"
		}
		list = append(list, f)
	}
	return list
}
