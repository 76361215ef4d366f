package main

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"portolan/policy"
	"portolan/policy/lint"
)

func policyLintCommand() *cobra.Command {
	output, threshold := choice("text", "json", "markdown", "sarif", "junit", "github"), choice("warning", "error", "note")
	var options lint.Options
	var attachments string
	var silenced []string // by the flag's former name
	cmd := &cobra.Command{
		Use:   "lint FILE…",
		Short: "report valid policies that do not do what they seem to do",
		Example: `  portolan policy lint wan.json
  portolan policy lint --severity error --disable routing-policy-unused policies/*.json`,
		Long: `Lint reports what AWS does not report about a valid policy: rules that never match, segments that no attachment can join,
and the like.

A FILE is a policy document, or what "terraform show -json" prints of a plan; - is the standard input.
A policy that AWS would refuse is not linted; its errors are shown, as check shows them.
Exit codes: 0 when there are no findings of --severity or higher; 1 when there are; 2 when a policy could not be read.`,
		Args: files,
	}
	cmd.Flags().VarP(output, "output", "o", output.list())
	completeWords(cmd, "output", output.words...)
	cmd.Flags().StringArrayVar(&options.Disabled, "disable", nil, "disable a lint rule; repeatable")
	cmd.Flags().StringArrayVar(&silenced, "silence", nil, "former name of --disable")
	_ = cmd.Flags().MarkHidden("silence")
	completeWords(cmd, "disable", lintNames()...)
	cmd.Flags().StringVar(&attachments, "attachments", "", "output of \"aws networkmanager list-attachments\": lints against the attachments that exist")
	cmd.Flags().Var(threshold, "severity", "lowest severity that makes the command exit 1: "+threshold.list())
	colour := colourFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		options.Disabled = append(options.Disabled, silenced...)
		for _, name := range options.Disabled {
			if !isLintRule(name) {
				return usage(errors.New("there is no lint rule " + name))
			}
		}
		if err := onceStdin(slices.Concat(args, []string{attachments})...); err != nil {
			return err
		}
		var facts *lint.Facts
		if attachments != "" {
			list, err := readAttachments(cmd.InOrStdin(), attachments)
			if err != nil {
				return usage(err)
			}
			facts = &lint.Facts{Attachments: list}
		}
		r := examine(cmd, args, func(in *input) ([]finding, error) { return lintOne(in, facts, options) })
		r.rules = append(codes(), lintRules()...)
		return r.finish(cmd, output.value, colour(), threshold.value)
	}
	return cmd
}

func isLintRule(name string) bool { return slices.Contains(lintNames(), name) }

func lintNames() []string {
	var names []string
	for _, r := range lint.Rules() {
		names = append(names, r.Name)
	}
	return names
}

func lintOne(in *input, facts *lint.Facts, options lint.Options) ([]finding, error) {
	doc, errs := in.Parse()
	if len(errs) > 0 {
		return errorFindings(errs), nil
	}
	advice, err := lint.Run(doc, facts, options)
	if errs, ok := errors.AsType[policy.Errors](err); ok {
		return errorFindings(errs), nil
	}
	if err != nil {
		return nil, err
	}
	var list []finding
	for _, a := range advice {
		list = append(list, finding{
			Rule: a.Rule, Level: string(a.Severity), Message: a.Path + ": " + a.Message, Path: a.Path, Line: a.Line, Column: a.Column, Hint: a.Hint,
		})
	}
	return list, nil
}

func lintRules() []ruleInfo {
	var list []ruleInfo
	for _, r := range lint.Rules() {
		list = append(list, ruleInfo{ID: r.Name, Level: string(r.Severity), Summary: r.Summary, Help: r.Why, Lint: true})
	}
	return list
}
