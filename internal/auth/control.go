package auth

import (
	"context"
	"slices"
	"strings"

	"portolan/api"
)

// AuthorizeControl decides on a call of the server's own that changes or reads what belongs to an account, such as
// emptying it. No IAM action names such calls: they take a principal who may call every operation on every resource, and
// they reach its own account only. The account "" stands for all; it and others' accounts are for
// keys of operators.
func (a *Authorizer) AuthorizeControl(ctx context.Context, p *Principal, account string) error {
	if p == nil || p.key == nil {
		return nil
	}
	if account != p.caller.Account && !p.key.operator {
		return &api.AccessDeniedException{Message: "User: " + p.caller.ARN + " is not authorized to control other accounts than " + p.caller.Account + "."}
	}
	q := a.query(ctx, p, nil)
	for i := range api.Operations {
		v := q.decide(check{action: api.Operations[i].Action, resource: "*"}, 0)
		if v.effect != Allow {
			explained := q.decide(v.check, maxTrace)
			return &api.AccessDeniedException{Message: v.message(p), Cause: &DeniedError{explained.decision()}}
		}
	}
	return nil
}

// AuthorizeAction refuses an IAM action that a principal may take on no resource: an unconditional deny names it, or no
// statement allows it on anything. That it is not refused is no promise: statements go by resources and conditions too.
func (a *Authorizer) AuthorizeAction(ctx context.Context, p *Principal, action string) error {
	if p == nil || p.key == nil {
		return nil
	}
	q := a.query(ctx, p, nil)
	v := q.decide(check{action: action, resource: "*"}, 0)
	if v.effect == Allow || v.effect == ImplicitDeny && p.key.allowsSome(action) {
		return nil
	}
	return &api.AccessDeniedException{Message: v.message(p)}
}

// allowsSome tells whether a statement allows the action on something, under some condition.
func (c *credential) allowsSome(action string) bool {
	action = strings.ToLower(action)
	for _, p := range c.policies {
		for i := range p.statements {
			s := &p.statements[i]
			named := slices.ContainsFunc(s.actions, func(p *pattern) bool { return glob(p.glyphs, action) })
			if !s.deny && named != s.notAction {
				return true
			}
		}
	}
	return false
}
