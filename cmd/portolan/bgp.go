package main

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"portolan/internal/speaker"
)

const bgpPath = "/_portolan/bgp/sessions"

func bgpCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bgp",
		Short: "show and reset the BGP sessions of Connect peers and VPN attachments on a server",
		Example: `  portolan bgp sessions
  portolan bgp heard connect-peer-0123456789abcdef0`,
	}
	cmd.AddCommand(bgpSessionsCommand(), bgpRoutesCommand("heard", "show routes that the router advertises"),
		bgpRoutesCommand("advertised", "show routes that are advertised to the router"), bgpResetCommand(), bgpConfigCommand(), bgpReplayCommand())
	return cmd
}

// call makes a control call and reads the answer into out.
func (o *networkOptions) call(ctx context.Context, method, path string, query url.Values, out any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	data, err := answer(ctx, o.endpoint, method, path, math.MaxInt64)
	if err != nil {
		return err
	}
	return understood(data, out)
}

func bgpSessionsCommand() *cobra.Command {
	var o networkOptions
	coreNetwork := ""
	var format *oneOf
	cmd := &cobra.Command{
		Use: "sessions", Short: "show sessions with their states",
		Example: "  portolan bgp sessions --core-network core-network-0123456789abcdef0", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{}
			if coreNetwork != "" {
				query.Set("core-network", coreNetwork)
			}
			var list speaker.Sessions
			if err := o.call(cmd.Context(), http.MethodGet, bgpPath, query, &list); err != nil {
				return err
			}
			return show(cmd, format.value, false, &list, (*speaker.Sessions).Page)
		},
	}
	o.endpointFlag(cmd)
	cmd.Flags().StringVar(&coreNetwork, "core-network", "", "core network ID; empty: all")
	format = answerFlag(cmd)
	return cmd
}

func bgpRoutesCommand(name, short string) *cobra.Command {
	var o networkOptions
	address := ""
	var format *oneOf
	cmd := &cobra.Command{
		Use: name + " PEER", Short: short,
		Example: "  portolan bgp " + name + " connect-peer-0123456789abcdef0", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var list speaker.Routes
			if err := o.call(cmd.Context(), http.MethodGet, peerPath(args[0], name), addressed(address), &list); err != nil {
				return err
			}
			return show(cmd, format.value, false, &list, (*speaker.Routes).Page)
		},
	}
	o.endpointFlag(cmd)
	cmd.Flags().StringVar(&address, "address", "", "core network address of one session; empty: both")
	format = answerFlag(cmd)
	return cmd
}

func peerPath(peer, what string) string { return bgpPath + "/" + url.PathEscape(peer) + "/" + what }

func addressed(address string) url.Values {
	query := url.Values{}
	if address != "" {
		query.Set("address", address)
	}
	return query
}

func bgpResetCommand() *cobra.Command {
	var o networkOptions
	address, soft := "", false
	cmd := &cobra.Command{
		Use: "reset PEER", Short: "reset the sessions of a Connect peer or a VPN attachment",
		Example: "  portolan bgp reset connect-peer-0123456789abcdef0 --soft", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			query := addressed(address)
			if soft {
				query.Set("soft", "true")
			}
			var done struct{ Status string }
			return o.call(cmd.Context(), http.MethodPost, peerPath(args[0], "reset"), query, &done)
		},
	}
	o.endpointFlag(cmd)
	cmd.Flags().StringVar(&address, "address", "", "core network address of one session; empty: both")
	cmd.Flags().BoolVar(&soft, "soft", false, "leave the sessions up: advertise all routes again, and ask for the router's")
	return cmd
}

func bgpConfigCommand() *cobra.Command {
	var o networkOptions
	vendor := choice(speaker.Vendors...)
	cmd := &cobra.Command{
		Use: "config PEER", Short: "print the configuration of the router of a Connect peer or a VPN attachment",
		Example: "  portolan bgp config connect-peer-0123456789abcdef0 --for bird", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var list speaker.Sessions
			if err := o.call(cmd.Context(), http.MethodGet, bgpPath, nil, &list); err != nil {
				return err
			}
			sessions := list.Of(args[0])
			if len(sessions) == 0 {
				return usage(errors.New("the server holds no session of " + args[0]))
			}
			text, err := speaker.RouterConfig(sessions, vendor.value)
			if err != nil {
				return usage(err)
			}
			_, err = io.WriteString(cmd.OutOrStdout(), text)
			return err
		},
	}
	o.endpointFlag(cmd)
	cmd.Flags().Var(vendor, "for", vendor.list()+"; the last two are untested")
	return cmd
}
