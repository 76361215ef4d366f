package main

import "github.com/spf13/cobra"

func doctorCommand() *cobra.Command {
	o := networkOptions{unsettled: true}
	format := choice("text", "json")
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "look for silent losses: blackholes, one-way paths, missing appliances, loops, and for what luck decides",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			subject, err := o.examine(cmd, nil)
			if err != nil {
				return err
			}
			found := subject.Doctor()
			if err := answer(cmd, found, format.value); err != nil {
				return err
			}
			if len(found) > 0 {
				return &exitError{code: exitFindings}
			}
			return nil
		},
	}
	cmd.Flags().VarP(format, "output", "o", "text or json")
	return o.flags(cmd)
}
