package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"portolan/internal/analysis"
	"portolan/policy"
)

func policyExplainCommand() *cobra.Command {
	var given attachmentFlags
	var attachments string
	cmd := &cobra.Command{
		Use:   "explain FILE",
		Short: "explain which attachment-policy rule associates an attachment, and why the others do not",
		Example: `
  portolan policy explain policy.json --attachment type=vpc,edge=eu-west-1,tag:env=prod
  portolan policy explain policy.json --type vpc --edge eu-west-1 --tag env=prod --account 111122223333`[1:],
		Long: `Explain evaluates the attachment policies for an attachment that need not exist: which rule matches, which condition of the
others failed on which value, and whether the attachment must be accepted.

Type and edge location are required; account and resource ID when a rule tests them. Tags that are not given are absent.
Exit codes: 0 when there is an answer, also when no rule matches; 1 when AWS would refuse the policy; 2 otherwise.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(errors.New("explain takes one file; - is the standard input"))
			}
			return nil
		},
	}
	f := cmd.Flags()
	output := answerFlag(cmd)
	f.StringVar(&given.text, "attachment", "", "the whole attachment: type=vpc,edge=eu-west-1,account=111122223333,resource-id=vpc-1,tag:env=prod")
	f.StringVar(&given.Type, "type", "", "attachment type: "+strings.Join(attachmentTypes, ", "))
	f.StringArrayVar(&given.Edges, "edge", nil, "edge location; repeatable for a Direct Connect gateway")
	f.StringArrayVar(&given.Edges, "region", nil, "alias of --edge")
	f.StringVar(&given.Account, "account", "", "account ID of its owner, 12 digits")
	f.StringVar(&given.ResourceID, "resource-id", "", "ID of the attached resource, such as vpc-0123456789abcdef0")
	f.StringArrayVar(&given.tags, "tag", nil, "tag, key=value; repeatable")
	f.StringVar(&attachments, "attachments", "", "output of \"aws networkmanager list-attachments\": takes the existing attachments of network function groups into account")
	colour := colourFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := onceStdin(args[0], attachments); err != nil {
			return err
		}
		in, err := readOne(cmd.InOrStdin(), args[0])
		if err != nil {
			return usage(err)
		}
		var others []policy.Attached
		if attachments != "" {
			if others, err = readAttachments(cmd.InOrStdin(), attachments); err != nil {
				return usage(err)
			}
		}
		a, err := given.attachment()
		if err != nil {
			return usage(err)
		}
		_, compiled, errs := parseChecked(in, nil)
		if len(errs) > 0 {
			found := errorFindings(errs)
			place(in.shown(), found)
			r := &report{documents: []examined{{in, found}}, rules: codes()}
			return r.finish(cmd, output.value, colour(), "note")
		}
		if err := edgesExist(compiled, a); err != nil {
			return usage(err)
		}
		answer := analysis.Explain(compiled, a, others)
		if err := enough(a, answer); err != nil {
			return usage(err)
		}
		return show(cmd, output.value, colour(), answer, (*analysis.Explained).Page)
	}
	return cmd
}

var attachmentTypes = []string{
	policy.TypeVPC, policy.TypeConnect, policy.TypeSiteToSiteVPN, policy.TypeDirectConnectGateway, policy.TypeTransitGatewayRouteTable,
}

// attachmentFlags is an attachment as it is given.
type attachmentFlags struct {
	policy.Attachment
	text string
	tags []string
}

var accountPattern = regexp.MustCompile(`^[0-9]{12}$`)

func (f *attachmentFlags) attachment() (*policy.Attachment, error) {
	a := f.Attachment
	a.Tags = map[string]string{}
	addTag := func(pair string) error {
		key, value, ok := strings.Cut(pair, "=")
		if _, twice := a.Tags[key]; !ok || key == "" || twice {
			return fmt.Errorf("tag %q: want key=value, each key once", pair)
		}
		a.Tags[key] = value
		return nil
	}
	for _, part := range strings.Split(f.text, ",") {
		if f.text == "" {
			break
		}
		key, value, _ := strings.Cut(part, "=")
		if tag, ok := strings.CutPrefix(part, "tag:"); ok {
			if err := addTag(tag); err != nil {
				return nil, err
			}
			continue
		}
		target := map[string]*string{"type": &a.Type, "account": &a.Account, "resource-id": &a.ResourceID, "id": &a.ID}[key]
		switch {
		case value == "":
			return nil, fmt.Errorf("--attachment: %q is not NAME=VALUE; tags with a comma are given with --tag", part)
		case key == "edge" || key == "region":
			a.Edges = append(a.Edges, value)
		case target == nil:
			return nil, fmt.Errorf("--attachment: %q is not known: want type, edge, account, resource-id or tag:KEY", key)
		case *target != "":
			return nil, fmt.Errorf("--attachment: %s is given twice", key)
		default:
			*target = value
		}
	}
	for _, pair := range f.tags {
		if err := addTag(pair); err != nil {
			return nil, err
		}
	}
	switch {
	case !slices.Contains(attachmentTypes, a.Type):
		return nil, fmt.Errorf("type %q: want %s", a.Type, strings.Join(attachmentTypes, ", "))
	case len(a.Edges) == 0:
		return nil, errors.New("at which edge location is it? give --edge")
	case len(a.Edges) > 1 && a.Type != policy.TypeDirectConnectGateway:
		return nil, errors.New("only a Direct Connect gateway attachment is at several edge locations")
	case a.Account != "" && !accountPattern.MatchString(a.Account):
		return nil, fmt.Errorf("account %q: want 12 digits", a.Account)
	}
	return &a, nil
}

func edgesExist(p *policy.Policy, a *policy.Attachment) error {
	var known []string
	for _, e := range p.Edges {
		known = append(known, e.Location)
	}
	for _, e := range a.Edges {
		if !slices.Contains(known, e) {
			return fmt.Errorf("nothing can be attached at %s: the edge locations of the policy are %s", e, strings.Join(known, ", "))
		}
	}
	return nil
}

// enough refuses an answer for which a rule looked at what was not given.
func enough(a *policy.Attachment, d *analysis.Explained) error {
	missing := map[string]bool{"account-id": a.Account == "", "resource-id": a.ResourceID == ""}
	flags := map[string]string{"account-id": "--account", "resource-id": "--resource-id"}
	for _, rule := range d.Rules {
		for _, c := range rule.Conditions {
			if kind, _, _ := strings.Cut(c.Test, " "); missing[kind] {
				return fmt.Errorf("rule %d asks for %s: give %s", rule.RuleNumber, c.Test, flags[kind])
			}
		}
	}
	return nil
}
