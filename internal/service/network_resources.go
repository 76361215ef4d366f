package service

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"portolan/api"
	"portolan/internal/store"
)

// inventoryFilter is the filters that three operations share; all must hold.
type inventoryFilter struct {
	coreNetwork, gateway, region, account, resourceType, resource *string
}

func (f *inventoryFilter) query() []string {
	return []string{val(f.coreNetwork), val(f.gateway), val(f.region), val(f.account), val(f.resourceType), val(f.resource)}
}

func (f *inventoryFilter) keeps(r *api.NetworkResource) bool {
	return wanted(f.coreNetwork, r.CoreNetworkId) && wanted(f.gateway, r.RegisteredGatewayArn) && wanted(f.region, r.AwsRegion) &&
		wanted(f.account, r.AccountId) && wanted(f.resourceType, r.ResourceType) && wanted(f.resource, r.ResourceArn)
}

// inventory is the global network with what the catalog knows behind its transit gateways, or the error of one that is not the caller's.
func (v *View) inventory(ctx context.Context, gn string) (*inventoryOf, error) {
	if _, err := findGlobalNetwork(v, gn); err != nil {
		return nil, err
	}
	in := &inventoryOf{View: v, gn: gn}
	for _, row := range coreNetworks.ScanIndex(v.r, v.prefix("core-network.global-network", gn), "") {
		in.core = row
	}
	return in, in.lookOutside(ctx)
}

// walk yields the resources the filter keeps, after the key a page ended with.
func (in *inventoryOf) walk(f *inventoryFilter, after string) iter.Seq2[string, *inventoryItem] {
	afterType, afterKey, _ := strings.Cut(after, " ")
	return func(yield func(string, *inventoryItem) bool) {
		for _, family := range inventoryFamilies {
			from, single := in.startAt(f, family.resourceType)
			if family.resourceType < afterType || from == nowhere || !wanted(f.resourceType, family.resourceType) {
				continue
			}
			if family.resourceType == afterType {
				from = max(from, afterKey)
			}
			known := map[string]bool{}
			if from != "" && len(in.outside[family.resourceType]) > 0 { // what earlier pages had
				for key, item := range family.walk(in, "") {
					if key > from {
						break
					}
					known[item.ResourceArn] = true
				}
			}
			for key, item := range family.walk(in, from) {
				known[item.ResourceArn] = in.joinOutside(item)
				if f.keeps(&item.NetworkResource) && !yield(family.resourceType+" "+key, item) {
					return
				}
				if single {
					break
				}
			}
			// What only the catalog knows comes after what the state knows of the type.
			for i := range in.outside[family.resourceType] {
				item := &in.outside[family.resourceType][i]
				key := "~" + item.ResourceArn
				if key > from && !known[item.ResourceArn] && f.keeps(&item.NetworkResource) && !yield(family.resourceType+" "+key, item) {
					return
				}
			}
		}
	}
}

// nowhere is a key no row has.
const nowhere = "\xff"

// startAt is the key to begin a family at, and whether one row is all there can be, when the filter names an ARN: a
// look-up shall not read the table.
func (in *inventoryOf) startAt(f *inventoryFilter, resourceType string) (after string, single bool) {
	if f.resource == nil {
		return "", false
	}
	a, ok := parseARN(*f.resource)
	switch {
	case !ok:
		return nowhere, false
	case a.service != "networkmanager":
		return "", false
	case a.resourceType != resourceType || a.account != in.caller.Account:
		return nowhere, false
	}
	switch resourceType {
	case "connection", "device", "link", "site":
		return before(in.key(resourceType, a.path...)), true
	case "attachment":
		if in.core != nil {
			return before(in.key(resourceType, in.core.CoreNetworkId, a.id())), true
		}
	}
	return "", false
}

// getNetworkResources lists the resources of a global network, each with its definition: the object as its own Get
// operation shows it. What only EC2 could describe has no definition.
func getNetworkResources(ctx context.Context, e *env, in *api.GetNetworkResourcesInput) (*api.GetNetworkResourcesOutput, error) {
	return read(ctx, e, func(v *View) (*api.GetNetworkResourcesOutput, error) {
		inv, err := v.inventory(ctx, in.GlobalNetworkId)
		if err != nil {
			return nil, err
		}
		f := &inventoryFilter{in.CoreNetworkId, in.RegisteredGatewayArn, in.AwsRegion, in.AccountId, in.ResourceType, in.ResourceArn}
		p, err := v.newPager(in.MaxResults, in.NextToken, append([]string{"GetNetworkResources", in.GlobalNetworkId}, f.query()...)...)
		if err != nil {
			return nil, err
		}
		var out api.GetNetworkResourcesOutput
		listed := func(item *inventoryItem) bool { return item.ResourceType != vpcType }
		out.NetworkResources, out.NextToken = page(p, inv.walk(f, p.after), listed, inv.show)
		return &out, nil
	})
}

func (in *inventoryOf) show(item *inventoryItem) api.NetworkResource {
	r := item.NetworkResource
	if item.define != nil {
		r.Definition, r.DefinitionTimestamp = string(item.define()), api.Time{Time: in.now}
	}
	if m, ok := resourceMetadata.Get(in.r, in.key("resource-metadata", in.gn, r.ResourceArn)); ok {
		r.Metadata = *m
	}
	return r
}

// getNetworkResourceCounts counts the resources of a global network by type; a type without any is left out.
func getNetworkResourceCounts(ctx context.Context, e *env, in *api.GetNetworkResourceCountsInput) (*api.GetNetworkResourceCountsOutput, error) {
	return read(ctx, e, func(v *View) (*api.GetNetworkResourceCountsOutput, error) {
		inv, err := v.inventory(ctx, in.GlobalNetworkId)
		if err != nil {
			return nil, err
		}
		p, err := v.newPager(in.MaxResults, in.NextToken, "GetNetworkResourceCounts", in.GlobalNetworkId, val(in.ResourceType))
		if err != nil {
			return nil, err
		}
		counts := func(yield func(string, *api.NetworkResourceCount) bool) {
			for _, family := range inventoryFamilies {
				if !wanted(in.ResourceType, family.resourceType) || family.resourceType <= p.after || family.resourceType == vpcType {
					continue
				}
				n := inv.count(family)
				if n > 0 && !yield(family.resourceType, &api.NetworkResourceCount{ResourceType: family.resourceType, Count: new(n)}) {
					return
				}
			}
		}
		var out api.GetNetworkResourceCountsOutput
		out.NetworkResourceCounts, out.NextToken = page(p, counts, nil, same)
		return &out, nil
	})
}

// count is how many resources a family has: from its counter where the table keeps one.
func (in *inventoryOf) count(family inventoryFamily) int32 {
	switch family.resourceType {
	case "connection", "device", "link", "site":
		return int32(store.CountAt(in.r, in.key(family.resourceType+".count", in.gn)))
	case "attachment":
		if in.core == nil {
			return 0
		}
		return int32(store.CountAt(in.r, in.key("attachment.count", in.core.CoreNetworkId)))
	}
	n := int32(0)
	for range in.walk(&inventoryFilter{resourceType: &family.resourceType}, "") {
		n++
	}
	return n
}

// getNetworkResourceRelationships lists which resources of a global network are related, each pair once in either
// direction, in the order of the resources they start from.
func getNetworkResourceRelationships(ctx context.Context, e *env, in *api.GetNetworkResourceRelationshipsInput) (*api.GetNetworkResourceRelationshipsOutput, error) {
	return read(ctx, e, func(v *View) (*api.GetNetworkResourceRelationshipsOutput, error) {
		inv, err := v.inventory(ctx, in.GlobalNetworkId)
		if err != nil {
			return nil, err
		}
		f := &inventoryFilter{in.CoreNetworkId, in.RegisteredGatewayArn, in.AwsRegion, in.AccountId, in.ResourceType, in.ResourceArn}
		p, err := v.newPager(in.MaxResults, in.NextToken, append([]string{"GetNetworkResourceRelationships", in.GlobalNetworkId}, f.query()...)...)
		if err != nil {
			return nil, err
		}
		var out api.GetNetworkResourceRelationshipsOutput
		out.Relationships, out.NextToken = page(p, inv.relationships(f, p.after), nil, same)
		return &out, nil
	})
}

// relationships yields pairs. The key of a pair is its start and its end; a page begins inside the resource the last
// one ended in, whose earlier pairs it passes over.
func (in *inventoryOf) relationships(f *inventoryFilter, after string) iter.Seq2[string, *api.Relationship] {
	afterItem, afterEnd, resumed := strings.Cut(after, "\x00")
	pairs := func(key string, item *inventoryItem, skip bool, yield func(string, *api.Relationship) bool) bool {
		for _, related := range item.related {
			for end := range related(in) {
				if skip {
					skip = end != afterEnd
					continue
				}
				if !yield(key+"\x00"+end, &api.Relationship{From: item.ResourceArn, To: end}) {
					return false
				}
			}
		}
		return true
	}
	return func(yield func(string, *api.Relationship) bool) {
		if resumed {
			for key, item := range in.walk(f, before(afterItem)) {
				// A pair that is gone in the meantime is not found again: rather all of this resource than none of it.
				still := false
				for _, related := range item.related {
					for end := range related(in) {
						still = still || end == afterEnd
					}
				}
				if key == afterItem && !pairs(key, item, still, yield) {
					return
				}
				break
			}
		}
		for key, item := range in.walk(f, afterItem) {
			if !pairs(key, item, false, yield) {
				return
			}
		}
	}
}

// before is a key just before key, so that a walk after it begins with key.
func before(key string) string {
	if key == "" {
		return ""
	}
	return key[:len(key)-1] + string(key[len(key)-1]-1) + "\xff"
}

// resourceMetadata is what UpdateNetworkResourceMetadata stored, by the ARN of the resource.
var resourceMetadata = store.NewTable(store.Schema[map[string]string]{Name: "resource-metadata"})

const (
	maxMetadataEntries = 50 // AWS documents none
	maxMetadataText    = 256
)

// updateNetworkResourceMetadata adds entries to the metadata of a resource, or changes them. An empty value is kept.
func updateNetworkResourceMetadata(ctx context.Context, e *env, in *api.UpdateNetworkResourceMetadataInput) (*api.UpdateNetworkResourceMetadataOutput, error) {
	return update(ctx, e, func(tx *Txn) (*api.UpdateNetworkResourceMetadataOutput, error) {
		inv, err := tx.inventory(ctx, in.GlobalNetworkId)
		if err != nil {
			return nil, err
		}
		var fields []api.FieldError
		for _, key := range slices.Sorted(maps.Keys(in.Metadata)) {
			if utf8.RuneCountInString(key) > maxMetadataText || utf8.RuneCountInString(in.Metadata[key]) > maxMetadataText {
				fields = append(fields, api.FieldError{Name: "metadata", Message: "Member must have length less than or equal to 256."})
			}
		}
		if err := invalid(fields); err != nil {
			return nil, err
		}
		found := false
		for _, item := range inv.walk(&inventoryFilter{resource: &in.ResourceArn}, "") {
			found = item.ResourceType != vpcType
			break
		}
		if !found {
			return nil, api.NotFound("network-resource", in.ResourceArn)
		}
		key := tx.key("resource-metadata", in.GlobalNetworkId, in.ResourceArn)
		merged := map[string]string{}
		if old, ok := resourceMetadata.Get(tx.r, key); ok {
			maps.Copy(merged, *old)
		}
		maps.Copy(merged, in.Metadata)
		if len(merged) > maxMetadataEntries {
			return nil, api.InvalidField("metadata", "A resource takes at most 50 entries of metadata.")
		}
		resourceMetadata.Put(tx.w, key, &merged)
		return &api.UpdateNetworkResourceMetadataOutput{ResourceArn: in.ResourceArn, Metadata: merged}, nil
	})
}
