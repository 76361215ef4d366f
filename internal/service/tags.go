package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"portolan/api"
	"portolan/internal/store"
)

// taggable is a kind of resource that takes tags: where its row is and how its tags are replaced.
type taggable struct {
	get func(v *View, a arn) (tags []api.Tag, ok bool)
	put func(tx *Txn, a arn, tags []api.Tag) error
}

// taggables is by the resource type of the ARN.
var taggables map[string]taggable

func init() { // a literal would be an initialisation cycle: putting tags runs operations that read them
	taggables = map[string]taggable{
		"global-network": tagged(globalNetworks, func(r *api.GlobalNetwork) (string, *[]api.Tag) { return r.GlobalNetworkArn, &r.Tags }),
		"site":           tagged(sites, func(r *api.Site) (string, *[]api.Tag) { return r.SiteArn, &r.Tags }),
		"device":         tagged(devices, func(r *api.Device) (string, *[]api.Tag) { return r.DeviceArn, &r.Tags }),
		"link":           tagged(links, func(r *api.Link) (string, *[]api.Tag) { return r.LinkArn, &r.Tags }),
		"connection":     tagged(connections, func(r *api.Connection) (string, *[]api.Tag) { return r.ConnectionArn, &r.Tags }),
		"core-network":   tagged(coreNetworks, func(r *coreNetworkRow) (string, *[]api.Tag) { return r.CoreNetworkArn, &r.Tags }),
		"attachment": {
			get: func(v *View, a arn) ([]api.Tag, bool) {
				row, err := findAttachment(v, a.id())
				if err != nil || !namesOn(v, a, row.AttachmentArn(), row.OwnerAccountId) {
					return nil, false
				}
				return row.Tags, true
			},
			put: func(tx *Txn, a arn, tags []api.Tag) error {
				row, err := findAttachment(tx.View, a.id())
				if err == nil {
					retag(tx, row, tags)
				}
				return err
			},
		},
		"peering": {
			get: func(v *View, a arn) ([]api.Tag, bool) {
				row, err := findPeering(v, a.id())
				if err != nil || !namesOn(v, a, row.arn(), row.OwnerAccountId) {
					return nil, false
				}
				return row.Tags, true
			},
			put: func(tx *Txn, a arn, tags []api.Tag) error {
				old, err := findPeering(tx.View, a.id())
				if err != nil {
					return err
				}
				row := *old
				row.Tags = tags
				peerings.Put(tx.w, row.key(), &row)
				return nil
			},
		},
		"connect-peer": {
			get: func(v *View, a arn) ([]api.Tag, bool) {
				row, err := findConnectPeer(v, a.id())
				if err != nil {
					return nil, false
				}
				network, err := findCoreNetwork(v, row.CoreNetworkId)
				if err != nil || a.text != sibling(network.CoreNetworkArn, "connect-peer", row.ConnectPeerId) {
					return nil, false
				}
				return row.Tags, true
			},
			put: func(tx *Txn, a arn, tags []api.Tag) error {
				old, err := findConnectPeer(tx.View, a.id())
				if err != nil {
					return err
				}
				row := *old
				row.Tags = tags
				connectPeers.Put(tx.w, row.key(), &row)
				return nil
			},
		},
	}
}

// tagged is the plain taggable: the row's key is the ARN's path below its account. The ARN must be the one the row has,
// letter by letter: permissions were decided by it.
func tagged[T any](table *store.Table[T], tags func(*T) (arn string, tags *[]api.Tag)) taggable {
	key := func(a arn) string { return accountKey(a.account, a.resourceType, a.path...) }
	return taggable{
		get: func(v *View, a arn) ([]api.Tag, bool) {
			row, ok := table.Get(v.r, key(a))
			if !ok {
				return nil, false
			}
			official, list := tags(row)
			return *list, official == a.text
		},
		put: func(tx *Txn, a arn, changed []api.Tag) error {
			row, _ := table.Get(tx.r, key(a))
			next := *row
			_, list := tags(&next)
			*list = changed
			table.Put(tx.w, key(a), &next)
			return nil
		},
	}
}

// tagResource gives the resource the tags; a key that is there gets the new value.
func tagResource(tx *Txn, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := checkFields(in); err != nil {
		return nil, err
	}
	kind, a, tags, err := tagsOf(tx.View, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	merged := mergeTags(tags, in.Tags)
	if limit := tx.quotas[quotaTags.Name]; len(merged) > limit {
		return nil, api.QuotaExceeded("tag", in.ResourceArn, quotaTags.Code, limit)
	}
	return &api.TagResourceOutput{}, kind.put(tx, a, merged)
}

// untagResource takes the keys away; keys that are not there are passed over.
func untagResource(tx *Txn, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
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
func listTagsForResource(v *View, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	_, _, tags, err := tagsOf(v, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &api.ListTagsForResourceOutput{TagList: append([]api.Tag{}, tags...)}, nil
}

// ResourceTags is the tags of a resource by its ARN, for conditions on them; false when there is no such resource.
func (s *Service) ResourceTags(ctx context.Context, resource string) (map[string]string, bool) {
	tags, err := read(ctx, s.env, func(v *View) ([]api.Tag, error) {
		_, _, tags, err := tagsOf(v, resource)
		return tags, err
	})
	return tagMap(tags), err == nil
}

// namesOn tells whether a names a resource on a core network, which the account that made it can have in its ARN too:
// clients build the ARN from their own account.
func namesOn(v *View, a arn, official, maker string) bool {
	if a.account == maker && len(a.path) == 1 {
		o, _ := parseARN(official)
		a.account, a.text = o.account, strings.Replace(a.text, "::"+maker+":", "::"+o.account+":", 1)
	}
	return a.text == official
}

var notTaggable = api.FieldError{Name: "resourceArn", Message: "ARN is not valid for a resource that takes tags."}

func takesTags(a arn) bool {
	_, known := taggables[a.resourceType]
	return known && a.service == "networkmanager" && a.region == "" && len(a.path) > 0
}

func tagsOf(v *View, resource string) (taggable, arn, []api.Tag, error) {
	a, ok := parseARN(resource)
	if !ok || !takesTags(a) {
		return taggable{}, a, nil, api.InvalidFields(notTaggable)
	}
	kind := taggables[a.resourceType]
	// Another account's resource looks like a missing one.
	tags, ok := kind.get(v, a)
	if !ok || a.account != v.caller.Account && a.resourceType != "attachment" && a.resourceType != "peering" {
		return taggable{}, a, nil, api.NotFound(a.resourceType, resource)
	}
	return kind, a, tags, nil
}

// checkNewTags checks the tags a resource is created with.
func checkNewTags(tx *Txn, tags []api.Tag) error {
	if err := invalid(tagFields(tags)); err != nil {
		return err
	}
	if limit := tx.quotas[quotaTags.Name]; len(tags) > limit {
		return api.QuotaExceeded("tag", tx.caller.Account, quotaTags.Code, limit)
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
