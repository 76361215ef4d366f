package main

import "github.com/spf13/cobra"

func advertisedCommand() *cobra.Command {
	var o networkOptions
	edge := ""
	cmd := &cobra.Command{
		Use:   "advertised ATTACHMENT|PEER [PREFIX]",
		Short: "show routes advertised to an attachment or Connect peer",
		Example: `  portolan advertised attachment-0123456789abcdef0 --snapshot network.yaml
  portolan advertised attachment-0123456789abcdef0 10.1.0.0/16 --snapshot network.yaml`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			subject, err := o.examine(cmd)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				rows, err := subject.Advertised(args[0], edge)
				if err != nil {
					return usage(err)
				}
				return o.answer(cmd, subject, rows)
			}
			why, err := subject.WhyAdvertised(args[0], edge, args[1])
			if err != nil {
				return usage(err)
			}
			if err := o.answer(cmd, subject, why); err != nil {
				return err
			}
			if why.Route == nil {
				return &exitError{code: exitFindings}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&edge, "edge", "", "edge location, for a Direct Connect gateway attachment with several")
	return o.question(cmd)
}
