package main

import "github.com/spf13/cobra"

func attachmentsCommand() *cobra.Command {
	o := networkOptions{unsettled: true}
	cmd := &cobra.Command{
		Use:   "attachments",
		Short: "list attachments: name, ID, type, edge locations, segment, rule, state, prefixes, and why one carries no traffic",
		Example: `  portolan attachments --snapshot network.yaml
  portolan attachments --core-network core-network-0123456789abcdef0 -o json`,
		Args: noFile,
		RunE: func(cmd *cobra.Command, _ []string) error {
			subject, err := o.examine(cmd)
			if err != nil {
				return err
			}
			return o.answer(cmd, subject, subject.Attachments())
		},
	}
	return o.question(cmd)
}
