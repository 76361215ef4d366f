package main

import "github.com/spf13/cobra"

func routesCommand() *cobra.Command {
	var o networkOptions
	var t tableFlags
	rib := false
	cmd := &cobra.Command{
		Use:   "routes --segment NAME --edge LOCATION",
		Short: "show a route table (FIB); --rib shows all candidate routes",
		Example: `  portolan routes --snapshot network.yaml --segment prod --edge eu-west-1
  portolan routes --snapshot network.yaml --segment prod --edge eu-west-1 --rib
  portolan routes --core-network core-network-0123456789abcdef0 --network-function-group fw --edge us-east-1 -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			subject, err := o.examine(cmd)
			if err != nil {
				return err
			}
			rows, err := subject.Routes(t.id(), rib)
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
