package main

import (
	"github.com/spf13/cobra"

	"portolan/policy/lsp"
)

func lspCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "lsp",
		Short:   "language server for policies: diagnostics, hover, completion, go to definition",
		Example: `  portolan lsp < /dev/null`,
		Long: `Lsp is a language server (Language Server Protocol 3.17) on the standard input and output, to be started by an editor. It shows
what check and lint find as a policy is written, says what a member is, completes members, values and names, and goes to where a
segment, network function group, edge location or routing policy is defined.

Every form that check reads is diagnosed; the rest is for policies in JSON, also inside a template.
Exit codes: 0 after shutdown and exit; 1 when the connection ended otherwise.`,
		Args: noFiles,
		RunE: func(cmd *cobra.Command, _ []string) error { return lsp.Serve(cmd.InOrStdin(), cmd.OutOrStdout()) },
	}
}
