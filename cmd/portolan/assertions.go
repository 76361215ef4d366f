package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"portolan/internal/analysis"
)

func testCommand() *cobra.Command {
	var o networkOptions
	var policyFile string
	cmd := &cobra.Command{
		Use:   "test FILE",
		Short: "run assertions kept beside a policy, like unit tests",
		Long: `Test reads a file of assertions, one on a line:

  SEGMENT|ATTACHMENT reaches SEGMENT|ATTACHMENT|PREFIX|ADDRESS [via GROUP | not via GROUP]
  SEGMENT|ATTACHMENT cannot reach SEGMENT|ATTACHMENT|PREFIX|ADDRESS
  PREFIX is [not] in table SEGMENT|GROUP at EDGE

# begins a comment. With --policy they are tried on the network as it would be under that policy. It ends with 1 when one
does not hold, and shows the path that proves it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := os.ReadFile(args[0])
			if err != nil {
				return usage(err)
			}
			list, err := analysis.ParseAssertions(string(text))
			if err != nil {
				return usage(fmt.Errorf("%s: %w", args[0], err))
			}
			s, err := o.load(cmd.Context(), cmd.InOrStdin())
			if err != nil {
				return err
			}
			network, err := s.Network(nil)
			if policyFile != "" {
				document, readErr := readPolicy(cmd, policyFile)
				if readErr != nil {
					return readErr
				}
				network, err = s.Under(document, nil)
			}
			if err != nil {
				return usage(err)
			}
			net, _, err := analysis.Compute(network)
			if err != nil {
				return usage(err)
			}
			w := cmd.OutOrStdout()
			failed := 0
			for _, outcome := range net.Assert(list) {
				if outcome.Holds {
					continue
				}
				failed++
				fmt.Fprintf(w, "%s:%d: %s\n  %s\n", args[0], outcome.Line, outcome.Text, outcome.Reason)
				if outcome.Way != nil {
					printWay(w, "  shown by", outcome.Way)
				}
			}
			fmt.Fprintf(w, "%d of %d assertions hold\n", len(list)-failed, len(list))
			if failed > 0 {
				return &exitError{code: exitFindings}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&policyFile, "policy", "", "try them under this policy instead of the network's own")
	return o.flags(cmd)
}

// readPolicy reads one policy document: JSON, or the only one of a Terraform plan.
func readPolicy(cmd *cobra.Command, name string) ([]byte, error) {
	in, err := readOne(cmd.InOrStdin(), name)
	if err != nil {
		return nil, usage(err)
	}
	if len(in.text) == 0 {
		return nil, usage(errors.New(name + " holds no policy"))
	}
	return in.text, nil
}
