package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func manCommand() *cobra.Command {
	dir := ""
	cmd := &cobra.Command{
		Use:     "man --dir FOLDER",
		Short:   "write the manual pages of all commands, section 1",
		Example: "  portolan man --dir /usr/local/share/man/man1",
		Hidden:  true,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if dir == "" {
				return usage(errors.New("--dir FOLDER is required"))
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
			for name, text := range manPages(root()) {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "folder to write to")
	return cmd
}

// manPages are the manual pages of a command and of all below it that help shows, by file name. Those that cobra adds when it
// runs, for completion and help, have none.
func manPages(cmd *cobra.Command) map[string]string {
	pages := map[string]string{}
	each(cmd, func(cmd *cobra.Command) {
		if shownInHelp(cmd) {
			pages[manName(cmd)+".1"] = manPage(cmd)
		}
	})
	return pages
}

func shownInHelp(cmd *cobra.Command) bool {
	for ; cmd != nil; cmd = cmd.Parent() {
		if cmd.Hidden {
			return false
		}
	}
	return true
}

func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manPage is the manual page of a command, in the macros of man(7).
func manPage(cmd *cobra.Command) string {
	var b strings.Builder
	name := manName(cmd)
	fmt.Fprintf(&b, ".TH %q 1 \"\" %q \"Portolan\"\n.nh\n.SH NAME\n%s \\- %s\n", strings.ToUpper(name), "portolan "+builtFrom().Version, roff(name), roff(cmd.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.nf\n%s\n.fi\n", roff(cmd.UseLine()))
	text := cmd.Long
	if text == "" {
		text = strings.ToUpper(cmd.Short[:1]) + cmd.Short[1:] + "."
	}
	b.WriteString(".SH DESCRIPTION\n")
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		fmt.Fprintln(&b, roff(paragraph))
	}
	var below []string
	for _, sub := range cmd.Commands() {
		if !sub.Hidden {
			below = append(below, fmt.Sprintf(".TP\n.B %s\n%s\n", roff(sub.Name()), roff(sub.Short)))
		}
	}
	if below != nil {
		b.WriteString(".SH COMMANDS\n" + strings.Join(below, ""))
	}
	var options strings.Builder
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			options.WriteString(manOption(f))
		}
	})
	if options.Len() > 0 {
		b.WriteString(".SH OPTIONS\n" + options.String())
	}
	if cmd.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(strings.TrimRight(cmd.Example, "\n")))
	}
	if cmd.HasParent() {
		fmt.Fprintf(&b, ".SH SEE ALSO\n.BR %s (1)\n", roff(manName(cmd.Parent())))
	}
	return b.String()
}

func manOption(f *pflag.Flag) string {
	value, text := pflag.UnquoteUsage(f)
	head := `\fB` + roff("--"+f.Name) + `\fR`
	if f.Shorthand != "" {
		head = `\fB` + roff("-"+f.Shorthand) + `\fR, ` + head
	}
	if value != "" {
		head += `=\fI` + roff(value) + `\fR`
	}
	switch f.DefValue {
	case "", "false", "0", "0s", "[]":
	default:
		text += " (default " + f.DefValue + ")"
	}
	return ".TP\n" + head + "\n" + roff(text) + "\n"
}

// roff is a text as roff reads it: a hyphen is one that can be copied, and no line begins with what is a command.
func roff(text string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
