package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"portolan/internal/analysis"
	"portolan/internal/page"
	"portolan/internal/snapshot"
)

func snapshotCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "snapshot", Short: "export, validate and describe network snapshot files", Example: `
  portolan snapshot export --core-network core-network-0123456789abcdef0 > network.yaml
  portolan snapshot validate network.yaml`[1:]}
	cmd.AddCommand(snapshotExportCommand(), snapshotValidateCommand(), snapshotSchemaCommand())
	return cmd
}

func snapshotExportCommand() *cobra.Command {
	o := networkOptions{ownPolicy: true}
	format := choice("yaml", "json")
	cmd := &cobra.Command{
		Use:   "export --core-network ID",
		Short: "export a core network of a running server as a snapshot file",
		Example: `  portolan snapshot export --core-network core-network-0123456789abcdef0 > network.yaml
  portolan snapshot export --endpoint http://127.0.0.1:4566 --core-network core-network-0123456789abcdef0 -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := o.load(cmd)
			if err != nil {
				return err
			}
			text, err := s.YAML()
			if format.value == "json" {
				text, err = s.JSON()
			}
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	cmd.Flags().VarP(format, "output", "o", "yaml or json")
	return o.flags(cmd)
}

// valid is what a snapshot file holds.
type valid struct {
	File        string `json:"file"`
	Attachments int    `json:"attachments"`
	Tables      int    `json:"tables"`
}

// Page is one line.
func (v valid) Page() *page.Page {
	p := &page.Page{}
	p.Line(page.Plain, "%s: %d attachments, %d tables", v.File, v.Attachments, v.Tables)
	return p
}

func snapshotValidateCommand() *cobra.Command {
	var format *oneOf
	cmd := &cobra.Command{
		Use:   "validate FILE",
		Short: "validate a snapshot file: format, policy, and that routes converge",
		Example: `  portolan snapshot validate network.yaml
  portolan snapshot validate network.yaml -o json
  portolan snapshot export --core-network core-network-0123456789abcdef0 | portolan snapshot validate -`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := readFile(cmd.InOrStdin(), args[0])
			if err != nil {
				return usage(err)
			}
			s, err := snapshot.Parse(data)
			if err != nil {
				return &exitError{exitFindings, fmt.Errorf("%s: %w", called(cmd.InOrStdin(), args[0]), err)}
			}
			subject, err := analysis.Examine(s, nil, nil)
			if err == nil {
				err = subject.Settled()
			}
			if err != nil {
				return &exitError{exitFindings, fmt.Errorf("%s: %w", called(cmd.InOrStdin(), args[0]), err)}
			}
			v := valid{args[0], len(s.Attachments), len(subject.Tables.TableIDs())}
			return show(cmd, format.value, false, v, valid.Page)
		},
	}
	format = answerFlag(cmd)
	return cmd
}

func snapshotSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "print the JSON Schema of snapshot files, for editors and validators",
		Example: `  portolan snapshot schema > snapshot.schema.json`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := snapshot.Schema()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}
