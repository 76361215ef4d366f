package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/internal/yamljson"
)

// Contents is a catalog as a value: the format of its file, and of the part of a network that is not Network Manager's
// wherever a network is written down.
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

// Parse reads contents from JSON or YAML and checks them. Members the format does not have are refused. Errors name the
// line, and the path of what is wrong in what could be read: vpcs[0].cidrs[1].
func Parse(data []byte) (*Contents, error) {
	if len(data) > MaxFile {
		return nil, fmt.Errorf("the catalog is longer than %d bytes", MaxFile)
	}
	text := data
	if !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		converted, err := yamljson.Convert(data, yamljson.Options{YesNo: true})
		switch {
		case errors.Is(err, yamljson.ErrEmpty):
			return &Contents{}, nil
		case err != nil:
			return nil, fmt.Errorf("the catalog is not YAML: %.300s", err.Error())
		}
		text = converted
	}
	var c Contents
	if err := json.Unmarshal(text, &c, json.RejectUnknownMembers(true)); err != nil {
		return nil, located(text, err)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return &c, nil
}

// Warnings are what the contents hold that this binary keeps but knows nothing more of.
func (c *Contents) Warnings() []string {
	var list []string
	for i := range c.TransitGateways {
		for j, a := range c.TransitGateways[i].Attachments {
			if !slices.Contains(ResourceTypes(), a.ResourceType) {
				list = append(list, fmt.Sprintf("transitGateways[%d].attachments[%d].resourceType: %.200q is not a known type of transit gateway attachment", i, j, a.ResourceType))
			}
		}
	}
	return list
}

// located says where in the text an error of the decoder is. The lines of converted YAML are those of the file.
func located(text []byte, err error) error {
	var offset int64
	var pointer jsontext.Pointer
	var reason error
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.As(err, &semantic):
		offset, pointer, reason = semantic.ByteOffset, semantic.JSONPointer, semantic.Err
		if reason == nil {
			reason = fmt.Errorf("a JSON %v does not fit", semantic.JSONKind)
		}
	case errors.As(err, &syntactic):
		offset, pointer, reason = syntactic.ByteOffset, syntactic.JSONPointer, syntactic.Err
	default:
		return fmt.Errorf("the catalog cannot be read: %w", err)
	}
	var path []byte
	for token := range pointer.Tokens() {
		switch {
		case len(token) > 0 && token[0] >= '0' && token[0] <= '9':
			path = fmt.Appendf(path, "[%s]", token)
		case len(path) == 0:
			path = append(path, token...)
		default:
			path = fmt.Appendf(path, ".%s", token)
		}
	}
	place := fmt.Sprintf("line %d: ", 1+bytes.Count(text[:min(max(offset, 0), int64(len(text)))], []byte("\n")))
	if len(path) > 0 {
		place += fmt.Sprintf("%.200s: ", path)
	}
	return fmt.Errorf("the catalog cannot be read: %s%.300s", place, reason.Error()) // it may hold what it complains about
}

// index is contents by ARN.
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

// New is a catalog that never changes. It keeps the contents, which it checks and completes.
func New(c *Contents) (Catalog, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	return c.index(), nil
}

// index finds things by their ARNs, in contents that were checked.
func (c *Contents) index() *index {
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
	for i := range c.VPCs {
		x.vpcs[c.VPCs[i].ARN] = &c.VPCs[i]
	}
	for i := range c.TransitGateways {
		g := &c.TransitGateways[i]
		x.gateways[g.ARN] = g
		for j := range g.RouteTables {
			x.tables[g.RouteTables[j].ARN] = &g.RouteTables[j]
		}
		for j := range g.ConnectPeers {
			x.connectPeers[g.ConnectPeers[j].ARN] = &g.ConnectPeers[j]
		}
	}
	for i := range c.CustomerGateways {
		x.customers[c.CustomerGateways[i].ARN] = &c.CustomerGateways[i]
	}
	for i := range c.VPNConnections {
		x.connections[c.VPNConnections[i].ARN] = &c.VPNConnections[i]
	}
	for i := range c.PrefixLists {
		x.prefixLists[c.PrefixLists[i].ARN] = &c.PrefixLists[i]
	}
	for i := range c.DirectConnectGateways {
		x.dxGateways[c.DirectConnectGateways[i].ARN] = &c.DirectConnectGateways[i]
	}
	return x
}

func find[T any](m map[string]*T, arn string) (*T, error) {
	if v, ok := m[arn]; ok {
		return v, nil
	}
	return nil, fmt.Errorf("%s: %w", arn, ErrNotFound)
}

func (x *index) VPC(_ context.Context, arn string) (*VPC, error) { return find(x.vpcs, arn) }

func (x *index) TransitGateway(_ context.Context, arn string) (*TransitGateway, error) {
	return find(x.gateways, arn)
}

func (x *index) RouteTable(_ context.Context, arn string) (*RouteTable, error) {
	return find(x.tables, arn)
}

func (x *index) VPNConnection(_ context.Context, arn string) (*VPNConnection, error) {
	return find(x.connections, arn)
}

func (x *index) CustomerGateway(_ context.Context, arn string) (*CustomerGateway, error) {
	return find(x.customers, arn)
}

func (x *index) ConnectPeer(_ context.Context, arn string) (*ConnectPeer, error) {
	return find(x.connectPeers, arn)
}

func (x *index) PrefixList(_ context.Context, arn string) (*PrefixList, error) {
	return find(x.prefixLists, arn)
}

func (x *index) DirectConnectGateway(_ context.Context, arn string) (*DirectConnectGateway, error) {
	return find(x.dxGateways, arn)
}

// Version stands still.
func (x *index) Version() uint64 { return 1 }

func (x *index) Remote() bool { return false }
