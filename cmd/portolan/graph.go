package main

import (
	"io"

	"github.com/spf13/cobra"
)

func graphCommand() *cobra.Command {
	o := networkOptions{unsettled: true}
	format := choice("mermaid", "svg")
	cmd := &cobra.Command{
		Use:   "graph",
		Short: "draw a network diagram (Mermaid or SVG)",
		Example: `  portolan graph --snapshot network.yaml
  portolan graph --snapshot network.yaml --format svg > network.svg`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			subject, err := o.examine(cmd)
			if err != nil {
				return err
			}
			picture := subject.Mermaid
			if format.value == "svg" {
				picture = subject.SVG
			}
			_, err = io.WriteString(cmd.OutOrStdout(), picture())
			return err
		},
	}
	cmd.Flags().VarP(format, "format", "f", "mermaid or svg")
	return o.flags(cmd)
}
