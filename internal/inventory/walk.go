package inventory

import (
	"iter"
	"strings"

	"portolan/api"
	"portolan/internal/state"
)

// Filter is the filters that the operations share; all must hold.
type Filter struct {
	CoreNetwork, Gateway, Region, Account, ResourceType, Resource *string
}

// Query is the filter as a page token is bound to it.
func (f *Filter) Query() []string {
	return []string{val(f.CoreNetwork), val(f.Gateway), val(f.Region), val(f.Account), val(f.ResourceType), val(f.Resource)}
}

func (f *Filter) keeps(r *api.NetworkResource) bool {
	return wanted(f.CoreNetwork, r.CoreNetworkId) && wanted(f.Gateway, r.RegisteredGatewayArn) && wanted(f.Region, r.AwsRegion) &&
		wanted(f.Account, r.AccountId) && wanted(f.ResourceType, r.ResourceType) && wanted(f.Resource, r.ResourceArn)
}

// Walk yields the resources the filter keeps, after the key a page ended with.
func (in *Inventory) Walk(f *Filter, after string) iter.Seq2[string, *Item] {
	afterType, afterKey, _ := strings.Cut(after, " ")
	return func(yield func(string, *Item) bool) {
		for _, family := range families {
			from, single := in.startAt(f, family.resourceType)
			if family.resourceType < afterType || from == nowhere || !wanted(f.ResourceType, family.resourceType) {
				continue
			}
			if family.resourceType == afterType {
				from = max(from, afterKey)
			}
			known := map[string]bool{}
			if from != "" && len(in.external.items[family.resourceType]) > 0 { // what earlier pages had
				for key, item := range family.walk(in, "") {
					if key > from {
						break
					}
					known[item.ResourceArn] = true
				}
			}
			for key, item := range family.walk(in, from) {
				known[item.ResourceArn] = in.joinExternal(item)
				if f.keeps(&item.NetworkResource) && !yield(family.resourceType+" "+key, item) {
					return
				}
				if single {
					break
				}
			}
			// What only the catalog knows comes after what the state knows of the type.
			for i := range in.external.items[family.resourceType] {
				item := &in.external.items[family.resourceType][i]
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
func (in *Inventory) startAt(f *Filter, resourceType string) (after string, single bool) {
	if f.Resource == nil {
		return "", false
	}
	a, ok := state.ParseARN(*f.Resource)
	switch {
	case !ok:
		return nowhere, false
	case a.Service != "networkmanager":
		return "", false
	case a.ResourceType != resourceType || a.Account != in.Caller.Account:
		return nowhere, false
	}
	switch resourceType {
	case "connection":
		return ownStart(&state.Connections, &a)
	case "device":
		return ownStart(&state.Devices, &a)
	case "link":
		return ownStart(&state.Links, &a)
	case "site":
		return ownStart(&state.Sites, &a)
	case "attachment":
		if in.core != nil {
			return before(state.Attachments.Key(in.Caller.Account, in.core.CoreNetworkId, a.ID()).String()), true
		}
	}
	return "", false
}

// ownStart is the key to begin at of an object of the global network itself, whose ARN names both.
func ownStart[R any](t interface {
	Key(account, gn, id string) state.Key[R]
}, a *state.ARN,
) (after string, single bool) {
	if len(a.Path) != 2 {
		return nowhere, false
	}
	return before(t.Key(a.Account, a.Path[0], a.Path[1]).String()), true
}

// Show is a resource with its definition: the object as its own Get operation shows it. What only EC2 could describe has
// no definition. What appears in relationships only is not shown.
func (in *Inventory) Show(item *Item) api.NetworkResource {
	r := item.NetworkResource
	if item.define != nil {
		r.Definition, r.DefinitionTimestamp = string(item.define()), api.Time{Time: in.Now}
	}
	if m, ok := state.Metadata.Get(in.View, state.Metadata.Key(in.Caller.Account, in.gn, r.ResourceArn)); ok {
		r.Metadata = *m
	}
	return r
}

// Counts yields the number of resources of each type that has any, except what appears in relationships only.
func (in *Inventory) Counts(resourceType *string, after string) iter.Seq2[string, *api.NetworkResourceCount] {
	return func(yield func(string, *api.NetworkResourceCount) bool) {
		for i := range families {
			f := &families[i]
			if !wanted(resourceType, f.resourceType) || f.resourceType <= after || f.resourceType == VPCType {
				continue
			}
			n := in.count(f)
			if n > 0 && !yield(f.resourceType, &api.NetworkResourceCount{ResourceType: f.resourceType, Count: new(n)}) {
				return
			}
		}
	}
}

// Has tells whether a resource is in the inventory.
func (in *Inventory) Has(arn string) bool {
	for _, item := range in.Walk(&Filter{Resource: &arn}, "") {
		return item.ResourceType != VPCType
	}
	return false
}

// wanted tells whether a filter, where it is given, accepts the value.
func wanted(filter *string, value string) bool { return filter == nil || *filter == value }

func val(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// count is how many resources a family has: from its counter where the table keeps one.
func (in *Inventory) count(f *family) int32 {
	switch f.resourceType {
	case "connection":
		return int32(state.Connections.Count(in.View, in.Caller.Account, in.gn))
	case "device":
		return int32(state.Devices.Count(in.View, in.Caller.Account, in.gn))
	case "link":
		return int32(state.Links.Count(in.View, in.Caller.Account, in.gn))
	case "site":
		return int32(state.Sites.Count(in.View, in.Caller.Account, in.gn))
	case "attachment":
		if in.core == nil {
			return 0
		}
		return int32(state.Attachments.Count(in.View, in.Caller.Account, in.core.CoreNetworkId))
	}
	n := int32(0)
	for range in.Walk(&Filter{ResourceType: &f.resourceType}, "") {
		n++
	}
	return n
}

// Relationships yields pairs. The key of a pair is its start and its end; a page begins inside the resource the last
// one ended in, whose earlier pairs it passes over.
func (in *Inventory) Relationships(f *Filter, after string) iter.Seq2[string, *api.Relationship] {
	afterItem, afterEnd, resumed := strings.Cut(after, "\x00")
	pairs := func(key string, item *Item, skip bool, yield func(string, *api.Relationship) bool) bool {
		for _, related := range item.relations() {
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
			for key, item := range in.Walk(f, before(afterItem)) {
				// A pair that is gone in the meantime is not found again: rather all of this resource than none of it.
				still := false
				for _, related := range item.relations() {
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
		for key, item := range in.Walk(f, afterItem) {
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
