package main

import (
	"cmp"

	"github.com/spf13/cobra"

	document "portolan/internal/report"
)

func reportCommand() *cobra.Command {
	p := planOptions{network: networkOptions{ownPolicy: true, unsettled: true}}
	o := &p.network
	title := ""
	cmd := &cobra.Command{
		Use:   "report",
		Short: "write one HTML document: picture, findings, reachability in colours, attachments, route tables, and a plan",
		Example: `  portolan report --snapshot network.yaml > report.html
  portolan report --snapshot network.yaml --policy new.json --title "Change 42" > report.html`,
		Long: `Report writes one self-contained HTML document that prints. With --policy, --to-snapshot or --fail it also has what the change
does, and the picture shows what goes and what comes.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			now, err := o.examine(cmd)
			if err != nil {
				return err
			}
			r := document.Report{Title: cmp.Or(title, "Network "+o.subjectName()), Now: now}
			if p.changes() {
				if r.Next, err = p.next(cmd, now); err != nil {
					return err
				}
			}
			return r.WriteHTML(cmd.Context(), cmd.OutOrStdout())
		},
	}
	p.flags(cmd)
	cmd.Flags().StringVar(&title, "title", "", "title of the document")
	return o.flags(cmd)
}
