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
	"portolan/policy/source"
)

// What the policy commands end with. A pipeline may rely on them.
const (
	exitFindings = 1 // what was asked for was found: errors, advice, differences, files not formatted
	exitUsage    = 2 // it could not be answered or done: wrong flags, files that cannot be read, a server that does not answer
)

func policyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "check, lint, compare, explain, format and begin core network policies; needs no server",
		Example: `  portolan policy check policies/*.json
  terraform show -json plan.out | portolan policy check -`,
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	cmd.AddCommand(policyCheckCommand(), policyLintCommand(), policyDiffCommand(), policyExplainCommand(), policyFmtCommand(),
		policyInitCommand(), policySchemaCommand(), policyToTerraformCommand())
	return cmd
}

func usage(err error) error { return &exitError{exitUsage, err} }

// files wants at least one file.
func files(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usage(fmt.Errorf("%s needs at least one file; - is the standard input", cmd.Name()))
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

// callArgument is a standard input that is an argument of a tool.
type callArgument struct {
	io.Reader
	name string
}

// called is what an error calls a file, or what stands in its place.
func called(stdin io.Reader, name string) string {
	if name != "-" {
		return name
	}
	if a, ok := stdin.(callArgument); ok {
		return a.name
	}
	return "standard input"
}

// readFile reads a file, "-" the standard input, up to the largest size anything here takes.
func readFile(stdin io.Reader, name string) ([]byte, error) {
	shown := called(stdin, name)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, pathError(name, err)
		}
		defer func() { _ = f.Close() }() // only read
		stdin = f
	}
	text, err := io.ReadAll(io.LimitReader(stdin, source.MaxSize+1))
	switch {
	case err != nil:
		return nil, pathError(shown, err)
	case len(text) > source.MaxSize:
		return nil, fmt.Errorf("%s has more than %d bytes", shown, source.MaxSize)
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

// input is one policy to work on.
type input struct {
	source.Policy
	file  string // as it was given
	whole []byte // text of the file
}

// name says which policy it is.
func (in *input) name() string {
	name := called(nil, in.file)
	if in.Address != "" {
		name += ": " + in.Address
	}
	return name
}

// shown is the text that lines and columns of findings are those of.
func (in *input) shown() []byte {
	if in.InPlace {
		return in.whole
	}
	return in.Text
}

// readInputs reads the policies of a file.
func readInputs(stdin io.Reader, name string) ([]*input, error) {
	text, err := readFile(stdin, name)
	if err != nil {
		return nil, err
	}
	found, err := source.Read(name, text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", called(stdin, name), err)
	}
	list := make([]*input, len(found))
	for i, p := range found {
		list[i] = &input{p, name, source.UTF8(text)}
	}
	return list, nil
}

// readOne reads the only policy of a file.
func readOne(stdin io.Reader, name string) (*input, error) {
	text, err := readFile(stdin, name)
	if err != nil {
		return nil, err
	}
	p, err := source.ReadOne(name, text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", called(stdin, name), err)
	}
	return &input{*p, name, source.UTF8(text)}, nil
}

// parseChecked is the document and its compiled form over the edges there are, or what is wrong with it.
func parseChecked(in *input, previous policy.Previous) (*policy.Document, *policy.Policy, policy.Errors) {
	doc, errs := in.Parse()
	if len(errs) > 0 {
		return nil, nil, errs
	}
	if errs = policy.Check(doc); len(errs) > 0 {
		return doc, nil, errs
	}
	compiled, errs := policy.Compile(doc, previous)
	return doc, compiled, errs
}
