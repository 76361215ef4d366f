package main

//go:generate sh -c "go run . ops -o markdown > ../../docs/coverage.md"

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"portolan/internal/analysis"
	"portolan/internal/service"
)

func opsCommand() *cobra.Command {
	var format *oneOf
	cmd := &cobra.Command{
		Use:   "ops",
		Short: "list the API operations and how far each is implemented",
		Example: `  portolan ops
  portolan ops -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := cmd.OutOrStdout()
			switch list := service.Covered(); format.value {
			case "json":
				return analysis.WriteJSON(w, list)
			case "markdown": // a document of its own, with a heading
				return markdownOps(w, list)
			default:
				return printOps(w, list)
			}
		},
	}
	format = answerFlag(cmd)
	return cmd
}

func printOps(w io.Writer, list []service.Coverage) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	counts := map[string]int{}
	for _, c := range list {
		counts[c.Status]++
		fmt.Fprintf(table, "%s\t%s\t%s\n", c.Operation, c.Status, c.Missing)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d operations: %d full, %d partial, %d answer 501\n",
		len(list), counts[service.Full], counts[service.Partial], counts[service.NotImplemented])
	return err
}

func markdownOps(w io.Writer, list []service.Coverage) error {
	fmt.Fprint(w, "# Coverage\n\nWhat each of the 97 operations does here. Written by `portolan ops -o markdown`; do not edit.\n\n| operation | status | missing |\n| --- | --- | --- |\n")
	for _, c := range list {
		if _, err := fmt.Fprintf(w, "| %s | %s | %s |\n", c.Operation, c.Status, c.Missing); err != nil {
			return err
		}
	}
	return nil
}
