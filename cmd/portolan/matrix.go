package main

import "github.com/spf13/cobra"

func matrixCommand() *cobra.Command {
	var o networkOptions
	attachments := false
	cmd := &cobra.Command{
		Use:   "matrix",
		Short: "reachability matrix between segments or attachments, with the inspecting group",
		Example: `  portolan matrix --snapshot network.yaml
  portolan matrix --snapshot network.yaml --attachments -o json`,
		Args: noFile,
		RunE: func(cmd *cobra.Command, _ []string) error {
			subject, err := o.examine(cmd)
			if err != nil {
				return err
			}
			matrix, err := subject.Matrix(cmd.Context(), attachments)
			if err != nil {
				return usage(err)
			}
			return o.answer(cmd, subject, matrix)
		},
	}
	cmd.Flags().BoolVar(&attachments, "attachments", false, "every pair of attachments instead of segments")
	return o.question(cmd)
}
