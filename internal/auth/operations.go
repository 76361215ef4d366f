package auth

import (
	"strings"

	"portolan/api"
)

// What an operation's input comes to: the resources an action is on and the condition keys, as the Service
// Authorization Reference has them. The methods are the words of the table in [asks].

// arn is that of a Network Manager resource: they have no Region.
func (q *query) arn(account, path string) string {
	return "arn:" + q.principal.caller.Partition + ":networkmanager::" + account + ":" + path
}

func (q *query) add(action, resource string) {
	q.checks = append(q.checks, check{action: action, resource: resource})
}

// none: the action has no resource.
func (q *query) none() { q.add(q.op.Action, "*") }

// own are resources of the caller's account. Without an id it is all of them: a list.
func (q *query) own(kind string, ids ...string) {
	for _, id := range ids {
		q.add(q.op.Action, q.arn(q.principal.caller.Account, kind+"/"+id))
	}
}

func (q *query) all(kind string) { q.own(kind, "*") }

// in are a global network and resources of it.
func (q *query) in(globalNetwork, kind string, ids ...string) {
	if len(q.checks) == 0 {
		q.own("global-network", globalNetwork)
	}
	for _, id := range ids {
		q.own(kind, globalNetwork+"/"+id)
	}
}

func (q *query) globalNetwork(id string) { q.in(id, "") }

// coreNetwork is the one resource other accounts can share.
func (q *query) coreNetwork(id string) {
	q.checks = append(q.checks, q.coreNetworkCheck(q.op.Action, id))
}

func (q *query) coreNetworkCheck(action, id string) check {
	account := q.principal.caller.Account
	c := check{action: action, resource: q.arn(account, "core-network/"+id)}
	if q.sharingOf == nil {
		return c
	}
	owner, policy, ok := q.sharingOf(id)
	if !ok {
		return c
	}
	c.resource, c.policy, c.foreign = q.arn(owner, "core-network/"+id), policy, owner != account
	return c
}

// named is a resource the input has the ARN of.
func (q *query) named(arn string) {
	if _, id, ok := strings.Cut(arn, ":core-network/"); ok {
		if c := q.coreNetworkCheck(q.op.Action, id); c.resource == arn {
			q.checks = append(q.checks, c)
			return
		}
	}
	q.add(q.op.Action, arn)
}

// key sets one of the service's condition keys.
func (q *query) key(name string, values ...string) {
	if q.keys == nil {
		q.keys = map[string][]string{}
	}
	q.keys[strings.ToLower(name)] = values
}

// tagKeys sets aws:TagKeys.
func (q *query) tagKeys(keys []string) {
	if len(keys) > 0 {
		q.key("aws:TagKeys", keys...)
	}
}

// requestTags sets aws:TagKeys and aws:RequestTag/….
func (q *query) requestTags(tags []api.Tag) {
	keys := make([]string, 0, len(tags))
	for _, t := range tags {
		key, value := deref(t.Key), deref(t.Value)
		keys = append(keys, key)
		name := "aws:requesttag/" + strings.ToLower(key)
		q.key(name, append(q.keys[name], value)...)
	}
	q.tagKeys(keys)
}

// creates is a resource to be made, with its tags. They are set by networkmanager:TagResource on what does not have an
// id yet.
func (q *query) creates(kind string, tags []api.Tag) {
	if len(tags) == 0 {
		return
	}
	q.requestTags(tags)
	q.add("networkmanager:TagResource", q.arn(q.principal.caller.Account, kind+"/*"))
}

// attaches is an attachment to be made, with its tags and its routing policy label. coreNetwork is "" when the input
// does not say which.
func (q *query) attaches(coreNetwork string, label *string, tags []api.Tag) {
	q.creates("attachment", tags)
	if label == nil {
		return
	}
	const action = "networkmanager:PutAttachmentRoutingPolicyLabel"
	q.add(action, q.arn(q.principal.caller.Account, "attachment/*"))
	if coreNetwork == "" {
		q.add(action, q.arn(q.principal.caller.Account, "core-network/*"))
		return
	}
	q.checks = append(q.checks, q.coreNetworkCheck(action, coreNetwork))
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// maybe is an optional id.
func maybe(id *string) []string {
	if id == nil {
		return nil
	}
	return []string{*id}
}

// ask fills a query from an input; false: the input is another operation's.
type ask func(q *query, in api.Input) bool

func on[T api.Input](fill func(q *query, in T)) ask {
	return func(q *query, in api.Input) bool {
		x, ok := in.(T)
		if ok {
			fill(q, x)
		}
		return ok
	}
}
