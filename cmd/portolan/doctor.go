package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"portolan/internal/analysis"
	"portolan/policy/source"
)

func doctorCommand() *cobra.Command {
	o := networkOptions{unsettled: true}
	threshold := choice("warning", "error", "note")
	var disabled []string
	all := false
	cmd := &cobra.Command{
		Use: "doctor",
		Short: "health checks: attachments without a segment, misspelt tags, blackholes, asymmetric paths, missing inspection attachments, loops, " +
			"rules without routes, non-deterministic best paths",
		Example: `  portolan doctor --snapshot network.yaml
  portolan doctor --snapshot network.yaml --severity error --disable duplicate-prefix
  portolan doctor --core-network core-network-0123456789abcdef0 -o sarif`,
		Long: `Doctor looks for what is silently lost. Problems with one cause are one finding, with how often it occurs and an example; --all
lists each occurrence. docs/routing.md describes the checks.

Exit codes: 0 when there are no findings of --severity or higher; 1 when there are; 2 when the network could not be examined.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range disabled {
				if !slices.Contains(analysis.CheckNames(), name) {
					return usage(fmt.Errorf("there is no check %q; there are: %v", name, analysis.CheckNames()))
				}
			}
			subject, err := o.examine(cmd)
			if err != nil {
				return err
			}
			found, err := subject.Doctor(cmd.Context())
			if err != nil {
				return err
			}
			if found = found.Without(disabled...); all {
				found = found.Apart()
			}
			switch o.output.value {
			case "sarif", "github":
				r := diagnosisReport(o.subjectName(), found)
				return r.finish(cmd, o.output.value, false, threshold.value)
			}
			if err := o.answer(cmd, subject, found); err != nil {
				return err
			}
			if found.Worst(analysis.Severity(threshold.value)) > 0 {
				return &exitError{code: exitFindings}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&disabled, "disable", nil, "disable a check; repeatable")
	f.Var(threshold, "severity", "lowest severity that makes the command exit 1: "+threshold.list())
	f.BoolVar(&all, "all", false, "list each occurrence instead of one for each cause")
	completeWords(cmd, "disable", analysis.CheckNames()...)
	completeWords(cmd, "severity", threshold.words...)
	return o.question(cmd, "text", "json", "markdown", "sarif", "github")
}

// subjectName is the file or the core network that a question is about.
func (o *networkOptions) subjectName() string {
	if o.file != "" {
		return o.file
	}
	return o.coreNetwork
}

// diagnosisReport is a diagnosis as a report of findings in one file.
func diagnosisReport(file string, found analysis.Diagnosis) *report {
	r := &report{}
	for _, c := range analysis.Checks() {
		r.rules = append(r.rules, ruleInfo{ID: c.Name, Level: string(c.Severity), Summary: c.Summary, Help: c.Summary, Page: "routing.md#health-checks"})
	}
	x := examined{input: &input{Policy: source.Policy{Address: "policy", Line: 1, Column: 1}, file: file}}
	for i := range found {
		d := &found[i]
		text := d.Message
		if d.Count > 1 {
			text += fmt.Sprintf(" (and %d more)", d.Count-1)
		}
		for _, line := range d.Detail {
			text += "; " + line
		}
		x.findings = append(x.findings, finding{Rule: d.Check, Level: string(d.Severity), Message: text, Path: d.Path, Line: d.Line})
	}
	r.documents = append(r.documents, x)
	return r
}
