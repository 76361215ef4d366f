package main

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"portolan/internal/analysis"
)

// docsURL is the folder of the documentation of a release, ending in a slash; the linker sets it.
var docsURL string

// helpURI is where a rule is explained. Without our own pages, AWS's description of the language stands in.
func helpURI(rule ruleInfo) string {
	switch {
	case docsURL == "":
		return "https://docs.aws.amazon.com/network-manager/latest/cloudwan/cloudwan-policies-json.html"
	case rule.Page != "":
		return docsURL + rule.Page
	case rule.Lint:
		return docsURL + "lint.md#" + rule.ID
	default:
		return docsURL + "policy.md#error-codes"
	}
}

// The parts of SARIF 2.1.0 that are used.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		ColumnKind  string            `json:"columnKind"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID                   string      `json:"id"`
		ShortDescription     sarifText   `json:"shortDescription"`
		Help                 sarifText   `json:"help"`
		HelpURI              string      `json:"helpUri"`
		DefaultConfiguration sarifConfig `json:"defaultConfiguration"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifInvocation struct {
		ExecutionSuccessful        bool                `json:"executionSuccessful"`
		ToolExecutionNotifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		PhysicalLocation sarifPhysical  `json:"physicalLocation"`
		LogicalLocations []sarifLogical `json:"logicalLocations"`
	}
	sarifPhysical struct {
		ArtifactLocation sarifArtifact `json:"artifactLocation"`
		Region           sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
	}
	sarifLogical struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
	}
)

// sarif prints a log of one run. A finding in a document that is a string in its file is where the string is; the resource and
// the path in the document are its logical location.
func (r *report) sarif(w io.Writer) error {
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "portolan", Version: builtFrom().Version, Rules: []sarifRule{}}},
		Invocations: []sarifInvocation{{ExecutionSuccessful: !r.unread}},
		ColumnKind:  "unicodeCodePoints",
		Results:     []sarifResult{},
	}
	index := map[string]int{}
	for i, rule := range r.rules {
		index[rule.ID] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{
			rule.ID, sarifText{rule.Summary}, sarifText{rule.Help}, helpURI(rule), sarifConfig{rule.Level},
		})
	}
	for _, f := range r.failures {
		run.Invocations[0].ToolExecutionNotifications = append(run.Invocations[0].ToolExecutionNotifications, sarifNotification{f.level, sarifText{f.text}})
	}
	for _, d := range r.documents {
		for _, f := range d.findings {
			i, known := index[f.Rule]
			if !known {
				return fmt.Errorf("rule %s is not described", f.Rule)
			}
			line, column := d.where(f)
			run.Results = append(run.Results, sarifResult{
				RuleID: f.Rule, RuleIndex: i, Level: f.Level, Message: sarifText{d.message(f)},
				Locations: []sarifLocation{{
					sarifPhysical{sarifArtifact{fileURI(d.file)}, sarifRegion{line, column}},
					[]sarifLogical{{strings.TrimPrefix(d.Address+"/"+f.Path, "/")}},
				}},
			})
		}
	}
	return analysis.WriteJSON(w, sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

// where is the place of a finding in the file.
func (d *examined) where(f finding) (line, column int) {
	if !d.InPlace {
		return max(d.Line, 1), max(d.Column, 1)
	}
	return max(f.Line, 1), max(f.Column, 1)
}

// message is what to say where only the file is shown.
func (d *examined) message(f finding) string {
	text := f.Message
	switch {
	case !d.InPlace:
		text = fmt.Sprintf("%s (%s, line %d, column %d)", text, cmp.Or(d.Address, d.Attribute), f.Line, f.Column)
	case d.Address != "":
		text += " (" + d.Address + ")"
	}
	if f.Hint != "" {
		text += "; hint: " + f.Hint
	}
	return text
}

// fileURI is a relative reference for a relative path, as the viewers of findings in a repository want it.
func fileURI(name string) string {
	if name == "-" {
		return "stdin"
	}
	path := filepath.ToSlash(filepath.Clean(name))
	if filepath.IsAbs(name) {
		return (&url.URL{Scheme: "file", Path: path}).String()
	}
	return (&url.URL{Path: path}).String()
}
