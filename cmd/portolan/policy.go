package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"portolan/policy"
)

// What the policy commands end with. A pipeline may rely on them.
const (
	exitFindings = 1 // what was asked for was found: errors, advice, differences, files not formatted
	exitUsage    = 2 // the question could not be answered: wrong flags, files that cannot be read
)

func policyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "check, lint, compare, explain and format core network policies; needs no server",
		Example: `  portolan policy check policies/*.json
  terraform show -json plan.out | portolan policy check -`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(fmt.Errorf("unknown command %q: want check, lint, diff, explain or fmt", args[0]))
			}
			return cmd.Help()
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	cmd.AddCommand(policyCheckCommand(), policyLintCommand(), policyDiffCommand(), policyExplainCommand(), policyFmtCommand())
	return cmd
}

func usage(err error) error { return &exitError{exitUsage, err} }

// files wants at least one file.
func files(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usage(errors.New("which files? - is the standard input"))
	}
	return onceStdin(args...)
}

// onceStdin refuses to read the standard input twice: there is nothing left the second time.
func onceStdin(names ...string) error {
	if i := slices.Index(names, "-"); i >= 0 && slices.Contains(names[i+1:], "-") {
		return usage(errors.New("- is the standard input and can be read once"))
	}
	return nil
}

// oneOf is a flag that takes one of some words.
type oneOf struct {
	value string
	words []string
}

func choice(words ...string) *oneOf { return &oneOf{words[0], words} }
func (o *oneOf) String() string     { return o.value }
func (o *oneOf) Type() string       { return "string" }
func (o *oneOf) list() string {
	return strings.Join(o.words[:len(o.words)-1], ", ") + " or " + o.words[len(o.words)-1]
}

func (o *oneOf) Set(word string) error {
	if !slices.Contains(o.words, word) {
		return fmt.Errorf("want %s", o.list())
	}
	o.value = word
	return nil
}

// colourFlag says whether output is coloured.
func colourFlag(cmd *cobra.Command) func() painter {
	c := choice("auto", "always", "never")
	cmd.Flags().Var(c, "color", "colour the text: "+c.list()+"; auto heeds NO_COLOR")
	return func() painter {
		switch c.value {
		case "always":
			return true
		case "never":
			return false
		}
		f, ok := cmd.OutOrStdout().(*os.File)
		return painter(ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd())))
	}
}

// painter colours text, or leaves it as it is.
type painter bool

const (
	red    = "31"
	green  = "32"
	yellow = "33"
	blue   = "34"
	bold   = "1"
	faint  = "2"
)

func (p painter) paint(colour, text string) string {
	if !p {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// readFile reads a file, "-" the standard input, up to the largest size anything here takes.
func readFile(stdin io.Reader, name string) ([]byte, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, pathError(name, err)
		}
		defer f.Close() //nolint:errcheck // only read
		stdin = f
	}
	text, err := io.ReadAll(io.LimitReader(stdin, policy.MaxPlanSize+1))
	switch {
	case err != nil:
		return nil, pathError(name, err)
	case len(text) > policy.MaxPlanSize:
		return nil, fmt.Errorf("%s has more than %d bytes", name, policy.MaxPlanSize)
	case len(text) > 1 && string(text[:2]) == "PK":
		return nil, fmt.Errorf("%s is a plan in Terraform's own form: give what `terraform show -json %s` prints", name, name)
	}
	return text, nil
}

// pathError is an error about a file with its name once, and as it was given.
func pathError(name string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// input is one document to work on.
type input struct {
	file         string // as it was given
	address      string // of the Terraform resource that holds it
	attribute    string
	line, column int // where it begins in the plan
	text         []byte
	unknown      bool // Terraform knows it only after the plan is applied
}

// name says which document it is.
func (in *input) name() string {
	name := in.file
	if name == "-" {
		name = "standard input"
	}
	if in.address != "" {
		name += ": " + in.address
	}
	return name
}

// readInputs reads the documents of a file: itself, or all those of a Terraform plan.
func readInputs(stdin io.Reader, name string) ([]*input, error) {
	text, err := readFile(stdin, name)
	if err != nil {
		return nil, err
	}
	if !policy.IsTerraform(text) {
		return []*input{{file: name, text: text}}, nil
	}
	planned, err := policy.ReadTerraform(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(planned) == 0 {
		return nil, fmt.Errorf("%s: the plan has no core network policy", name)
	}
	var list []*input
	for _, p := range planned {
		list = append(list, &input{file: name, address: p.Address, attribute: p.Attribute, line: p.Line, column: p.Column, text: p.Text, unknown: p.Unknown})
	}
	return list, nil
}

// readOne reads the only document of a file.
func readOne(stdin io.Reader, name string) (*input, error) {
	list, err := readInputs(stdin, name)
	if err != nil {
		return nil, err
	}
	if len(list) > 1 {
		return nil, fmt.Errorf("%s has %d policies: %s and others; give one", name, len(list), list[0].address)
	}
	if list[0].unknown {
		return nil, fmt.Errorf("%s", list[0].unknownText())
	}
	return list[0], nil
}

func (in *input) unknownText() string {
	return fmt.Sprintf("%s: %s is known only after the plan is applied, so it was not looked at", in.name(), in.attribute)
}

// parseChecked is the document and its compiled form, or what is wrong with it.
func parseChecked(text []byte) (*policy.Document, *policy.Policy, policy.Errors) {
	doc, errs := policy.Parse(text)
	if len(errs) > 0 {
		return nil, nil, errs
	}
	if errs = policy.Check(doc); len(errs) > 0 {
		return doc, nil, errs
	}
	compiled, errs := policy.Compile(doc, nil)
	return doc, compiled, errs
}
