package main

import (
	"io"

	"github.com/spf13/cobra"
)

func graphCommand() *cobra.Command {
	o := networkOptions{unsettled: true}
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
			if o.output.value == "svg" {
				picture = subject.SVG
			}
			_, err = io.WriteString(cmd.OutOrStdout(), picture())
			return err
		},
	}
	o.question(cmd, "mermaid", "svg")
	cmd.Flags().VarP(o.output, "format", "f", "former name of --output")
	_ = cmd.Flags().MarkHidden("format")
	return cmd
}
