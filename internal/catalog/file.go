package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"sigs.k8s.io/yaml"
)

// Contents is a catalog as a value, and the format of its file.
type Contents struct {
	VPCs                  []VPC                  `json:"vpcs,omitempty"`
	TransitGateways       []TransitGateway       `json:"transitGateways,omitempty"`
	VPNConnections        []VPNConnection        `json:"vpnConnections,omitempty"`
	CustomerGateways      []CustomerGateway      `json:"customerGateways,omitempty"`
	PrefixLists           []PrefixList           `json:"prefixLists,omitempty"`
	DirectConnectGateways []DirectConnectGateway `json:"directConnectGateways,omitempty"`
}

// MaxFile bounds what is read, in bytes.
const MaxFile = 64 << 20

// Parse reads the contents from JSON or YAML. Members the format does not have are refused, and ARNs must be there, each
// once.
func Parse(data []byte) (*Contents, error) {
	if len(data) > MaxFile {
		return nil, fmt.Errorf("the catalog is longer than %d bytes", MaxFile)
	}
	if text := strings.TrimLeft(string(data), " \t\r\n"); !strings.HasPrefix(text, "{") {
		converted, err := yaml.YAMLToJSONStrict(data)
		if err != nil {
			return nil, fmt.Errorf("the catalog is not YAML: %w", err)
		}
		data = converted
	}
	var c Contents
	if err := json.Unmarshal(data, &c, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("the catalog cannot be read: %w", err)
	}
	if _, err := c.index(); err != nil {
		return nil, err
	}
	return &c, nil
}

// index is the contents by ARN.
type index struct {
	vpcs         map[string]*VPC
	gateways     map[string]*TransitGateway
	tables       map[string]*RouteTable
	connections  map[string]*VPNConnection
	customers    map[string]*CustomerGateway
	connectPeers map[string]*ConnectPeer
	prefixLists  map[string]*PrefixList
	dxGateways   map[string]*DirectConnectGateway
}

func (c *Contents) index() (*index, error) {
	x := &index{
		map[string]*VPC{},
		map[string]*TransitGateway{},
		map[string]*RouteTable{},
		map[string]*VPNConnection{},
		map[string]*CustomerGateway{},
		map[string]*ConnectPeer{},
		map[string]*PrefixList{},
		map[string]*DirectConnectGateway{},
	}
	var errs []error
	enter := func(kind, resourceType, arn string, taken bool) {
		switch {
		case !strings.HasPrefix(arn, "arn:") || !strings.Contains(arn, ":"+resourceType+"/"):
			errs = append(errs, fmt.Errorf("%s: %.200q is not the ARN of a %s", kind, arn, resourceType))
		case taken:
			errs = append(errs, fmt.Errorf("%s: %s is there twice", kind, arn))
		}
	}
	for i := range c.VPCs {
		v := &c.VPCs[i]
		enter("vpcs", "vpc", v.ARN, x.vpcs[v.ARN] != nil)
		x.vpcs[v.ARN] = v
		for _, s := range v.Subnets {
			enter("vpcs: subnets", "subnet", s.ARN, false)
		}
		for _, p := range v.CIDRs {
			if !p.IsValid() {
				errs = append(errs, fmt.Errorf("vpcs: %s has a CIDR block that is none", v.ARN))
			}
		}
	}
	for i := range c.VPNConnections {
		v := &c.VPNConnections[i]
		enter("vpnConnections", "vpn-connection", v.ARN, x.connections[v.ARN] != nil)
		x.connections[v.ARN] = v
	}
	for i := range c.CustomerGateways {
		g := c.CustomerGateways[i]
		enter("customerGateways", "customer-gateway", g.ARN, x.customers[g.ARN] != nil)
		for _, v := range c.VPNConnections {
			if v.CustomerGatewayARN == g.ARN {
				g.VPNConnectionARNs = append(g.VPNConnectionARNs[:len(g.VPNConnectionARNs):len(g.VPNConnectionARNs)], v.ARN)
			}
		}
		x.customers[g.ARN] = &g
	}
	for i := range c.PrefixLists {
		l := &c.PrefixLists[i]
		enter("prefixLists", "prefix-list", l.ARN, x.prefixLists[l.ARN] != nil)
		x.prefixLists[l.ARN] = l
	}
	for i := range c.DirectConnectGateways {
		g := &c.DirectConnectGateways[i]
		enter("directConnectGateways", "dx-gateway", g.ARN, x.dxGateways[g.ARN] != nil)
		x.dxGateways[g.ARN] = g
	}
	for i := range c.TransitGateways {
		g := &c.TransitGateways[i]
		enter("transitGateways", "transit-gateway", g.ARN, x.gateways[g.ARN] != nil)
		x.gateways[g.ARN] = g
		for _, a := range g.Attachments {
			enter("transitGateways: attachments", "transit-gateway-attachment", a.ARN, false)
		}
		for _, t := range g.RouteTables {
			enter("transitGateways: routeTables", "transit-gateway-route-table", t.ARN, x.tables[t.ARN] != nil)
			t.TransitGatewayARN = g.ARN
			x.tables[t.ARN] = &t
		}
		for _, p := range g.ConnectPeers {
			enter("transitGateways: connectPeers", "transit-gateway-connect-peer", p.ARN, x.connectPeers[p.ARN] != nil)
			p.TransitGatewayARN = g.ARN
			x.connectPeers[p.ARN] = &p
		}
	}
	return x, errors.Join(errs...)
}

// File is a catalog that is read from a file, and read again when the file changes. A file that cannot be read leaves
// what was read before in force.
type File struct {
	path string
	now  func() time.Time
	log  *slog.Logger

	mu      sync.Mutex
	looked  time.Time
	stamp   string // size and time of what was read
	index   *index
	version uint64
}

// lookEvery is how often the file's size and time are looked at.
const lookEvery = time.Second

// OpenFile reads the file. Its errors name it.
func OpenFile(path string, now func() time.Time, log *slog.Logger) (*File, error) {
	f := &File{path: path, now: now, log: log}
	stamp, x, err := f.read("")
	if err != nil {
		return nil, err
	}
	f.stamp, f.index, f.looked, f.version = stamp, x, now(), 1
	return f, nil
}

// read reads the file unless its stamp is the given one.
func (f *File) read(known string) (string, *index, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return "", nil, fmt.Errorf("the catalog cannot be read: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	info, err := file.Stat()
	if err != nil {
		return "", nil, fmt.Errorf("the catalog cannot be read: %w", err)
	}
	stamp := fmt.Sprint(info.Size(), info.ModTime().UnixNano())
	if stamp == known {
		return stamp, nil, nil
	}
	data, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	if err != nil {
		return stamp, nil, fmt.Errorf("the catalog cannot be read: %w", err)
	}
	c, err := Parse(data)
	if err != nil {
		return stamp, nil, fmt.Errorf("%s: %w", f.path, err)
	}
	x, err := c.index()
	return stamp, x, err
}

// current is the contents as of now.
func (f *File) current() *index {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if since := now.Sub(f.looked); since >= 0 && since < lookEvery {
		return f.index
	}
	f.looked = now
	stamp, x, err := f.read(f.stamp)
	switch {
	case err != nil:
		if stamp == "" || stamp != f.stamp {
			f.log.Error("the catalog that was read before stays in force", "error", err)
		}
		if stamp != "" {
			f.stamp = stamp // say it once
		}
	case x != nil:
		f.stamp, f.index = stamp, x
		f.version++
		f.log.Info("catalog reloaded", "file", f.path)
	}
	return f.index
}

// Version moves with every reload.
func (f *File) Version() uint64 {
	f.current()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.version
}

func find[T any](m map[string]*T, arn string) (*T, error) {
	if v, ok := m[arn]; ok {
		return v, nil
	}
	return nil, fmt.Errorf("%s: %w", arn, ErrNotFound)
}

// VPC looks a VPC up.
func (f *File) VPC(_ context.Context, arn string) (*VPC, error) { return find(f.current().vpcs, arn) }

// TransitGateway looks a transit gateway up.
func (f *File) TransitGateway(_ context.Context, arn string) (*TransitGateway, error) {
	return find(f.current().gateways, arn)
}

// RouteTable looks a transit gateway route table up.
func (f *File) RouteTable(_ context.Context, arn string) (*RouteTable, error) {
	return find(f.current().tables, arn)
}

// VPNConnection looks a VPN connection up.
func (f *File) VPNConnection(_ context.Context, arn string) (*VPNConnection, error) {
	return find(f.current().connections, arn)
}

// CustomerGateway looks a customer gateway up.
func (f *File) CustomerGateway(_ context.Context, arn string) (*CustomerGateway, error) {
	return find(f.current().customers, arn)
}

// ConnectPeer looks a transit gateway Connect peer up.
func (f *File) ConnectPeer(_ context.Context, arn string) (*ConnectPeer, error) {
	return find(f.current().connectPeers, arn)
}

// PrefixList looks a managed prefix list up.
func (f *File) PrefixList(_ context.Context, arn string) (*PrefixList, error) {
	return find(f.current().prefixLists, arn)
}

// DirectConnectGateway looks a Direct Connect gateway up.
func (f *File) DirectConnectGateway(_ context.Context, arn string) (*DirectConnectGateway, error) {
	return find(f.current().dxGateways, arn)
}
