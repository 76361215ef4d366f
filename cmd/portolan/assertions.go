package main

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"

	"portolan/internal/analysis"
)

func testCommand() *cobra.Command {
	var o networkOptions
	cmd := &cobra.Command{
		Use:   "test FILE",
		Short: "run reachability assertions against a network",
		Example: `  portolan test --snapshot network.yaml network.assertions
  portolan test --snapshot network.yaml --policy new.json network.assertions`,
		Long: `Test reads a file of assertions, one on a line:

  SEGMENT|ATTACHMENT reaches SEGMENT|ATTACHMENT|PREFIX|ADDRESS [via GROUP | not via GROUP]
  SEGMENT|ATTACHMENT cannot reach SEGMENT|ATTACHMENT|PREFIX|ADDRESS
  PREFIX is [not] in table SEGMENT|GROUP at EDGE

# begins a comment. With --policy the network is computed under that policy.

Exit codes: 0 when all assertions hold; 1 when one does not, with the path that shows it; 2 when they could not be tested.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := onceStdin(args[0], o.file, o.policy); err != nil {
				return err
			}
			text, err := readFile(cmd.InOrStdin(), args[0])
			if err != nil {
				return usage(err)
			}
			list, err := analysis.ParseAssertions(string(text))
			if err != nil {
				return usage(fmt.Errorf("%s: %w", called(cmd.InOrStdin(), args[0]), err))
			}
			if len(list) == 0 {
				return usage(fmt.Errorf("%s has no assertions", called(cmd.InOrStdin(), args[0])))
			}
			subject, err := o.examine(cmd)
			if err != nil {
				return err
			}
			t := subject.Test(args[0], list)
			if o.output.value == "junit" {
				err = t.WriteJUnit(cmd.OutOrStdout())
			} else {
				err = o.answer(cmd, subject, t)
			}
			if err != nil {
				return err
			}
			if len(t.Failures) > 0 {
				return &exitError{code: exitFindings}
			}
			return nil
		},
	}
	return o.question(cmd, "text", "json", "markdown", "junit")
}

// readPolicy reads the only policy document of a file.
func readPolicy(cmd *cobra.Command, name string) ([]byte, error) {
	in, err := readOne(cmd.InOrStdin(), name)
	if err != nil {
		return nil, usage(err)
	}
	text := in.Placed()
	if len(bytes.TrimSpace(text)) == 0 { // elsewhere no document means the network's own
		return nil, usage(fmt.Errorf("%s: the document is empty", called(cmd.InOrStdin(), name)))
	}
	return text, nil
}
