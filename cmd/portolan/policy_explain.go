package main

import (
	"errors"
	"fmt"
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
	f.StringVar(&given.Type, "type", "", "attachment type: "+strings.Join(policy.AttachmentTypes(), ", "))
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
		answer, err := analysis.Explain(compiled, a, others)
		if wrong, ok := errors.AsType[*analysis.QuestionError](err); ok {
			flag := map[string]string{"type": "--type", "edges": "--edge", "account": "--account", "resourceId": "--resource-id"}[wrong.Field]
			err = fmt.Errorf("%s: %w", flag, err)
		}
		if err != nil {
			return usage(err)
		}
		return show(cmd, output.value, colour(), answer, (*analysis.Explained).Page)
	}
	return cmd
}

// attachmentFlags is an attachment as it is given.
type attachmentFlags struct {
	policy.Attachment
	text string
	tags []string
}

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
	return &a, nil
}
