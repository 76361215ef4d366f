package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"portolan/internal/analysis"
	"portolan/internal/snapshot"
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
lists each occurrence, with what each attachment policy found. docs/routing.md describes the checks.

Exit codes: 0 when there are no findings of --severity or higher; 1 when there are; 2 when the network could not be examined.

Checks, by severity; --disable takes their names:
` + checkList(),
		Args: noFile,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range disabled {
				if !slices.Contains(analysis.CheckNames(), name) {
					return usage(fmt.Errorf("there is no check %q; there are: %s", name, strings.Join(analysis.CheckNames(), ", ")))
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
				r := o.diagnosisReport(subject, found)
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

// checkList is the names of the checks, a line for each severity.
func checkList() string {
	var lines []string
	for _, severity := range analysis.Severities() {
		var names []string
		for _, c := range analysis.Checks() {
			if c.Severity == severity {
				names = append(names, c.Name)
			}
		}
		lines = append(lines, "  "+string(severity)+":\n    "+strings.Join(names, "\n    "))
	}
	return strings.Join(lines, "\n")
}

// diagnosisReport is a diagnosis as a report of findings in one file, each where the snapshot file has the tag or the statement
// of the policy that is to blame, or the attachment.
func (o *networkOptions) diagnosisReport(subject *analysis.Subject, found analysis.Diagnosis) *report {
	r := &report{}
	for _, c := range analysis.Checks() {
		r.rules = append(r.rules, ruleInfo{ID: c.Name, Level: string(c.Severity), Summary: c.Summary, Help: c.Summary, Page: "routing.md#health-checks"})
	}
	x := examined{input: &input{Policy: source.Policy{InPlace: true, Line: 1, Column: 1}, file: o.subjectName()}}
	pointers := make([]jsontext.Pointer, len(found))
	for i := range found {
		pointers[i] = o.pointerTo(subject, &found[i])
	}
	places := snapshot.Places(o.data, pointers)
	for i := range found {
		d := &found[i]
		text := d.Message
		if others := d.Others(); others != "" {
			text += "; " + others
		}
		for _, line := range d.Detail {
			text += "; " + line
		}
		at, placed := places[pointers[i]]
		if !placed && d.Line > 1 {
			text += fmt.Sprintf(" (policy line %d)", d.Line)
		}
		x.findings = append(x.findings, finding{
			Rule: d.Check, Level: string(d.Severity), Message: subject.Label(text), Path: cmp.Or(d.Path, "$"), Line: at.Line, Column: at.Column,
		})
	}
	r.documents = append(r.documents, x)
	return r
}

// pointerTo is the member of the snapshot that a finding is about; "" when it is about none.
func (o *networkOptions) pointerTo(subject *analysis.Subject, d *analysis.DiagnosisRow) jsontext.Pointer {
	attachment := jsontext.Pointer("")
	if subject.Snapshot != nil && len(d.Subjects) > 0 {
		at := slices.IndexFunc(subject.Snapshot.Attachments, func(a snapshot.Attachment) bool { return a.ID == d.Subjects[0] })
		if at >= 0 {
			attachment = jsontext.Pointer("/attachments").AppendToken(strconv.Itoa(at))
		}
	}
	switch {
	case d.Tag != "" && attachment != "":
		return attachment.AppendToken("tags").AppendToken(d.Tag)
	case d.Path != "" && o.policy == "": // else the policy is in another file
		return "/policy" + pointerOf(d.Path)
	}
	return attachment
}

// pathStep is a step of a JSONPath as places of a policy have it.
var pathStep = regexp.MustCompile(`\.([^.\[]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]`)

// pointerOf is a JSONPath such as $.segments[0].name as a JSON Pointer.
func pointerOf(path string) jsontext.Pointer {
	var p jsontext.Pointer
	for _, step := range pathStep.FindAllStringSubmatch(path, -1) {
		p = p.AppendToken(step[1] + step[2] + strings.NewReplacer(`\\`, `\`, `\'`, `'`).Replace(step[3]))
	}
	return p
}
