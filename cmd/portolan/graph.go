package main

import (
	"io"

	"github.com/spf13/cobra"
)

func graphCommand() *cobra.Command {
	var o networkOptions
	cmd := &cobra.Command{
		Use:   "graph",
		Short: "draw segments, attachments, shares and inspection, in Mermaid's language",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			net, _, _, err := o.compute(cmd)
			if err != nil {
				return err
			}
			_, err = io.WriteString(cmd.OutOrStdout(), net.Mermaid())
			return err
		},
	}
	return o.flags(cmd)
}
