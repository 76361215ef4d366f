package policy

import (
	"math"
	"strconv"
	"strings"

	"portolan/internal/words"
)

// Bounds of routing policies.
const (
	maxRoutingNumber    = 9999
	maxRoutingRules     = 10
	maxMatchConditions  = 5
	maxRoutingPolicyTag = 256 // characters of a routing policy label
)

// routingNamePattern is the names of routing policies: lettersAndDigits.
const routingNamePattern = `^[A-Za-z0-9]{1,100}$`

var (
	directions   = []string{Inbound, Outbound}
	matchTypes   = []string{MatchPrefixEquals, MatchPrefixInCIDR, MatchPrefixInPrefixList, MatchASNInASPath, MatchCommunityInList, MatchMEDEquals}
	routeActions = []string{
		RouteDrop, RouteAllow, RouteSummarize, RoutePrependASNList, RouteRemoveASNList, RouteReplaceASNList,
		RouteAddCommunity, RouteRemoveCommunity, RouteSetMED, RouteSetLocalPreference,
	}
	labelConditionTypes = []string{"routing-policy-label"}
)

func (r *reader) routingPolicy(n *node) RoutingPolicy {
	p := RoutingPolicy{Place: n.place()}
	if !r.object(n, routingPolicyShape) {
		return p
	}
	if v := n.get("routing-policy-name"); v != nil {
		p.Name, p.NameAt = r.text(v), v.place()
		if v.kind == '"' && !lettersAndDigits(p.Name) {
			r.failNode(v, CodeInvalidString, "must have letters and digits only, at most 100", "")
		}
	}
	p.Description = r.text(n.get("routing-policy-description"))
	p.Direction = r.oneOf(n.get("routing-policy-direction"), directions)
	p.Number, p.NumberAt = r.ruleNumber(n.get("routing-policy-number"), maxRoutingNumber)
	for _, v := range r.between(n.get("routing-policy-rules"), 1, maxRoutingRules) {
		p.Rules = append(p.Rules, r.routingRule(v))
	}
	return p
}

func (r *reader) routingRule(n *node) RoutingRule {
	rule := RoutingRule{Place: n.place()}
	if !r.object(n, routingRuleShape) {
		return rule
	}
	rule.RuleNumber, rule.NumberAt = r.ruleNumber(n.get("rule-number"), maxRoutingNumber)
	definition := n.get("rule-definition")
	if definition == nil || !r.object(definition, definitionShape) {
		return rule
	}
	rule.Or = r.logic(definition.get("condition-logic"))
	for _, v := range r.between(definition.get("match-conditions"), 1, maxMatchConditions) {
		rule.Matches = append(rule.Matches, r.routeMatch(v))
	}
	if v := definition.get("action"); v != nil {
		rule.Action = r.routeAction(v)
	}
	return rule
}

func (r *reader) routeMatch(n *node) RouteMatch {
	m := RouteMatch{Place: n.place()}
	if !r.object(n, typeValueShape) {
		return m
	}
	m.Type = r.oneOf(n.get("type"), matchTypes)
	value := n.get("value")
	switch m.Type {
	case MatchPrefixEquals, MatchPrefixInCIDR:
		m.Prefix = r.cidr(value).Prefix
	case MatchPrefixInPrefixList:
		m.Alias = r.text(value)
	case MatchASNInASPath:
		m.Number = uint32(r.number(value, 1, maxASN))
	case MatchMEDEquals:
		m.Number = uint32(r.number(value, 0, math.MaxUint32))
	case MatchCommunityInList:
		m.Community = r.community(value)
	}
	return m
}

func (r *reader) routeAction(n *node) RouteAction {
	a := RouteAction{Place: n.place()}
	if n.kind != '{' || n.get("type") == nil {
		r.object(n, typeShape)
		return a
	}
	a.Type = r.oneOf(n.get("type"), routeActions)
	switch a.Type {
	case "":
		return a
	case RouteDrop, RouteAllow:
		r.object(n, typeShape)
		return a
	}
	r.object(n, typeValueShape)
	value := n.get("value")
	if value == nil {
		return a
	}
	a.ValueAt = value.place()
	switch a.Type {
	case RouteSummarize:
		a.Prefix = r.cidr(value).Prefix
	case RoutePrependASNList, RouteRemoveASNList, RouteReplaceASNList:
		a.ASNs = r.asnList(value)
	case RouteAddCommunity, RouteRemoveCommunity:
		a.Community = r.community(value)
	case RouteSetMED, RouteSetLocalPreference:
		a.Number = uint32(r.number(value, 0, math.MaxUint32))
	}
	return a
}

// asnList takes an array of numbers, and a string of them with commas in between.
func (r *reader) asnList(n *node) []uint32 {
	var list []uint32
	if n.kind == '"' {
		for part := range strings.SplitSeq(n.text, ",") {
			asn, err := strconv.ParseUint(strings.Trim(part, " "), 10, 32)
			if err != nil || asn < 1 || asn > maxASN {
				r.failNode(n, CodeInvalidString, words.Clip(part)+" is not an ASN", `an array such as [65001, 65002], or "65001,65002"`)
				return list
			}
			list = append(list, uint32(asn))
		}
		return list
	}
	for _, v := range r.between(n, 1, 0) {
		if asn := r.number(v, 1, maxASN); asn != 0 {
			list = append(list, uint32(asn))
		}
	}
	return list
}

func (r *reader) community(n *node) Community {
	if n == nil || !r.is(n, '"', "string") {
		return 0
	}
	highText, lowText, ok := strings.Cut(n.text, ":")
	high, err1 := strconv.ParseUint(highText, 10, 16)
	low, err2 := strconv.ParseUint(lowText, 10, 16)
	if !ok || err1 != nil || err2 != nil {
		r.failNode(n, CodeInvalidString, words.Clip(n.text)+" is not a community", "two numbers up to 65535, such as 65051:100")
		return 0
	}
	return Community(high<<16 | low)
}

func (r *reader) labelRule(n *node) AttachmentRoutingPolicyRule {
	rule := AttachmentRoutingPolicyRule{Place: n.place()}
	if !r.object(n, labelRuleShape) {
		return rule
	}
	rule.RuleNumber, rule.NumberAt = r.ruleNumber(n.get("rule-number"), maxRuleNumber)
	rule.Description = r.text(n.get("description"))
	rule.EdgeLocations = r.names(n.get("edge-locations"), 1, 0)
	for _, v := range r.between(n.get("conditions"), 1, 0) {
		if !r.object(v, typeValueShape) {
			continue
		}
		r.oneOf(v.get("type"), labelConditionTypes)
		label := r.named(v.get("value"))
		if len([]rune(label.Name)) > maxRoutingPolicyTag {
			r.fail(label.Place, CodeInvalidString, "a routing policy label has at most 256 characters", "")
		}
		rule.Labels = append(rule.Labels, label)
	}
	if v := n.get("action"); v != nil && r.object(v, labelActionShape) {
		rule.Policies = r.names(v.get("associate-routing-policies"), 1, maxPolicies)
	}
	return rule
}
