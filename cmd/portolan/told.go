package main

import "github.com/spf13/cobra"

func toldCommand() *cobra.Command {
	var o networkOptions
	edge := ""
	format := choice("text", "json")
	cmd := &cobra.Command{
		Use:   "told ATTACHMENT [PREFIX]",
		Short: "print what an attachment is told over BGP, or why it is told of a prefix or not",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			subject, err := o.examine(cmd, nil)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				rows, err := subject.Told(args[0], edge)
				if err != nil {
					return usage(err)
				}
				return answer(cmd, rows, format.value)
			}
			why, err := subject.WhyTold(args[0], edge, args[1])
			if err != nil {
				return usage(err)
			}
			if err := answer(cmd, why, format.value); err != nil {
				return err
			}
			if why.Route == nil {
				return &exitError{code: exitFindings}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&edge, "edge", "", "where, for a Direct Connect gateway at several edges")
	cmd.Flags().VarP(format, "output", "o", "text or json")
	return o.flags(cmd)
}
