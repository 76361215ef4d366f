package analysis

import (
	"io"
	"strings"

	"portolan/internal/junit"
	"portolan/internal/page"
)

// WriteJUnit writes the report as JUnit's XML: a test case for each assertion.
func (t *TestReport) WriteJUnit(w io.Writer) error {
	suite := junit.Suite{Name: t.file}
	failures := map[int]*TestFailure{}
	for i := range t.Failures {
		failures[t.Failures[i].Line] = &t.Failures[i]
	}
	for i := range t.assertions {
		a := &t.assertions[i]
		c := junit.Case{Name: a.Text, Class: t.file, File: t.file, Line: a.Line}
		if f := failures[a.Line]; f != nil {
			c.Failure = &junit.Outcome{Message: t.label(f.Reason)}
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
		suite.Add(c)
	}
	return junit.Write(w, []junit.Suite{suite})
}
