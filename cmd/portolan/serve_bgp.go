package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"portolan/internal/bgp/bmp"
	"portolan/internal/bgp/mrt"
	"portolan/internal/node"
	"portolan/internal/server"
	"portolan/internal/speaker"
)

// readBGP reads the flags of BGP.
func (o *serveOptions) readBGP(cfg *node.Config) (err error) {
	if cfg.BGP, err = speaker.ParseMode(o.bgp); err != nil {
		return err
	}
	if cfg.BGP == speaker.Off {
		return useless("--bgp", dependent{"--bgp-secrets", o.bgpSecrets}, dependent{"--bgp-mrt", o.bgpRecord},
			dependent{"--bmp-station", strings.Join(o.bmpStations, ",")})
	}
	if o.bgpSecrets != "" {
		if cfg.BGPSecrets, err = speaker.LoadSecrets(o.bgpSecrets); err != nil {
			return fmt.Errorf("--bgp-secrets: %w", err)
		}
	}
	for _, address := range o.bmpStations {
		if _, port, err := hostPort("--bmp-station", address); err != nil || port == "" {
			return cmp.Or(err, fmt.Errorf("--bmp-station %q is not HOST:PORT", address))
		}
		name, _ := os.Hostname()
		cfg.BGPMonitors = append(cfg.BGPMonitors, bmp.NewStation(address, "Portolan "+builtFrom().Version, name, cfg.Log))
	}
	return nil
}

// recordBGP opens the file that the messages of sessions are appended to.
func (o *serveOptions) recordBGP(cfg *node.Config) error {
	if o.bgpRecord == "" {
		return nil
	}
	r, err := mrt.NewRecorder(o.bgpRecord, cfg.Log)
	if err != nil {
		return fmt.Errorf("--bgp-mrt: %w", pathError(o.bgpRecord, err))
	}
	onHangup(r.Reopen)
	cfg.BGPMonitors = append(cfg.BGPMonitors, r)
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
