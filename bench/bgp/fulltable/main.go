// Command fulltable is both ends of the measurement of a full Internet table: `fulltable server` is a server as a process of its
// own, whose first Connect peer may announce any number of prefixes to a segment that 19 others share, at 3 edges, and whose second
// one, in another segment at another edge, is advertised them. `fulltable routers` is the two routers.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"sync"
	"time"

	"portolan/api"
	"portolan/bench/atquota"
	"portolan/internal/node"
	"portolan/internal/speaker"
	"portolan/internal/state"
	"portolan/internal/store"
	"portolan/routing"
)

func main() {
	log.SetFlags(0)
	v4 := flag.Int("v4", 100_000, "IPv4 prefixes")
	v6 := flag.Int("v6", 20_000, "IPv6 prefixes")
	segments := flag.Int("segments", 20, "of the core network, all shared with the first")
	events := flag.Bool("events", false, "with routing events")
	gc := flag.Int("gc", 50, "GOGC: what portolan serve sets for a heap as large as this one gets")
	verbose := flag.Bool("v", false, "with the log")
	cpu := flag.String("cpu", "", "write a profile of processor time of the server to this file")
	flag.Parse()
	switch flag.Arg(0) {
	case "server":
		debug.SetGCPercent(*gc)
		if *cpu != "" {
			f, err := os.Create(*cpu)
			check(err)
			check(pprof.StartCPUProfile(f))
			defer pprof.StopCPUProfile()
		}
		serve(*segments, *events, *verbose)
	case "routers":
		routers(*v4, *v6)
	default:
		log.Fatal("server or routers")
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

const account = "111122223333"

// server is a node with a core network and two Connect peers.
type server struct {
	*node.Node
	network  string
	segments int
}

// serve is a server until its input ends. It says where its sessions are, then answers each line: "count" with the prefixes that
// it has heard, "rows PREFIX" with the number of tables of segments that have a route to it, "heap FILE" after a profile of memory.
func serve(segments int, events, verbose bool) {
	dir, err := os.MkdirTemp("", "portolan-bench-")
	check(err)
	defer func() { _ = os.RemoveAll(dir) }()
	st, err := store.OpenBolt(filepath.Join(dir, "portolan.db"), store.BoltOptions{})
	check(err)
	defer func() { check(st.Close()) }()
	ctx, cancel := context.WithCancel(api.WithCaller(context.Background(), api.Caller{Account: account, Partition: "aws"}))
	logger := slog.New(slog.DiscardHandler)
	if verbose {
		logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	n, err := node.New(ctx, node.Config{
		Store: st, BGP: speaker.Loopback, NoRoutingEvents: !events, Log: logger, Quotas: state.Quotas{"connect-peer-routes": 1 << 30},
	})
	check(err)
	var running sync.WaitGroup
	running.Go(func() { n.Run(ctx) })
	defer running.Wait()
	defer cancel()
	s := &server{Node: n, segments: segments}
	s.make(ctx)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		switch word, rest, _ := strings.Cut(in.Text(), " "); word {
		case "count":
			total := 0
			for _, p := range s.sessions(ctx) {
				total += p.Heard
			}
			fmt.Println(total)
		case "rows":
			fmt.Println(s.rows(ctx, netip.MustParsePrefix(rest)))
		case "heap":
			f, err := os.Create(rest)
			check(err)
			runtime.GC()
			check(pprof.WriteHeapProfile(f))
			check(f.Close())
			fmt.Println(rest)
		}
	}
}

// do calls an operation.
func do[I, O any](ctx context.Context, call func(context.Context, *I) (*O, error), in I) *O {
	out, err := call(ctx, &in)
	check(err)
	return out
}

func (s *server) make(ctx context.Context) {
	size := atquota.Size{Segments: s.segments, Edges: 3}
	document := strings.Replace(size.Policy(atquota.Size{Segments: 2}.Actions()), `"asn-ranges"`, `"inside-cidr-blocks":["10.255.0.0/16"],"asn-ranges"`, 1)
	gn := do(ctx, s.CreateGlobalNetwork, api.CreateGlobalNetworkInput{}).GlobalNetwork.GlobalNetworkId
	s.network = do(ctx, s.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: gn, PolicyDocument: &document}).CoreNetwork.CoreNetworkId
	s.peer(ctx, 0, "s0", atquota.Edge(0), 65001)
	s.peer(ctx, 1, "s5", atquota.Edge(2), 65002)
	var list []speaker.Session
	for len(list) < 4 || list[0].Local == "" {
		time.Sleep(10 * time.Millisecond)
		list = s.sessions(ctx)
	}
	for _, at := range list {
		if strings.HasSuffix(at.CoreNetworkAddress.String(), ".2") {
			fmt.Println(at.PeerASN, at.Remote, at.Local)
		}
	}
	fmt.Println("ready")
}

func (s *server) sessions(ctx context.Context) []speaker.Session {
	out, err := s.BGP().BGPSessions(ctx, s.network)
	check(err)
	return out.Sessions
}

// peer makes a Connect peer on an attachment of its own.
func (s *server) peer(ctx context.Context, i int, segment, edge string, asn int64) {
	tags := []api.Tag{{Key: new("segment"), Value: &segment}}
	ec2 := "arn:aws:ec2:" + edge + ":" + account + ":"
	await := func(call func() error) {
		for range 1000 {
			if err := call(); err == nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		check(call())
	}
	var vpc, connect string
	await(func() error {
		out, err := s.CreateVpcAttachment(ctx, &api.CreateVpcAttachmentInput{
			CoreNetworkId: s.network, VpcArn: fmt.Sprintf("%svpc/vpc-%017x", ec2, i+1), SubnetArns: []string{fmt.Sprintf("%ssubnet/subnet-%017x", ec2, i+1)}, Tags: tags,
		})
		if err == nil {
			vpc = out.VpcAttachment.Attachment.AttachmentId
		}
		return err
	})
	await(func() error {
		out, err := s.CreateConnectAttachment(ctx, &api.CreateConnectAttachmentInput{
			CoreNetworkId: s.network, EdgeLocation: edge, TransportAttachmentId: vpc, Tags: tags,
			Options: &api.ConnectAttachmentOptions{Protocol: new(api.TunnelProtocolGre)},
		})
		if err == nil {
			connect = out.ConnectAttachment.Attachment.AttachmentId
		}
		return err
	})
	await(func() error {
		_, err := s.CreateConnectPeer(ctx, &api.CreateConnectPeerInput{
			ConnectAttachmentId: connect, PeerAddress: fmt.Sprintf("10.0.0.%d", i+5), BgpOptions: &api.BgpOptions{PeerAsn: &asn},
			InsideCidrBlocks: []string{fmt.Sprintf("169.254.%d.0/29", 40+i), fmt.Sprintf("fd00::%d00/125", i+1)},
		})
		return err
	})
}

// rows is how many tables of segments have a route to a prefix.
func (s *server) rows(ctx context.Context, p netip.Prefix) (n int) {
	subject, err := s.Network(ctx, s.network)
	check(err)
	for _, id := range subject.Tables.TableIDs() {
		table, _ := subject.Tables.Table(id)
		if r, ok := table.Exact(p); ok && id.Segment != "" && r.State == routing.Active {
			n++
		}
	}
	return n
}
