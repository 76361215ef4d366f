package analysis

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"portolan/internal/page"
)

// The parts of JUnit's report that are used.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		File    string        `xml:"file,attr"`
		Line    int           `xml:"line,attr"`
		Failure *junitFailure `xml:"failure"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes the report as JUnit's XML: a test case for each assertion.
func (t *TestReport) WriteJUnit(w io.Writer) error {
	suite := junitSuite{Name: t.file, Tests: t.Total, Failures: len(t.Failures)}
	failures := map[int]*TestFailure{}
	for i := range t.Failures {
		failures[t.Failures[i].Line] = &t.Failures[i]
	}
	for i := range t.assertions {
		a := &t.assertions[i]
		c := junitCase{Name: a.Text, Class: t.file, File: t.file, Line: a.Line}
		if f := failures[a.Line]; f != nil {
			c.Failure = &junitFailure{Message: t.label(f.Reason)}
			if f.Path != nil {
				p := &page.Page{Label: t.label}
				f.Path.show(p, 0, "path")
				var b strings.Builder
				if err := p.Text(&b, page.Style{}); err != nil {
					return err
				}
				c.Failure.Text = b.String()
			}
		}
		suite.Cases = append(suite.Cases, c)
	}
	text, err := xml.MarshalIndent(junitSuites{Suites: []junitSuite{suite}}, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	}
	return err
}
