package main

import "github.com/spf13/cobra"

func pathCommand() *cobra.Command {
	var o networkOptions
	var from, edge, to, source string
	cmd := &cobra.Command{
		Use:   "path --from ATTACHMENT --to ADDRESS",
		Short: "trace a packet hop by hop through segments, edges and network functions, and the return path",
		Example: `  portolan path --snapshot network.yaml --from prod-us --to 10.1.0.5
  portolan path --core-network core-network-0123456789abcdef0 --from attachment-0123456789abcdef0 --to 10.1.0.5 --source 10.2.0.9`,
		Long: `Path traces a packet from an attachment to an address, and the packet that answers it. It shows each route table that is used, the route
there, and the network functions in between, then the verdict. --from takes the ID of an attachment or its Name tag.

Verdicts:
  delivered       both directions arrive
  handed over     send-to leads to a network function, and what that does is not known
  no route, blackholed, down
                  the packet is dropped
  local           the VPC that it comes from keeps it
  loop            route tables send it round in a circle
  one way         the return path fails
  asymmetric      the two directions are inspected by different appliances
  not inspected   the policy sends the pair via a network function group, but there is no hop through it

Exit codes: 0 when both directions are delivered as the policy intends, or the packet is handed over; 1 otherwise; 2 when
the path could not be traced.`,
		Args: noFile,
		RunE: func(cmd *cobra.Command, _ []string) error {
			subject, err := o.examine(cmd)
			if err != nil {
				return err
			}
			p, err := subject.Path(from, edge, to, source)
			if err != nil {
				return usage(err)
			}
			if err := o.answer(cmd, subject, p); err != nil {
				return err
			}
			if !p.Sound() {
				return &exitError{code: exitFindings}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "attachment that the packet enters by: ID or name")
	f.StringVar(&edge, "edge", "", "edge location that it enters at, for an attachment with several")
	f.StringVar(&to, "to", "", "destination address")
	f.StringVar(&source, "source", "", "source address; default the first address of what the attachment announces")
	return o.question(cmd)
}
