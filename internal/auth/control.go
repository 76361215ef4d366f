package auth

import (
	"context"

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
