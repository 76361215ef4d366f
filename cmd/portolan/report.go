package main

import (
	"cmp"
	"path/filepath"

	"github.com/spf13/cobra"

	document "portolan/internal/report"
	"portolan/internal/snapshot"
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
does, the findings before and after it, and the picture shows what goes and what comes.`,
		Args: noFile,
		RunE: func(cmd *cobra.Command, _ []string) error {
			now, err := o.examine(cmd)
			if err != nil {
				return err
			}
			r := document.Report{Title: cmp.Or(title, titleOf(now.Snapshot, o.file)), Now: now}
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

// titleOf names a network: its core network ID, else its file, and the account.
func titleOf(s *snapshot.Snapshot, file string) string {
	title := "Core network " + s.CoreNetworkID
	if s.CoreNetworkID == "" {
		title = "Core network in " + filepath.Base(file)
	}
	if s.Account != "" {
		title += ", account " + s.Account
	}
	return title
}
