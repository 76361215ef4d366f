package service

import (
	"cmp"
	"slices"

	"portolan/api"
	"portolan/internal/order"
	"portolan/internal/state"
)

// natRequest is what a call asks of the NAT of an attachment. A nil member stays as it is; rules replace the whole set.
type natRequest struct {
	support      *api.NatGatewaySupportValue
	systemRoutes *bool
	rules        []api.NatRuleRequest
}

func (q natRequest) empty() bool { return q.support == nil && q.systemRoutes == nil && q.rules == nil }

// enables tells whether the NAT is to be on after the request, given whether it is on before.
func (q natRequest) enables(on bool) bool {
	if q.support == nil {
		return on
	}
	return *q.support == api.NatGatewaySupportValueEnable
}

// natOn tells whether a NAT is ENABLED or about to be.
func natOn(s api.NatGatewaySupportState) bool {
	return s == api.NatGatewaySupportStateEnabled || s == api.NatGatewaySupportStateEnabling ||
		s == api.NatGatewaySupportStatePendingAttachmentAcceptance
}

// askNAT is the NAT configuration of an attachment after a request, in the states that the answer shows, or why the request
// is refused. changed is false where all is so already. The row's state tells whether it waits for acceptance, is being
// created or is there.
func askNAT(row *state.Attachment, q natRequest) (next state.NAT, changed bool, err error) {
	if !state.SupportsNAT(row.AttachmentType) {
		return next, false, api.BrokenRule("NAT is not supported for attachments of type " + string(row.AttachmentType) + ".")
	}
	if err := fixedSystemRoutes(row.AttachmentType, q.systemRoutes); err != nil {
		return next, false, err
	}
	old := state.NATOf(row)
	next = old
	before := natOn(old.Support)
	on := q.enables(before)
	if q.rules != nil {
		next.Rules = replaceRules(old.Rules, q.rules)
	}
	if q.systemRoutes != nil {
		next.SystemRoutes = *q.systemRoutes
	}
	stays := func(r state.NATRule) bool { return r.State != api.NatRuleStateDeleting }
	if on && !slices.ContainsFunc(next.Rules, stays) {
		return next, false, api.BrokenRule("NAT cannot be enabled without NAT rules.")
	}
	if on == before && next.SystemRoutes == old.SystemRoutes && slices.Equal(next.Rules, old.Rules) {
		return old, false, nil
	}
	if row.State == api.AttachmentStatePendingAttachmentAcceptance {
		waitNAT(&next, on)
		return next, true, nil
	}
	switch {
	case on && !before:
		next.Support = api.NatGatewaySupportStateEnabling
		switchRules(next.Rules, api.NatRuleStateActivating)
	case !on && before:
		next.Support = api.NatGatewaySupportStateDisabling
		switchRules(next.Rules, api.NatRuleStateDeactivating)
	}
	return next, true, nil
}

// newNAT is the NAT configuration that an attachment begins with.
func newNAT(row *state.Attachment, q natRequest) (*state.NAT, error) {
	if q.empty() {
		return nil, nil
	}
	n, _, err := askNAT(row, q)
	if err != nil {
		return nil, err
	}
	startNAT(&n)
	if row.State == api.AttachmentStatePendingAttachmentAcceptance {
		waitNAT(&n, natOn(n.Support))
	}
	return &n, nil
}

// fixedSystemRoutes refuses the value that a type of attachment cannot have.
func fixedSystemRoutes(kind api.AttachmentType, asked *bool) error {
	switch {
	case asked == nil:
	case kind == api.AttachmentTypeVpc && !*asked:
		return api.InvalidField("natSystemRouteSupport", "System routes cannot be disabled for VPC attachments.")
	case kind == api.AttachmentTypeConnect && *asked:
		return api.InvalidField("natSystemRouteSupport", "System routes are not supported for Connect attachments.")
	}
	return nil
}

// replaceRules is the set of rules on its way from old to asked: one sent again unchanged keeps its state.
func replaceRules(old []state.NATRule, asked []api.NatRuleRequest) []state.NATRule {
	var next []state.NATRule
	for _, r := range asked {
		rule := state.NATRule{
			RuleNumber: val(r.RuleNumber), State: api.NatRuleStateCreating,
			NATMapping: state.NATMapping{MatchSourceCidr: r.MatchSourceCidr, NatCidr: r.NatCidr},
		}
		if i := slices.IndexFunc(old, func(o state.NATRule) bool { return o.RuleNumber == rule.RuleNumber }); i >= 0 {
			if rule.State = api.NatRuleStateModifying; old[i].NATMapping == rule.NATMapping {
				rule.State = old[i].State
			}
		}
		next = append(next, rule)
	}
	for _, o := range old {
		if !slices.ContainsFunc(asked, func(r api.NatRuleRequest) bool { return val(r.RuleNumber) == o.RuleNumber }) {
			o.State = api.NatRuleStateDeleting
			next = append(next, o)
		}
	}
	order.Sort(next, func(a, b state.NATRule) int { return cmp.Compare(a.RuleNumber, b.RuleNumber) })
	return next
}

// switchRules shows the rules that the request leaves alone on their way to the other side of the switch.
func switchRules(rules []state.NATRule, to api.NatRuleState) {
	for i := range rules {
		switch rules[i].State {
		case api.NatRuleStateActivated, api.NatRuleStateDeactivated, api.NatRuleStateFailed:
			rules[i].State = to
		}
	}
}

// waitNAT shows a configuration that is applied once the attachment has been accepted.
func waitNAT(n *state.NAT, on bool) {
	n.Rules = slices.DeleteFunc(n.Rules, func(r state.NATRule) bool { return r.State == api.NatRuleStateDeleting })
	for i := range n.Rules {
		n.Rules[i].State = api.NatRuleStatePendingAttachmentAcceptance
	}
	n.Support = api.NatGatewaySupportStateDisabled
	if on {
		n.Support = api.NatGatewaySupportStatePendingAttachmentAcceptance
	}
}

// startNAT shows the configuration of an attachment that is being created: accepted, or never asked for.
func startNAT(n *state.NAT) {
	to := api.NatRuleStateCreating
	if natOn(n.Support) {
		n.Support, to = api.NatGatewaySupportStateEnabling, api.NatRuleStateActivating
	}
	for i := range n.Rules {
		n.Rules[i].State = to
	}
}

// settleNAT is the end of a change: what was asked for is in force, in one move.
func settleNAT(old *state.NAT) *state.NAT {
	if old == nil {
		return nil
	}
	on := natOn(old.Support)
	n := state.NAT{Support: api.NatGatewaySupportStateDisabled, SystemRoutes: old.SystemRoutes}
	to := api.NatRuleStateDeactivated
	if on {
		n.Support, to = api.NatGatewaySupportStateEnabled, api.NatRuleStateActivated
		n.SystemRoutesInForce = n.SystemRoutes
	}
	for _, r := range old.Rules {
		if r.State == api.NatRuleStateDeleting {
			continue
		}
		r.State = to
		n.Rules = append(n.Rules, r)
	}
	if on {
		n.InForce = slices.Clone(n.Rules)
	}
	return &n
}

// failNAT is the configuration of an attachment that could not be created.
func failNAT(old *state.NAT) *state.NAT {
	if old == nil {
		return nil
	}
	n := state.NAT{Support: api.NatGatewaySupportStateDisabled, SystemRoutes: old.SystemRoutes, Rules: slices.Clone(old.Rules)}
	for i := range n.Rules {
		n.Rules[i].State = api.NatRuleStateFailed
	}
	return &n
}
