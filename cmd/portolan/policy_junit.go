package main

import (
	"fmt"
	"io"
	"strings"

	"portolan/internal/junit"
)

// junit prints a suite for each document with a case for each finding, one for a document without findings, and one for what
// was not looked at. A finding below the threshold is a case that passes.
func (r *report) junit(w io.Writer, threshold string) error {
	var all []junit.Suite
	for _, d := range r.documents {
		suite := junit.Suite{Name: d.name()}
		for _, f := range d.findings {
			text := fmt.Sprintf("%s:%d:%d: %s %s: %s", suite.Name, f.Line, f.Column, f.Level, f.Rule, f.Message)
			if f.Hint != "" {
				text += "\nhint: " + f.Hint
			}
			c := junit.Case{Class: suite.Name, Name: fmt.Sprintf("%s %d:%d", f.Rule, f.Line, f.Column)}
			if atLeast(f.Level, threshold) {
				c.Failure = &junit.Outcome{Type: f.Rule, Message: f.Message, Text: text}
			} else {
				c.Output = text
			}
			suite.Add(c)
		}
		if suite.Tests == 0 {
			suite.Add(junit.Case{Class: suite.Name, Name: "no findings"})
		}
		all = append(all, suite)
	}
	if len(r.failures) > 0 {
		suite := junit.Suite{Name: "not looked at"}
		for _, f := range r.failures {
			name, _, _ := strings.Cut(f.text, ": ")
			suite.Add(junit.Case{Class: suite.Name, Name: name, Error: &junit.Outcome{Type: f.level, Message: f.text}})
		}
		all = append(all, suite)
	}
	return junit.Write(w, all)
}
