package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"portolan/internal/bgp/mrt"
	"portolan/internal/speaker"
)

func bgpReplayCommand() *cobra.Command {
	until := ""
	var format *oneOf
	cmd := &cobra.Command{
		Use: "replay FILE", Short: "repeat recorded BGP messages and show the routes they come to",
		Long: `Replay reads a file that serve --bgp-mrt has written, or another of the MRT format (RFC 6396) with BGP4MP records. It repeats
what each peer has sent on a session of its own and shows the sessions and their routes. It needs no server.`,
		Example: `  portolan bgp replay heard.mrt
  portolan bgp replay heard.mrt --until 2026-11-29T01:02:03Z -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var end time.Time
			if until != "" {
				var err error
				if end, err = time.Parse(time.RFC3339, until); err != nil {
					return usage(fmt.Errorf("--until %q: want a time such as 2026-11-29T01:02:03Z", until))
				}
			}
			file, err := os.Open(args[0])
			if err != nil {
				return usage(pathError(args[0], err))
			}
			defer func() { _ = file.Close() }() // only read
			if info, err := file.Stat(); err == nil && info.IsDir() {
				return usage(fmt.Errorf("%s: is a directory", args[0]))
			}
			list, err := mrt.Replay(cmd.Context(), file, end)
			if err != nil {
				return usage(fmt.Errorf("%s: %w", args[0], err))
			}
			return show(cmd, format.value, false, speaker.NewRecorded(list), (*speaker.Recorded).Page)
		},
	}
	cmd.Flags().StringVar(&until, "until", "", "leave out what came after this time")
	format = answerFlag(cmd)
	return cmd
}
