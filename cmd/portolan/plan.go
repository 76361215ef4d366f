package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"portolan/internal/analysis"
	"portolan/internal/picture"
)

// planOptions say what changes.
type planOptions struct {
	network networkOptions
	policy  string
	to      string
	fail    []string
}

func (p *planOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&p.policy, "policy", "", "the new policy, in any form that policy check reads")
	f.StringVar(&p.to, "to-snapshot", "", "snapshot file of the network as it is to be: attachments, tags, announcements")
	f.StringArrayVar(&p.fail, "fail", nil, "what fails: edge=LOCATION or attachment=ID or name; repeatable")
}

// changes tells whether something is to change.
func (p *planOptions) changes() bool { return p.policy != "" || p.to != "" || len(p.fail) > 0 }

// next is the network after the change.
func (p *planOptions) next(cmd *cobra.Command, now *analysis.Subject) (*analysis.Subject, error) {
	if !p.changes() {
		return nil, usage(errors.New("plan needs a change: give --policy FILE, --to-snapshot FILE, --fail edge=LOCATION or --fail attachment=ID"))
	}
	if err := onceStdin(p.network.file, p.policy, p.to); err != nil {
		return nil, err
	}
	c := analysis.Change{Fail: p.fail}
	if p.to != "" {
		to := networkOptions{file: p.to}
		var err error
		if c.To, err = to.load(cmd); err != nil {
			return nil, usage(fmt.Errorf("--to-snapshot: %w", err))
		}
	}
	if p.policy != "" {
		var err error
		if c.Policy, err = readPolicy(cmd, p.policy); err != nil {
			return nil, err
		}
	}
	next, err := c.Of(cmd.Context(), now)
	if wrong, ok := errors.AsType[*analysis.QuestionError](err); ok && wrong.Field == "fail" {
		err = fmt.Errorf("--fail: %w", err)
	}
	if err != nil {
		return nil, usage(err)
	}
	return next, nil
}

func planCommand() *cobra.Command {
	p := planOptions{network: networkOptions{ownPolicy: true}}
	o := &p.network
	var exitCode, summary bool
	cmd := &cobra.Command{
		Use:   "plan --policy NEW | --to-snapshot FILE | --fail edge=LOCATION",
		Short: "preview a change of policy or attachments, or a failure: attachments that move, reachability and inspection lost, routes that change",
		Example: `  portolan plan --snapshot network.yaml --policy new.json
  portolan plan --snapshot network.yaml --to-snapshot planned.yaml --summary
  portolan plan --snapshot network.yaml --fail edge=eu-west-1
  portolan plan --snapshot network.yaml --policy new.json -o svg > change.svg
  terraform show -json plan.out | portolan plan --core-network core-network-0123456789abcdef0 --policy - -o markdown`,
		Long: `Plan computes the network as it is and as it would be, and compares. The headline comes first: attachments that move between
segments or cease to carry traffic, reachability lost and gained, pairs that are no longer inspected, attachments that have to
be replaced. Then the change set, all pairs of segments and attachments whose reachability changes, edge locations and accounts
affected, and each route that is added, withdrawn or re-routed. The picture formats draw both networks in one picture: what goes
is crossed out, what comes is green.

--policy is a new policy, --to-snapshot a file of the whole network as it is to be, --fail something that fails; they go together.

Exit codes: 0 when the plan was computed, whatever changes; with --exit-code, 1 when something changes; 2 when the plan could not be
computed.`,
		Args: noFile,
		RunE: func(cmd *cobra.Command, _ []string) error {
			now, err := o.examine(cmd)
			if err != nil {
				return err
			}
			next, err := p.next(cmd, now)
			if err != nil {
				return err
			}
			if slices.Contains(pictureFormats, o.output.value) {
				return drawPicture(cmd, picture.Between(now, next), o.output.value)
			}
			plan, err := now.PlanTo(cmd.Context(), next)
			if err != nil {
				return usage(err)
			}
			if summary && o.output.value != "json" {
				err = show(cmd, o.output.value, o.colour(), plan, (*analysis.Plan).Summary)
			} else {
				if summary {
					plan.Routes = nil
				}
				err = o.answer(cmd, now, plan)
			}
			if err == nil && exitCode && !plan.Empty {
				return &exitError{code: exitFindings}
			}
			return err
		},
	}
	p.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&exitCode, "exit-code", false, "exit 1 when something changes")
	f.BoolVar(&summary, "summary", false, "the headline alone; as JSON: without the routes")
	return o.question(cmd, append([]string{"text", "json", "markdown"}, pictureFormats...)...)
}
