package main

import "github.com/spf13/cobra"

func whyCommand() *cobra.Command {
	var o networkOptions
	var t tableFlags
	cmd := &cobra.Command{
		Use:   "why PREFIX|ADDRESS --segment NAME --edge LOCATION",
		Short: "explain best-path selection for a prefix: selected, rejected and filtered candidates, with the policy statement",
		Example: `  portolan why 10.1.0.0/16 --snapshot network.yaml --segment prod --edge eu-west-1
  portolan why 10.1.0.5 --snapshot network.yaml --network-function-group fw --edge us-east-1`,
		Long: `Why shows a route of a route table, and each candidate for it: where it comes from, each step on its way with the statement of the policy,
and what selected, rejected or filtered it.

Exit codes: 0 when the route table has a route; 1 when it has none; 2 when the question could not be answered.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			subject, err := o.examine(cmd)
			if err != nil {
				return err
			}
			why, err := subject.Why(args[0], t.id())
			if err != nil {
				return usage(err)
			}
			if err := o.answer(cmd, subject, why); err != nil {
				return err
			}
			if !why.Found() {
				return &exitError{code: exitFindings}
			}
			return nil
		},
	}
	t.flags(cmd)
	return o.question(cmd)
}
