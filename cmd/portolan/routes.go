package main

import "github.com/spf13/cobra"

func routesCommand() *cobra.Command {
	var o networkOptions
	var t tableFlags
	rib := false
	cmd := &cobra.Command{
		Use:   "routes [--segment NAME] [--edge LOCATION]",
		Short: "show a route table (FIB), or all of them; --rib shows all candidate routes",
		Long: `Routes shows the route table of a segment or a network function group at an edge location. Without --edge it shows those of all
edge locations, without --segment and --network-function-group those of all segments and groups.`,
		Example: `  portolan routes --snapshot network.yaml --segment prod --edge eu-west-1
  portolan routes --snapshot network.yaml --segment prod --edge eu-west-1 --rib
  portolan routes --snapshot network.yaml --edge eu-west-1
  portolan routes --core-network core-network-0123456789abcdef0 --network-function-group fw --edge us-east-1 -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			subject, err := o.examine(cmd)
			if err != nil {
				return err
			}
			id, ask := t.id(), subject.Routes
			if id.Name() == "" || id.Edge == "" {
				ask = subject.RouteTables
			}
			rows, err := ask(id, rib)
			if err != nil {
				return usage(err)
			}
			return o.answer(cmd, subject, rows)
		},
	}
	t.flags(cmd)
	cmd.Flags().BoolVar(&rib, "rib", false, "all candidate routes (RIB), before the edge's own routing policies")
	return o.question(cmd)
}
