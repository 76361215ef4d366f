package main

import (
	"context"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// healthCommand asks a server whether it can answer: the health check of a container that has no shell.
func healthCommand() *cobra.Command {
	var o networkOptions
	cmd := &cobra.Command{
		Use:   "health",
		Short: "exit with 0 when a server answers requests, with 1 when it does not",
		Example: `  portolan health
  portolan health --endpoint http://127.0.0.1:4566`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), 5*time.Second)
			defer cancel()
			_, err := answer(ctx, o.endpoint, http.MethodGet, "/_portolan/health", 1<<20)
			if err != nil { // that there is no answer is the answer here, and container engines keep 2 for themselves
				return &exitError{exitFindings, err}
			}
			return nil
		},
	}
	o.endpointFlag(cmd)
	return cmd
}
