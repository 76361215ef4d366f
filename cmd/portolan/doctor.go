package main

import "github.com/spf13/cobra"

func doctorCommand() *cobra.Command {
	o := networkOptions{unsettled: true}
	format := choice("text", "json")
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "health checks: blackholes, asymmetric paths, missing inspection attachments, loops, non-deterministic best paths",
		Example: `  portolan doctor --snapshot network.yaml
  portolan doctor --core-network core-network-0123456789abcdef0 -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			subject, err := o.examine(cmd)
			if err != nil {
				return err
			}
			found, err := subject.Doctor(cmd.Context())
			if err != nil {
				return err
			}
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
