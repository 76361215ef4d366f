package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// github prints the commands with which a workflow of GitHub Actions puts findings beside the lines of a change.
func (r *report) github(w io.Writer) error {
	commands := map[string]string{"error": "error", "warning": "warning", "note": "notice"}
	var out strings.Builder
	for _, d := range r.documents {
		for _, f := range d.findings {
			line, column := d.where(f)
			fmt.Fprintf(&out, "::%s file=%s,line=%d,col=%d,title=%s::%s\n", commands[f.Level],
				githubProperty.Replace(filepath.ToSlash(filepath.Clean(d.file))), line, column, githubProperty.Replace(f.Rule), githubData.Replace(d.message(f)))
		}
	}
	for _, f := range r.failures {
		fmt.Fprintf(&out, "::%s::%s\n", f.level, githubData.Replace(f.text))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

var (
	githubData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
