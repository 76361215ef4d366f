package test

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// ec2Double is an EC2 of our own: as much of its Query protocol as a Terraform provider and the catalog use of VPCs and
// subnets. Everything else is refused in EC2's words. It notes which actions were called.
type ec2Double struct {
	URL string

	mu      sync.Mutex
	account string
	vpcs    map[string]*ec2Thing
	subnets map[string]*ec2Thing
	calls   map[string]int
	next    int
}

// ec2Thing is a VPC, or a subnet of one.
type ec2Thing struct {
	id, cidr, vpc, zone string
	tags                map[string]string
}

func newEC2(t *testing.T, account string) *ec2Double {
	t.Helper()
	d := &ec2Double{account: account, vpcs: map[string]*ec2Thing{}, subnets: map[string]*ec2Thing{}, calls: map[string]int{}}
	s := httptest.NewServer(d)
	t.Cleanup(s.Close)
	d.URL = s.URL
	return d
}

func (d *ec2Double) called(action string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls[action]
}

func (d *ec2Double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		d.refuse(w, "MalformedQueryString", err.Error())
		return
	}
	action := r.Form.Get("Action")
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls[action]++
	answer := map[string]func(*http.Request) (string, error){
		"CreateVpc": d.createVPC, "DescribeVpcs": d.describeVPCs, "DeleteVpc": d.delete(d.vpcs, "VpcId", "InvalidVpcID.NotFound"),
		"CreateSubnet": d.createSubnet, "DescribeSubnets": d.describeSubnets, "DeleteSubnet": d.delete(d.subnets, "SubnetId", "InvalidSubnetID.NotFound"),
		"CreateTags": d.createTags, "DescribeVpcAttribute": d.vpcAttribute,
	}[action]
	if answer == nil {
		d.refuse(w, "InvalidAction", "The action "+action+" is not valid for this web service.")
		return
	}
	text, err := answer(r)
	if err != nil {
		code, message, _ := strings.Cut(err.Error(), ": ")
		d.refuse(w, code, message)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<%[1]sResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId>%[2]s</%[1]sResponse>`, action, text)
}

func (d *ec2Double) refuse(w http.ResponseWriter, code, message string) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(http.StatusBadRequest)
	var text strings.Builder
	_ = xml.EscapeText(&text, []byte(message))
	fmt.Fprintf(w, "<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>1</RequestID></Response>", code, text.String())
}

func (d *ec2Double) id(kind string) string {
	d.next++
	return fmt.Sprintf("%s-%017x", kind, d.next)
}

func (d *ec2Double) createVPC(r *http.Request) (string, error) {
	v := &ec2Thing{id: d.id("vpc"), cidr: r.Form.Get("CidrBlock"), tags: map[string]string{}}
	d.vpcs[v.id] = v
	return "<vpc>" + d.vpc(v) + "</vpc>", nil
}

func (d *ec2Double) vpc(v *ec2Thing) string {
	return fmt.Sprintf(`<vpcId>%s</vpcId><ownerId>%s</ownerId><state>available</state><cidrBlock>%[3]s</cidrBlock><cidrBlockAssociationSet><item><cidrBlock>%[3]s</cidrBlock>`+
		`<associationId>vpc-cidr-assoc-1</associationId><cidrBlockState><state>associated</state></cidrBlockState></item></cidrBlockAssociationSet>%[4]s`, v.id, d.account, v.cidr, tagSet(v.tags))
}

func tagSet(tags map[string]string) string {
	var b strings.Builder
	for k, v := range tags {
		fmt.Fprintf(&b, "<item><key>%s</key><value>%s</value></item>", k, v)
	}
	return "<tagSet>" + b.String() + "</tagSet>"
}

// wanted are the ids that a call names, as a list or as a filter.
func wanted(r *http.Request, list, filter string) []string {
	var ids []string
	for key, values := range r.Form {
		if strings.HasPrefix(key, list+".") {
			ids = append(ids, values...)
		}
	}
	for i := 1; r.Form.Has(fmt.Sprintf("Filter.%d.Name", i)); i++ {
		if r.Form.Get(fmt.Sprintf("Filter.%d.Name", i)) == filter {
			ids = append(ids, r.Form.Get(fmt.Sprintf("Filter.%d.Value.1", i)))
		}
	}
	return ids
}

func (d *ec2Double) describeVPCs(r *http.Request) (string, error) {
	var b strings.Builder
	for _, id := range wanted(r, "VpcId", "vpc-id") {
		v := d.vpcs[id]
		if v == nil {
			return "", fmt.Errorf("InvalidVpcID.NotFound: The vpc ID '%s' does not exist", id)
		}
		b.WriteString("<item>" + d.vpc(v) + "</item>")
	}
	return "<vpcSet>" + b.String() + "</vpcSet>", nil
}

func (d *ec2Double) vpcAttribute(r *http.Request) (string, error) {
	name := r.Form.Get("Attribute")
	return fmt.Sprintf("<vpcId>%s</vpcId><%s><value>true</value></%[2]s>", r.Form.Get("VpcId"), name), nil
}

func (d *ec2Double) createSubnet(r *http.Request) (string, error) {
	s := &ec2Thing{id: d.id("subnet"), cidr: r.Form.Get("CidrBlock"), vpc: r.Form.Get("VpcId"), zone: r.Form.Get("AvailabilityZone"), tags: map[string]string{}}
	if d.vpcs[s.vpc] == nil {
		return "", fmt.Errorf("InvalidVpcID.NotFound: The vpc ID '%s' does not exist", s.vpc)
	}
	d.subnets[s.id] = s
	return "<subnet>" + d.subnet(s) + "</subnet>", nil
}

func (d *ec2Double) subnet(s *ec2Thing) string {
	return fmt.Sprintf("<subnetId>%s</subnetId><vpcId>%s</vpcId><ownerId>%s</ownerId><state>available</state><cidrBlock>%s</cidrBlock><availabilityZone>%s</availabilityZone>%s",
		s.id, s.vpc, d.account, s.cidr, s.zone, tagSet(s.tags))
}

func (d *ec2Double) describeSubnets(r *http.Request) (string, error) {
	var b strings.Builder
	ids, vpcs := wanted(r, "SubnetId", "subnet-id"), wanted(r, "", "vpc-id")
	for _, id := range ids {
		if d.subnets[id] == nil {
			return "", fmt.Errorf("InvalidSubnetID.NotFound: The subnet ID '%s' does not exist", id)
		}
	}
	for id, s := range d.subnets {
		if len(ids) > 0 && strings.Join(ids, ",") == id || len(vpcs) > 0 && vpcs[0] == s.vpc {
			b.WriteString("<item>" + d.subnet(s) + "</item>")
		}
	}
	return "<subnetSet>" + b.String() + "</subnetSet>", nil
}

func (d *ec2Double) createTags(r *http.Request) (string, error) {
	for _, id := range wanted(r, "ResourceId", "") {
		thing := d.vpcs[id]
		if thing == nil {
			thing = d.subnets[id]
		}
		for i := 1; thing != nil && r.Form.Has(fmt.Sprintf("Tag.%d.Key", i)); i++ {
			thing.tags[r.Form.Get(fmt.Sprintf("Tag.%d.Key", i))] = r.Form.Get(fmt.Sprintf("Tag.%d.Value", i))
		}
	}
	return "<return>true</return>", nil
}

func (d *ec2Double) delete(from map[string]*ec2Thing, member, missing string) func(*http.Request) (string, error) {
	return func(r *http.Request) (string, error) {
		id := r.Form.Get(member)
		if from[id] == nil {
			return "", fmt.Errorf("%s: '%s' does not exist", missing, id)
		}
		delete(from, id)
		return "<return>true</return>", nil
	}
}
