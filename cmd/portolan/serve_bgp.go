package main

import (
	"fmt"
	"log/slog"

	"portolan/internal/node"
	"portolan/internal/server"
	"portolan/internal/speaker"
)

// readBGP reads --bgp and --bgp-secrets.
func (o *serveOptions) readBGP(cfg *node.Config) (err error) {
	if cfg.BGP, err = speaker.ParseMode(o.bgp); err != nil || o.bgpSecrets == "" {
		return err
	}
	if cfg.BGP == speaker.Off {
		return fmt.Errorf("--bgp-secrets needs --bgp")
	}
	if cfg.BGPSecrets, err = speaker.LoadSecrets(o.bgpSecrets); err != nil {
		return fmt.Errorf("--bgp-secrets: %w", err)
	}
	return nil
}

// bgpSessions is the sessions for control calls; nil: none are held. A SIGHUP reads the secrets again.
func (o *serveOptions) bgpSessions(svc *node.Node, log *slog.Logger) server.BGP {
	sessions := svc.BGP()
	if sessions == nil {
		return nil
	}
	if o.bgpSecrets != "" {
		onHangup(func() {
			s, err := speaker.LoadSecrets(o.bgpSecrets)
			if err != nil {
				log.Error("the old BGP secrets stay in force", "error", err)
				return
			}
			sessions.SetSecrets(s)
			log.Info("BGP secrets reloaded", "connect_peers", len(s))
		})
	}
	return sessions
}
