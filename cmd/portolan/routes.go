package main

import "github.com/spf13/cobra"

func routesCommand() *cobra.Command {
	var o networkOptions
	var t tableFlags
	rib := false
	format := choice("text", "json")
	cmd := &cobra.Command{
		Use:   "routes --segment NAME --edge LOCATION",
		Short: "print a route table: what is used, or with --rib all that is offered",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			subject, err := o.examine(cmd, nil)
			if err != nil {
				return err
			}
			rows, err := subject.Routes(t.id(), rib)
			if err != nil {
				return usage(err)
			}
			return answer(cmd, rows, format.value)
		},
	}
	t.flags(cmd)
	cmd.Flags().BoolVar(&rib, "rib", false, "all routes that are offered, before the edge's own policies")
	cmd.Flags().VarP(format, "output", "o", "text or json")
	return o.flags(cmd)
}
