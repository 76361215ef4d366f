// Package skeleton has core network policies to begin with. Each passes the checks, and nothing is to be said against any.
package skeleton

import (
	"embed"
	"fmt"
	"strings"

	"portolan/policy"
)

//go:embed *.json
var files embed.FS

// Skeleton is a policy to begin with.
type Skeleton struct {
	Name    string
	Summary string // one line
}

// All is every skeleton, the simplest first.
func All() []Skeleton {
	return []Skeleton{
		{"segments", "segments by tag, with one that is shared"},
		{"inspection", "traffic between two segments through firewalls"},
		{"egress", "default routes through a group of NAT gateways or firewalls"},
		{"hybrid", "VPN, Connect, transit gateways and Direct Connect in one segment, VPCs in others"},
		{"routing", "the same with a filter on what is learned from premises (version 2025.11)"},
	}
}

// edges is the edge locations of every skeleton.
const edges = `[{"location": "us-east-1"}, {"location": "us-west-2"}]`

// Document is a skeleton with edges in some Regions, with none given in us-east-1 and us-west-2.
func Document(name string, regions []string) ([]byte, error) {
	text, err := files.ReadFile(name + ".json")
	if err != nil {
		var names []string
		for _, s := range All() {
			names = append(names, s.Name)
		}
		return nil, fmt.Errorf("there is no skeleton %.60q; there are %s", name, strings.Join(names, ", "))
	}
	if len(regions) > 0 {
		var list []string
		for _, r := range regions {
			list = append(list, fmt.Sprintf(`{"location": %q}`, r))
		}
		text = []byte(strings.Replace(string(text), edges, "["+strings.Join(list, ", ")+"]", 1))
	}
	doc, errs := policy.Parse(text)
	if len(errs) == 0 {
		errs = policy.Check(doc)
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return policy.Format(doc), nil
}
