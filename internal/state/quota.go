package state

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Quota is one adjustable limit. Code is its Service Quotas code, empty where AWS publishes none.
type Quota struct {
	Name    string
	Code    string
	Default int
}

// The quotas of the documented service, by the name --quota takes.
var (
	QuotaGlobalNetworks  = Quota{"global-networks", "L-2418390E", 5}
	QuotaSites           = Quota{"sites", "L-DFE018A3", 200}
	QuotaDevices         = Quota{"devices", "L-C3B5632D", 200}
	QuotaLinks           = Quota{"links", "L-6BD16053", 200}
	QuotaConnections     = Quota{"connections", "L-D30F0A50", 500}
	QuotaPolicyVersions  = Quota{"policy-versions", "L-3DE56F60", 10_000}
	QuotaAttachments     = Quota{"attachments", "L-A2478D36", 5000}
	QuotaVPCAttachments  = Quota{"attachments-per-vpc", "", 5}
	QuotaConnectPeers    = Quota{"connect-peers", "", 4}
	QuotaPeerRoutes      = Quota{"connect-peer-routes", "", 1000} // that a Connect peer advertises on each session
	QuotaPeerings        = Quota{"peerings", "", 50}
	QuotaDXGWAttachments = Quota{"direct-connect-gateway-attachments", "", 40}
	QuotaPrefixLists     = Quota{"prefix-list-associations", "", 100}
	QuotaTags            = Quota{"tags", "", 200}
	QuotaAssociations    = Quota{"associations", "", 10_000} // of each kind in a global network: none is published, a bound all the same
)

var allQuotas = []Quota{
	QuotaGlobalNetworks, QuotaSites, QuotaDevices, QuotaLinks, QuotaConnections, QuotaPolicyVersions, QuotaAttachments,
	QuotaVPCAttachments, QuotaConnectPeers, QuotaPeerRoutes, QuotaPeerings, QuotaDXGWAttachments, QuotaPrefixLists, QuotaTags, QuotaAssociations,
}

// Quotas holds the limits that differ from the defaults, by name.
type Quotas map[string]int

// ParseQuotas reads "devices=1000,sites=500"; names are those of --quota, Service Quotas codes are taken too.
func ParseQuotas(text string) (Quotas, error) {
	q := Quotas{}
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		i := slices.IndexFunc(allQuotas, func(known Quota) bool { return known.Name == name || known.Code != "" && known.Code == name })
		if i < 0 {
			return nil, fmt.Errorf("quota %q is not known; known: %s", name, strings.Join(quotaNames(), " "))
		}
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("quota %s: %q is not a whole number", name, value)
		}
		q[allQuotas[i].Name] = n
	}
	return q, nil
}

func (q Quotas) withDefaults() Quotas {
	full := Quotas{}
	for _, known := range allQuotas {
		full[known.Name] = known.Default
	}
	for name, n := range q {
		full[name] = n
	}
	return full
}

func quotaNames() []string {
	var names []string
	for _, q := range allQuotas {
		names = append(names, q.Name)
	}
	return names
}
