package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"portolan/internal/analysis"
)

func doctorCommand() *cobra.Command {
	var o networkOptions
	format := choice("text", "json")
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "look for silent losses: blackholes, one-way paths, missing appliances, loops",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			net, _, _, err := o.compute(cmd)
			if err != nil {
				return err
			}
			found := net.Doctor()
			w := cmd.OutOrStdout()
			if format.value == "json" {
				if found == nil {
					found = []analysis.Finding{}
				}
				enc := json.NewEncoder(w)
				enc.SetIndent("", "  ")
				if err := enc.Encode(found); err != nil {
					return err
				}
			} else {
				for i := range found {
					line := ""
					if found[i].Line > 0 {
						line = fmt.Sprintf(" (line %d of the policy)", found[i].Line)
					}
					fmt.Fprintf(w, "%s: %s%s\n", found[i].Name, found[i].Message, line)
				}
				fmt.Fprintf(w, "%d findings\n", len(found))
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
