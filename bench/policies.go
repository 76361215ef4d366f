package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"portolan/api"
	"portolan/internal/node"
	"portolan/internal/state"
	"portolan/policy"
)

// policies measures what a policy costs: to check and compile, to associate attachments by, to execute.
func (b *bench) policies() {
	b.printf("## Policies and attachments\n\n| what | measured | goal |\n| --- | ---: | ---: |\n")
	large := []byte(tagPolicy(3080))
	b.printf("| parse, check and compile %.2f MB (3,080 attachment rules) | %.1f ms | 100 ms |\n", float64(len(large))/1e6, b.millis(func() { compile(large) }))

	compiled := compile([]byte(tagPolicy(200)))
	attachments := make([]policy.Attachment, 5000)
	for i := range attachments {
		attachments[i] = policy.Attachment{
			Type: policy.TypeVPC, Edges: []string{"eu-west-1"}, Account: "111122223333", ResourceID: "vpc-0123456789abcdef0",
			Tags: map[string]string{"team": fmt.Sprintf("team-%d", i%250)}, // some match none of the rules
		}
	}
	b.printf("| associate 5,000 attachments by 200 rules | %.1f ms | 50 ms |\n", b.millis(func() {
		for i := range attachments {
			compiled.Decide(&attachments[i])
		}
	}))
	b.attached()
}

// tagPolicy is a policy with as many attachment rules, each of three conditions.
func tagPolicy(rules int) string {
	var s strings.Builder
	s.WriteString(`{"version":"2021.12","core-network-configuration":{"asn-ranges":["64512-64599"],"edge-locations":[{"location":"eu-west-1"},{"location":"us-east-1"}]},"segments":[`)
	for i := range 20 {
		fmt.Fprintf(&s, `{"name":"segment%d","require-attachment-acceptance":false},`, i)
	}
	s.WriteString(`{"name":"last","require-attachment-acceptance":false}],"attachment-policies":[`)
	for i := range rules {
		fmt.Fprintf(&s, `{"rule-number":%d,"description":"rule","condition-logic":"and","conditions":[{"type":"tag-value","operator":"equals","key":"team","value":"team-%d"},`+
			`{"type":"attachment-type","operator":"equals","value":"vpc"},{"type":"region","operator":"equals","value":"eu-west-1"}],"action":{"association-method":"constant","segment":"segment%d"}},`, i+1, i, i%20)
	}
	s.WriteString(`{"rule-number":65000,"conditions":[{"type":"tag-exists","key":"to"}],"action":{"association-method":"tag","tag-value-of-key":"to"}}]}`)
	return s.String()
}

func compile(text []byte) *policy.Policy {
	doc, errs := policy.Parse(text)
	if len(errs) == 0 {
		errs = policy.Check(doc)
	}
	if len(errs) > 0 {
		panic(errs[0].Message)
	}
	p, errs := policy.Compile(doc, nil)
	if len(errs) > 0 {
		panic(errs[0].Message)
	}
	return p
}

// millis is the median of a few runs.
func (b *bench) millis(f func()) float64 {
	var times []float64
	for range b.rounds {
		start := time.Now()
		f()
		times = append(times, float64(time.Since(start).Microseconds())/1000)
	}
	return median(times)
}

// cpuMillis is the processor time of f in milliseconds.
func (b *bench) cpuMillis(f func()) float64 {
	var times []float64
	for range b.rounds {
		times = append(times, spentMillis(f))
	}
	return median(times)
}

// spentMillis is the processor time of one call. What was garbage before is collected first.
func spentMillis(f func()) float64 {
	runtime.GC()
	before := processCPU()
	f()
	return float64((processCPU() - before).Microseconds()) / 1000
}

// cpuRatio is the processor time of two functions in turns, and the median of how many times that of the first the second takes.
func (b *bench) cpuRatio(first, second func()) (one, other, ratio float64) {
	var ones, others, ratios []float64
	for range 6 * b.rounds {
		x, y := spentMillis(first), spentMillis(second)
		ones, others, ratios = append(ones, x), append(others, y), append(ratios, y/x)
	}
	return median(ones), median(others), median(ratios)
}

// attached measures a core network with few and with many attachments.
func (b *bench) attached() {
	ctx := api.WithCaller(context.Background(), api.Caller{Account: "111122223333", Partition: "aws"})
	st := tempBolt()
	s, err := node.New(ctx, node.Config{Store: st, Quotas: state.Quotas{"attachments-per-vpc": 10_000}})
	check(err)
	gn, err := s.CreateGlobalNetwork(ctx, &api.CreateGlobalNetworkInput{})
	check(err)
	created, err := s.CreateCoreNetwork(ctx, &api.CreateCoreNetworkInput{GlobalNetworkId: gn.GlobalNetwork.GlobalNetworkId, PolicyDocument: new(tagPolicy(1))})
	check(err)
	cn := created.CoreNetwork.CoreNetworkId
	settle := func() {
		for range 4 {
			_, err := s.GetCoreNetwork(ctx, &api.GetCoreNetworkInput{CoreNetworkId: cn})
			check(err)
		}
	}
	attach := func(n int) {
		const arn = "arn:aws:ec2:eu-west-1:111122223333:"
		for i := range n {
			_, err := s.CreateVpcAttachment(ctx, &api.CreateVpcAttachmentInput{
				CoreNetworkId: cn, VpcArn: arn + "vpc/vpc-0123456789abcdef0", SubnetArns: []string{arn + "subnet/subnet-0123456789abcdef0"},
				Tags: []api.Tag{{Key: new("team"), Value: new(fmt.Sprintf("team-%d", i%200))}, {Key: new("to"), Value: new("last")}},
			})
			check(err)
		}
		settle()
	}
	page := func() float64 {
		return b.millis(func() {
			for range 100 {
				_, err := s.ListAttachments(ctx, &api.ListAttachmentsInput{CoreNetworkId: &cn, MaxResults: new(int32(100))})
				check(err)
			}
		}) * 10 // microseconds for one
	}
	settle()
	attach(100)
	few := page()
	attach(4900)
	b.printf("| ListAttachments, page of 100 among 100 | %.0f µs | |\n| ListAttachments, page of 100 among 5,000 | %.0f µs | the same |\n", few, page())
	rules := 200
	b.printf("| execute a policy that moves 5,000 attachments, on disk | %.0f ms | 1,000 ms |\n", b.millis(func() {
		rules = 201 - rules // every attachment moves there and back
		put, err := s.PutCoreNetworkPolicy(ctx, &api.PutCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyDocument: tagPolicy(rules)})
		check(err)
		settle()
		_, err = s.ExecuteCoreNetworkChangeSet(ctx, &api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: *put.CoreNetworkPolicy.PolicyVersionId})
		check(err)
		settle()
	}))
	b.printf("\nThe last includes putting the version and generating its change set.\n\n")
	check(st.Close())
}
