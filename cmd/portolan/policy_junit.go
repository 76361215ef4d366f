package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// junitSuites is a report in the form that JUnit has and CI systems read.
type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Failure *junitText `xml:"failure"`
	Error   *junitText `xml:"error"`
	Output  string     `xml:"system-out,omitempty"`
}

type junitText struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// junit prints a suite for each document with a case for each finding, one for a document without findings, and one for what
// was not looked at. A finding below the threshold is a case that passes.
func (r *report) junit(w io.Writer, threshold string) error {
	var all junitSuites
	for _, d := range r.documents {
		name := d.name()
		suite := junitSuite{Name: name}
		for _, f := range d.findings {
			text := fmt.Sprintf("%s:%d:%d: %s %s: %s", name, f.Line, f.Column, f.Level, f.Rule, f.Message)
			if f.Hint != "" {
				text += "\nhint: " + f.Hint
			}
			c := junitCase{Class: name, Name: fmt.Sprintf("%s %d:%d", f.Rule, f.Line, f.Column)}
			if atLeast(f.Level, threshold) {
				c.Failure = &junitText{f.Rule, f.Message, text}
				suite.Failures++
			} else {
				c.Output = text
			}
			suite.Cases = append(suite.Cases, c)
		}
		if len(suite.Cases) == 0 {
			suite.Cases = []junitCase{{Class: name, Name: "no findings"}}
		}
		suite.Tests = len(suite.Cases)
		all.Suites = append(all.Suites, suite)
	}
	if len(r.failures) > 0 {
		suite := junitSuite{Name: "not looked at", Tests: len(r.failures), Errors: len(r.failures)}
		for _, f := range r.failures {
			name, _, _ := strings.Cut(f.text, ": ")
			suite.Cases = append(suite.Cases, junitCase{Class: suite.Name, Name: name, Error: &junitText{f.level, f.text, ""}})
		}
		all.Suites = append(all.Suites, suite)
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}
