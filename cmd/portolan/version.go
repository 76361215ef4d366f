package main

import (
	"cmp"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"portolan/internal/page"
)

func versionCommand() *cobra.Command {
	var format *oneOf
	cmd := &cobra.Command{
		Use:   "version",
		Short: "print the version",
		Example: `  portolan version
  portolan version -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return show(cmd, format.value, false, builtFrom(), build.Page)
		},
	}
	format = answerFlag(cmd)
	return cmd
}

// release is set by the linker for releases.
var release string

// build is what the binary was made from.
type build struct {
	Version   string `json:"version"`            // the tag, or what Go derives from the commit; (devel) without version control
	Revision  string `json:"revision,omitempty"` // the commit
	Time      string `json:"time,omitempty"`     // of the commit, RFC 3339
	Modified  bool   `json:"modified"`           // the files were not those of the commit
	Interface string `json:"interface"`          // the version of AWS's API
	Go        string `json:"go"`
	Platform  string `json:"platform"`
}

func builtFrom() build {
	b := build{Version: release, Interface: "networkmanager-2019-07-05", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.Version = cmp.Or(b.Version, info.Main.Version)
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Revision = s.Value
			case "vcs.time":
				b.Time = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	b.Version = cmp.Or(b.Version, "(devel)")
	return b
}

// Page is one line.
func (b build) Page() *page.Page {
	p := &page.Page{}
	p.Line(page.Plain, "portolan %s", b)
	return p
}

// String is the version with what it was made from, in one line.
func (b build) String() string {
	parts := []string{b.Interface, b.Go, b.Platform}
	if b.Revision != "" && !strings.Contains(b.Version, b.Revision[:min(12, len(b.Revision))]) {
		parts = append([]string{"commit " + b.Revision[:min(12, len(b.Revision))]}, parts...)
	}
	return b.Version + " (" + strings.Join(parts, ", ") + ")"
}
