package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"portolan/internal/analysis"
)

func matrixCommand() *cobra.Command {
	var o networkOptions
	attachments := false
	format := choice("text", "json")
	cmd := &cobra.Command{
		Use:   "matrix",
		Short: "tell which segment, or with --attachments which attachment, reaches which, and who inspects it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			net, _, _, err := o.compute(cmd)
			if err != nil {
				return err
			}
			pairs := net.SegmentMatrix()
			if attachments {
				pairs = net.AttachmentMatrix(1)
			}
			w := cmd.OutOrStdout()
			if format.value == "json" {
				enc := json.NewEncoder(w)
				enc.SetIndent("", "  ")
				return enc.Encode(pairs)
			}
			table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "FROM\tTO\tREACHES\tINSPECTED BY\tWHY NOT")
			for i := range pairs {
				r := &pairs[i]
				why := ""
				if len(r.Failures) > 0 {
					why = r.Failures[0]
				}
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.From, r.To, reaches(r), strings.Join(r.InspectedBy, ", "), why)
			}
			return table.Flush()
		},
	}
	cmd.Flags().BoolVar(&attachments, "attachments", false, "every pair of attachments instead of segments")
	cmd.Flags().VarP(format, "output", "o", "text or json")
	return o.flags(cmd)
}

func reaches(r *analysis.Reach) string {
	switch {
	case r.Samples == 0:
		return "-"
	case r.Reaches():
		return "yes"
	case r.Partly():
		return "partly"
	default:
		return "no: " + string(r.Verdict)
	}
}
