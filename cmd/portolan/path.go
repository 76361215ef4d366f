package main

import (
	"fmt"
	"io"
	"net/netip"

	"github.com/spf13/cobra"

	"portolan/internal/analysis"
)

func pathCommand() *cobra.Command {
	var o networkOptions
	var from, edge, to, source string
	cmd := &cobra.Command{
		Use:   "path --from ATTACHMENT --to ADDRESS",
		Short: "follow a packet hop by hop through segments, edges and network functions, and its answer back",
		Long: `Path follows a packet from an attachment to an address, and the answer. The verdict is delivered, dropped (no route,
blackholed, down), loop, one way, asymmetric (the two ways pass different appliances), or not inspected (the policy sends
the pair via a network function group, the packets do not go there). It ends with 0 when the packet and its answer
arrive as the policy means, with 1 otherwise.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			addr, err := netip.ParseAddr(to)
			if err != nil {
				return usage(fmt.Errorf("--to %q is not an address", to))
			}
			var back netip.Addr
			if source != "" {
				if back, err = netip.ParseAddr(source); err != nil {
					return usage(fmt.Errorf("--source %q is not an address", source))
				}
			}
			net, _, _, err := o.compute(cmd)
			if err != nil {
				return err
			}
			p, err := net.Path(from, edge, addr, back)
			if err != nil {
				return usage(err)
			}
			w := cmd.OutOrStdout()
			printWay(w, "there", p.Forward)
			if p.Back != nil {
				printWay(w, "back", p.Back)
			}
			fmt.Fprintf(w, "verdict: %s: %s\n", p.Verdict, p.Reason)
			if p.Verdict != analysis.Delivered {
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
	return o.flags(cmd)
}

func printWay(w io.Writer, name string, way *analysis.Way) {
	fmt.Fprintf(w, "%s: from %s at %s to %s\n", name, way.From, way.Edge, way.To)
	for _, h := range way.Hops {
		if h.Route == nil {
			fmt.Fprintf(w, "  %s: no route\n", h.Table)
			continue
		}
		destinations := numbers(h.Route.Destinations)
		if destinations == "" {
			destinations = "blackhole"
		}
		fmt.Fprintf(w, "  %s: %s → %s\n", h.Table, h.Route.Prefix, destinations)
	}
	fmt.Fprintf(w, "  %s\n", way.Verdict)
}
