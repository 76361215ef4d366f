package service

import (
	"context"
	"maps"
	"slices"
	"unicode/utf8"

	"portolan/api"
	"portolan/internal/inventory"
	"portolan/internal/state"
)

// askExternal asks the catalog what it knows behind the transit gateways of a global network of the caller's.
func askExternal(ctx context.Context, e *env, gn string) (*inventory.External, error) {
	if e.refs.catalog == nil {
		return inventory.Ask(ctx, nil, nil)
	}
	gateways, err := state.Read(ctx, e.db, func(v *state.View) ([]string, error) {
		if _, err := findGlobalNetwork(v, gn); err != nil {
			return nil, err
		}
		return inventory.Gateways(v, gn), nil
	})
	if err != nil {
		return nil, err
	}
	return inventory.Ask(ctx, e.refs.catalog, gateways)
}

// inventoryOf is the inventory of a global network, or the error of one that is not the caller's.
func inventoryOf(v *state.View, gn string, external *inventory.External) (*inventory.Inventory, error) {
	if _, err := findGlobalNetwork(v, gn); err != nil {
		return nil, err
	}
	return inventory.Of(v, gn, external), nil
}

// inventoried answers from the inventory of a global network.
func inventoried[O any](ctx context.Context, e *env, gn string, f func(*state.View, *inventory.Inventory) (*O, error)) (*O, error) {
	external, err := askExternal(ctx, e, gn)
	if err != nil {
		return nil, err
	}
	return state.Read(ctx, e.db, func(v *state.View) (*O, error) {
		in, err := inventoryOf(v, gn, external)
		if err != nil {
			return nil, err
		}
		return f(v, in)
	})
}

// getNetworkResources lists the resources of a global network, each with its definition: the object as its own Get
// operation shows it. What only EC2 could describe has no definition.
func getNetworkResources(ctx context.Context, e *env, in *api.GetNetworkResourcesInput) (*api.GetNetworkResourcesOutput, error) {
	return inventoried(ctx, e, in.GlobalNetworkId, func(v *state.View, inv *inventory.Inventory) (*api.GetNetworkResourcesOutput, error) {
		f := &inventory.Filter{CoreNetwork: in.CoreNetworkId, Gateway: in.RegisteredGatewayArn, Region: in.AwsRegion, Account: in.AccountId, ResourceType: in.ResourceType, Resource: in.ResourceArn}
		p, err := v.Pager(in.MaxResults, in.NextToken, append([]string{"GetNetworkResources", in.GlobalNetworkId}, f.Query()...)...)
		if err != nil {
			return nil, err
		}
		var out api.GetNetworkResourcesOutput
		listed := func(item *inventory.Item) bool { return item.ResourceType != inventory.VPCType }
		out.NetworkResources, out.NextToken = state.Page(p, inv.Walk(f, p.After), listed, inv.Show)
		return &out, nil
	})
}

// getNetworkResourceCounts counts the resources of a global network by type; a type without any is left out.
func getNetworkResourceCounts(ctx context.Context, e *env, in *api.GetNetworkResourceCountsInput) (*api.GetNetworkResourceCountsOutput, error) {
	return inventoried(ctx, e, in.GlobalNetworkId, func(v *state.View, inv *inventory.Inventory) (*api.GetNetworkResourceCountsOutput, error) {
		p, err := v.Pager(in.MaxResults, in.NextToken, "GetNetworkResourceCounts", in.GlobalNetworkId, val(in.ResourceType))
		if err != nil {
			return nil, err
		}
		var out api.GetNetworkResourceCountsOutput
		out.NetworkResourceCounts, out.NextToken = state.Page(p, inv.Counts(in.ResourceType, p.After), nil, same)
		return &out, nil
	})
}

// getNetworkResourceRelationships lists which resources of a global network are related, each pair once in either
// direction, in the order of the resources they start from.
func getNetworkResourceRelationships(ctx context.Context, e *env, in *api.GetNetworkResourceRelationshipsInput) (*api.GetNetworkResourceRelationshipsOutput, error) {
	return inventoried(ctx, e, in.GlobalNetworkId, func(v *state.View, inv *inventory.Inventory) (*api.GetNetworkResourceRelationshipsOutput, error) {
		f := &inventory.Filter{CoreNetwork: in.CoreNetworkId, Gateway: in.RegisteredGatewayArn, Region: in.AwsRegion, Account: in.AccountId, ResourceType: in.ResourceType, Resource: in.ResourceArn}
		p, err := v.Pager(in.MaxResults, in.NextToken, append([]string{"GetNetworkResourceRelationships", in.GlobalNetworkId}, f.Query()...)...)
		if err != nil {
			return nil, err
		}
		var out api.GetNetworkResourceRelationshipsOutput
		out.Relationships, out.NextToken = state.Page(p, inv.Relationships(f, p.After), nil, same)
		return &out, nil
	})
}

const (
	maxMetadataEntries = 50 // AWS documents none
	maxMetadataText    = 256
)

// updateNetworkResourceMetadata adds entries to the metadata of a resource, or changes them. An empty value is kept.
func updateNetworkResourceMetadata(ctx context.Context, e *env, in *api.UpdateNetworkResourceMetadataInput) (*api.UpdateNetworkResourceMetadataOutput, error) {
	_, err := inventoried(ctx, e, in.GlobalNetworkId, func(_ *state.View, inv *inventory.Inventory) (*struct{}, error) {
		if err := checkMetadata(in.Metadata); err != nil {
			return nil, err
		}
		if !inv.Has(in.ResourceArn) {
			return nil, api.NotFound("network-resource", in.ResourceArn)
		}
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	return change(ctx, e, in, mergeMetadata)
}

func checkMetadata(metadata map[string]string) error {
	var fields []api.FieldError
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		if utf8.RuneCountInString(key) > maxMetadataText || utf8.RuneCountInString(metadata[key]) > maxMetadataText {
			fields = append(fields, api.FieldError{Name: "metadata", Message: "Member must have length less than or equal to 256."})
		}
	}
	return invalid(fields)
}

// mergeMetadata stores the metadata of a resource that was in the inventory a moment ago.
func mergeMetadata(tx *state.Txn, in *api.UpdateNetworkResourceMetadataInput) (*api.UpdateNetworkResourceMetadataOutput, error) {
	if _, err := findGlobalNetwork(tx.View, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	key := state.Metadata.Key(tx.Caller.Account, in.GlobalNetworkId, in.ResourceArn)
	merged := state.ResourceMetadata{}
	if old, ok := state.Metadata.Get(tx.View, key); ok {
		maps.Copy(merged, *old)
	}
	maps.Copy(merged, in.Metadata)
	if len(merged) > maxMetadataEntries {
		return nil, api.InvalidField("metadata", "A resource takes at most 50 entries of metadata.")
	}
	state.Metadata.Put(tx, key, &merged)
	return &api.UpdateNetworkResourceMetadataOutput{ResourceArn: in.ResourceArn, Metadata: merged}, nil
}
