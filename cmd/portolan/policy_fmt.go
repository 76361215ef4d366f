package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"portolan/internal/page"
	"portolan/policy"
	"portolan/policy/source"
)

func policyFmtCommand() *cobra.Command {
	var write, check bool
	cmd := &cobra.Command{
		Use:   "fmt FILE…",
		Short: "format policies in canonical form",
		Example: `  portolan policy fmt wan.json
  portolan policy fmt -w policies/*.json`,
		Long: `Fmt prints policy documents in their canonical form: members in the order in which AWS documents them, what fits on a
line on one line. It changes nothing but white space, the order of members and needless escapes.

A FILE is JSON with at least one section of a policy, which need not be a valid one; - is the standard input.
Exit codes: 0; 1 when --check is given and a file is not formatted; 2 when one cannot be read, is no policy document in JSON, or cannot
be written.`,
		Args: files,
		RunE: func(cmd *cobra.Command, args []string) error {
			if write && check {
				return usage(errors.New("-w and --check exclude each other"))
			}
			differs, failed := false, false
			for _, name := range args {
				changed, err := formatFile(cmd, name, write, check)
				if err != nil {
					fmt.Fprintln(cmd.ErrOrStderr(), "portolan:", page.Printable(err.Error()))
					failed = true
				}
				differs = differs || changed
			}
			switch {
			case failed:
				return &exitError{code: exitUsage}
			case differs && check:
				return &exitError{code: exitFindings}
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&write, "write", "w", false, "write the files instead of printing them")
	cmd.Flags().BoolVar(&check, "check", false, "print the names of files that are not formatted; change nothing")
	return cmd
}

// formatFile formats one file and says whether that changes it.
func formatFile(cmd *cobra.Command, name string, write, check bool) (bool, error) {
	in, err := readOne(cmd.InOrStdin(), name)
	if err != nil {
		return false, err
	}
	shown := called(cmd.InOrStdin(), name)
	if (write || check) && (in.Form != source.Document || !bytes.Equal(in.Text, in.whole)) {
		return false, fmt.Errorf("%s is not a policy document in JSON, but a file that holds one (%s): it can be printed formatted, and not be replaced", shown, in.Form)
	}
	doc, errs := in.Parse()
	if len(errs) > 0 {
		return false, fmt.Errorf("%s:%d:%d: %w", shown, errs[0].Line, errs[0].Column, errs)
	}
	if !doc.HasSections() {
		return false, fmt.Errorf("%s is no policy document: it has no core-network-configuration, no segments, nor another section of one", shown)
	}
	formatted := policy.Format(doc)
	changed := !bytes.Equal(in.whole, formatted)
	w := cmd.OutOrStdout()
	switch {
	case check:
		if changed {
			_, err = fmt.Fprintln(w, name)
		}
	case write && name != "-":
		if changed {
			err = replaceFile(name, formatted)
		}
	default:
		_, err = w.Write(formatted)
	}
	return changed, err
}

// replaceFile puts a text in place of a file: all of it or nothing, whatever happens in between.
func replaceFile(name string, text []byte) (err error) {
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return pathError(name, err)
	}
	info, err := os.Stat(real)
	if err != nil {
		return pathError(name, err)
	}
	f, err := os.CreateTemp(filepath.Dir(real), ".portolan-*")
	if err != nil {
		return pathError(name, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
			err = pathError(name, err)
		}
	}()
	_, err = io.Copy(f, bytes.NewReader(text))
	err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), real)
}
