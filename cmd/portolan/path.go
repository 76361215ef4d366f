package main

import "github.com/spf13/cobra"

func pathCommand() *cobra.Command {
	var o networkOptions
	var from, edge, to, source string
	format := choice("text", "json")
	cmd := &cobra.Command{
		Use:   "path --from ATTACHMENT --to ADDRESS",
		Short: "follow a packet hop by hop through segments, edges and network functions, and its answer back",
		Long: `Path follows a packet from an attachment to an address, and the answer. The verdict is delivered, handed over (send-to
leads to a network function, and what that does is not known), dropped (no route, blackholed, down), loop, one way,
asymmetric (the two ways pass different appliances), or not inspected (the policy sends the pair via a network function
group, the packets do not go there). It ends with 0 when packet and answer arrive as the policy means, or the packet is
handed over, with 1 otherwise.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			subject, err := o.examine(cmd, nil)
			if err != nil {
				return err
			}
			p, err := subject.Path(from, edge, to, source)
			if err != nil {
				return usage(err)
			}
			if err := answer(cmd, p, format.value); err != nil {
				return err
			}
			if !p.Sound() {
				return &exitError{code: exitFindings}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "id of the attachment the packet enters by")
	f.StringVar(&edge, "edge", "", "edge location it enters at, for an attachment with several")
	f.StringVar(&to, "to", "", "address the packet is for")
	f.StringVar(&source, "source", "", "address the answer is for; the first the attachment announces without it")
	f.VarP(format, "output", "o", "text or json")
	return o.flags(cmd)
}
