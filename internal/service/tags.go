package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"portolan/api"
	"portolan/internal/state"
)

// taggable is a kind of resource that takes tags: where its row is and how its tags are replaced.
type taggable struct {
	get func(v *state.View, a state.ARN) (tags []api.Tag, ok bool)
	put func(tx *state.Txn, a state.ARN, tags []api.Tag) error
}

// taggables are the kinds of resources that take tags, by the type in their ARNs.
var taggables = sync.OnceValue(func() map[string]taggable {
	return map[string]taggable{
		"global-network": tagged(&state.GlobalNetworks.Table, func(a state.ARN) state.Key[*state.GlobalNetwork] { return state.GlobalNetworks.Key(a.Account, a.ID()) },
			func(r *state.GlobalNetwork) (string, *state.Tags) { return r.GlobalNetworkArn, &r.Tags }),
		"site":       taggedMember(&state.Sites, func(r *state.Site) (string, *state.Tags) { return r.SiteArn, &r.Tags }),
		"device":     taggedMember(&state.Devices.Members, func(r *state.Device) (string, *state.Tags) { return r.DeviceArn, &r.Tags }),
		"link":       taggedMember(&state.Links.Members, func(r *state.Link) (string, *state.Tags) { return r.LinkArn, &r.Tags }),
		"connection": taggedMember(&state.Connections.Members, func(r *state.Connection) (string, *state.Tags) { return r.ConnectionArn, &r.Tags }),
		"core-network": tagged(&state.CoreNetworks.Table, func(a state.ARN) state.Key[*state.CoreNetwork] { return state.CoreNetworks.Key(a.Account, a.ID()) },
			func(r *state.CoreNetwork) (string, *state.Tags) { return r.CoreNetworkArn, &r.Tags }),
		"attachment": {
			get: func(v *state.View, a state.ARN) ([]api.Tag, bool) {
				row, err := findAttachment(v, a.ID())
				if err != nil || !namesOn(v, a, row.ARN(), row.OwnerAccountId) {
					return nil, false
				}
				return row.Tags, true
			},
			put: func(tx *state.Txn, a state.ARN, tags []api.Tag) error {
				row, err := findAttachment(tx.View, a.ID())
				if err == nil {
					retag(tx, row, tags)
				}
				return err
			},
		},
		"peering": {
			get: func(v *state.View, a state.ARN) ([]api.Tag, bool) {
				row, err := findPeering(v, a.ID())
				if err != nil || !namesOn(v, a, row.ARN(), row.OwnerAccountId) {
					return nil, false
				}
				return row.Tags, true
			},
			put: func(tx *state.Txn, a state.ARN, tags []api.Tag) error {
				old, err := findPeering(tx.View, a.ID())
				if err != nil {
					return err
				}
				row := *old
				row.Tags = tags
				state.Peerings.Put(tx, row.Key(), &row)
				return nil
			},
		},
		"connect-peer": {
			get: func(v *state.View, a state.ARN) ([]api.Tag, bool) {
				row, err := findConnectPeer(v, a.ID())
				if err != nil {
					return nil, false
				}
				network, err := findCoreNetwork(v, row.CoreNetworkId)
				if err != nil || a.Text != state.Sibling(network.CoreNetworkArn, "connect-peer", row.ConnectPeerId) {
					return nil, false
				}
				return row.Tags, true
			},
			put: func(tx *state.Txn, a state.ARN, tags []api.Tag) error {
				old, err := findConnectPeer(tx.View, a.ID())
				if err != nil {
					return err
				}
				row := *old
				row.Tags = tags
				state.ConnectPeers.Put(tx, row.Key(), &row)
				return nil
			},
		},
	}
})

// taggedMember is the plain taggable of an object below a global network, whose ARN names both.
func taggedMember[R any](t *state.Members[*R], tags func(*R) (arn string, tags *state.Tags)) taggable {
	return tagged(&t.Table, func(a state.ARN) state.Key[*R] { return t.Key(a.Account, a.Path[0], a.ID()) }, tags)
}

// tagged is the plain taggable. The ARN must be the one the row has, letter by letter: permissions were decided by it.
func tagged[R any](t *state.Table[*R], key func(state.ARN) state.Key[*R], tags func(*R) (arn string, tags *state.Tags)) taggable {
	return taggable{
		get: func(v *state.View, a state.ARN) ([]api.Tag, bool) {
			row, ok := t.Get(v, key(a))
			if !ok {
				return nil, false
			}
			official, list := tags(row)
			return *list, official == a.Text
		},
		put: func(tx *state.Txn, a state.ARN, changed []api.Tag) error {
			row, _ := t.Get(tx.View, key(a))
			next := *row
			_, list := tags(&next)
			*list = changed
			t.Put(tx, key(a), &next)
			return nil
		},
	}
}

// tagResource gives the resource the tags; a key that is there gets the new value.
func tagResource(tx *state.Txn, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := checkFields(in); err != nil {
		return nil, err
	}
	kind, a, tags, err := tagsOf(tx.View, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	merged := mergeTags(tags, in.Tags)
	if limit := tx.Quota(state.QuotaTags); len(merged) > limit {
		return nil, api.QuotaExceeded("tag", in.ResourceArn, state.QuotaTags.Code, limit)
	}
	return &api.TagResourceOutput{}, kind.put(tx, a, merged)
}

// untagResource takes the keys away; keys that are not there are passed over.
func untagResource(tx *state.Txn, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	kind, a, tags, err := tagsOf(tx.View, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	kept := slices.DeleteFunc(slices.Clone(tags), func(t api.Tag) bool { return slices.Contains(in.TagKeys, val(t.Key)) })
	if len(kept) == len(tags) {
		return &api.UntagResourceOutput{}, nil
	}
	return &api.UntagResourceOutput{}, kind.put(tx, a, someTags(kept))
}

// listTagsForResource lists the tags in the order they were given.
func listTagsForResource(v *state.View, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	_, _, tags, err := tagsOf(v, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &api.ListTagsForResourceOutput{TagList: append([]api.Tag{}, tags...)}, nil
}

// ResourceTags is the tags of a resource by its ARN, for conditions on them; false when there is no such resource.
func (s *Service) ResourceTags(ctx context.Context, resource string) (map[string]string, bool) {
	tags, err := state.Read(ctx, s.db, func(v *state.View) ([]api.Tag, error) {
		_, _, tags, err := tagsOf(v, resource)
		return tags, err
	})
	return tagMap(tags), err == nil
}

// namesOn tells whether a names a resource on a core network, which the account that made it can have in its ARN too:
// clients build the ARN from their own account.
func namesOn(v *state.View, a state.ARN, official, maker string) bool {
	if a.Account == maker && len(a.Path) == 1 {
		o, _ := state.ParseARN(official)
		a.Account, a.Text = o.Account, strings.Replace(a.Text, "::"+maker+":", "::"+o.Account+":", 1)
	}
	return a.Text == official
}

var notTaggable = api.FieldError{Name: "resourceArn", Message: "ARN is not valid for a resource that takes tags."}

func takesTags(a state.ARN) bool {
	_, known := taggables()[a.ResourceType]
	return known && a.Service == "networkmanager" && a.Region == "" && len(a.Path) > 0
}

func tagsOf(v *state.View, resource string) (taggable, state.ARN, []api.Tag, error) {
	a, ok := state.ParseARN(resource)
	if !ok || !takesTags(a) {
		return taggable{}, a, nil, api.InvalidFields(notTaggable)
	}
	kind := taggables()[a.ResourceType]
	// Another account's resource looks like a missing one.
	tags, ok := kind.get(v, a)
	if !ok || a.Account != v.Caller.Account && a.ResourceType != "attachment" && a.ResourceType != "peering" {
		return taggable{}, a, nil, api.NotFound(a.ResourceType, resource)
	}
	return kind, a, tags, nil
}

// checkNewTags checks the tags a resource is created with.
func checkNewTags(tx *state.Txn, tags []api.Tag) error {
	if err := invalid(tagFields(tags)); err != nil {
		return err
	}
	if limit := tx.Quota(state.QuotaTags); len(tags) > limit {
		return api.QuotaExceeded("tag", tx.Caller.Account, state.QuotaTags.Code, limit)
	}
	return nil
}

const (
	maxTagKey   = 128
	maxTagValue = 256
)

// tagFields is what is wrong with tags that shall be set.
func tagFields(tags []api.Tag) []api.FieldError {
	var fields []api.FieldError
	seen := map[string]bool{}
	for i, t := range tags {
		wrong := func(member, message string) {
			fields = append(fields, api.FieldError{Name: fmt.Sprintf("tags[%d].%s", i, member), Message: message})
		}
		key, value := val(t.Key), val(t.Value)
		switch {
		case key == "":
			wrong("key", "Member must have length greater than or equal to 1.")
		case utf8.RuneCountInString(key) > maxTagKey:
			wrong("key", fmt.Sprintf("Member must have length less than or equal to %d.", maxTagKey))
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			wrong("key", "The prefix aws: is reserved.")
		case !isTagText(key):
			wrong("key", "Member must contain only letters, digits, spaces and any of _ . : / = + - @.")
		case seen[key]:
			wrong("key", "Tag keys must be unique.")
		}
		seen[key] = true
		switch {
		case utf8.RuneCountInString(value) > maxTagValue:
			wrong("value", fmt.Sprintf("Member must have length less than or equal to %d.", maxTagValue))
		case !isTagText(value):
			wrong("value", "Member must contain only letters, digits, spaces and any of _ . : / = + - @.")
		}
	}
	return fields
}

func isTagText(s string) bool {
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !unicode.Is(unicode.Zs, r) && !strings.ContainsRune("_.:/=+-@", r) {
			return false
		}
	}
	return true
}

// mergeTags is old with given laid over it, as a new slice.
func mergeTags(old, given []api.Tag) []api.Tag {
	merged := slices.Clone(old)
	for _, t := range given {
		if i := slices.IndexFunc(merged, func(m api.Tag) bool { return val(m.Key) == val(t.Key) }); i >= 0 {
			merged[i] = t
		} else {
			merged = append(merged, t)
		}
	}
	return merged
}

func tagMap(tags []api.Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[val(t.Key)] = val(t.Value)
	}
	return m
}

// someTags is tags, or nil when there are none: AWS leaves the member out then.
func someTags(tags []api.Tag) []api.Tag {
	if len(tags) == 0 {
		return nil
	}
	return tags
}
