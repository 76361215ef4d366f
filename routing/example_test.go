package routing_test

import (
	"fmt"
	"net/netip"

	"portolan/policy"
	"portolan/routing"
)

// exampleNetwork is two segments at two edges. The routes of shared are in prod too.
func exampleNetwork() routing.Network {
	p, errs := compile(`{"version": "2025.11",
		"core-network-configuration": {"asn-ranges": ["64512-64599"], "edge-locations": [{"location": "us-east-1"}, {"location": "eu-west-1"}]},
		"segments": [{"name": "prod"}, {"name": "shared"}], "attachment-policies": [],
		"segment-actions": [{"action": "share", "mode": "attachment-route", "segment": "shared", "share-with": ["prod"]}]}`)
	if len(errs) > 0 {
		panic(errs)
	}
	return routing.Network{Policy: p, Attachments: []routing.Attachment{
		{ID: "vpc", Type: policy.TypeVPC, Segment: "prod", Edges: []string{"us-east-1"}, Announcements: []routing.Announcement{
			{Prefix: netip.MustParsePrefix("10.0.0.0/16")},
		}},
		{ID: "office", Type: policy.TypeSiteToSiteVPN, Segment: "shared", Edges: []string{"eu-west-1"}, Announcements: []routing.Announcement{
			{Prefix: netip.MustParsePrefix("192.168.0.0/16"), ASPath: []uint32{65001}},
		}},
	}}
}

func ExampleCompute() {
	tables, err := routing.Compute(exampleNetwork())
	if err != nil {
		panic(err)
	}
	for _, id := range tables.TableIDs() {
		table, _ := tables.Table(id)
		for r := range table.Routes() {
			fmt.Println(id, r.Prefix, r.Destinations, r.ASPath)
		}
	}
	// Output:
	// prod@us-east-1 10.0.0.0/16 [vpc] []
	// prod@us-east-1 192.168.0.0/16 [edge:eu-west-1] [64513 65001]
	// prod@eu-west-1 10.0.0.0/16 [edge:us-east-1] [64512]
	// prod@eu-west-1 192.168.0.0/16 [office] [65001]
	// shared@us-east-1 10.0.0.0/16 [vpc] []
	// shared@us-east-1 192.168.0.0/16 [edge:eu-west-1] [64513 65001]
	// shared@eu-west-1 10.0.0.0/16 [edge:us-east-1] [64512]
	// shared@eu-west-1 192.168.0.0/16 [office] [65001]
}

func ExampleTable_Explain() {
	tables, err := routing.Compute(exampleNetwork())
	if err != nil {
		panic(err)
	}
	table, _ := tables.Table(routing.TableID{Segment: "prod", Edge: "us-east-1"})
	for _, c := range table.Explain(netip.MustParsePrefix("192.168.0.0/16")).Candidates {
		fmt.Println(c.Verdict.Outcome)
		for i := range c.Steps {
			fmt.Println(" ", c.Steps[i].Kind, "at", c.Steps[i].Edge, "in", c.Steps[i].Segment)
		}
	}
	// Output:
	// selected
	//   announced at eu-west-1 in shared
	//   share at eu-west-1 in prod
	//   advertised at us-east-1 in prod
}

func ExampleTables_Advertised() {
	tables, err := routing.Compute(exampleNetwork())
	if err != nil {
		panic(err)
	}
	for _, ad := range tables.Advertised("office", "eu-west-1") {
		fmt.Println(ad.Prefix, ad.ASPath)
	}
	// Output:
	// 10.0.0.0/16 [64513 64512]
}

func ExampleTables_Update() {
	tables, err := routing.Compute(exampleNetwork())
	if err != nil {
		panic(err)
	}
	next, err := tables.Update(nil, []string{"vpc"})
	if err != nil {
		panic(err)
	}
	for c := range next.Changes(tables) {
		fmt.Println(c.Table, c.Prefix, "gone:", c.New == nil)
	}
	// Output:
	// prod@us-east-1 10.0.0.0/16 gone: true
	// prod@eu-west-1 10.0.0.0/16 gone: true
	// shared@us-east-1 10.0.0.0/16 gone: true
	// shared@eu-west-1 10.0.0.0/16 gone: true
}

func ExampleTables_UpdateRoutes() {
	tables, err := routing.Compute(exampleNetwork())
	if err != nil {
		panic(err)
	}
	tables, err = tables.UpdateRoutes("office", "", []routing.Announcement{
		{Prefix: netip.MustParsePrefix("192.168.1.0/24"), ASPath: []uint32{65001, 65002}},
	}, []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16")})
	if err != nil {
		panic(err)
	}
	table, _ := tables.Table(routing.TableID{Segment: "prod", Edge: "us-east-1"})
	for r := range table.Routes() {
		fmt.Println(r.Prefix, r.Destinations, r.ASPath)
	}
	// Output:
	// 10.0.0.0/16 [vpc] []
	// 192.168.1.0/24 [edge:eu-west-1] [64513 65001 65002]
}

func ExampleNAT_TranslateSource() {
	nat := routing.NAT{Rules: []routing.NATRule{{Source: netip.MustParsePrefix("10.0.0.0/16"), NAT: netip.MustParsePrefix("100.64.0.0/16")}}}
	fmt.Println(nat.TranslateSource(netip.MustParseAddr("10.0.1.5")))
	fmt.Println(nat.TranslateDestination(netip.MustParseAddr("100.64.1.5")))
	// Output:
	// 100.64.1.5 true
	// 10.0.1.5 true
}
