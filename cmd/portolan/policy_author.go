package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"portolan/policy"
	"portolan/policy/skeleton"
	"portolan/policy/terraform"
)

func policyInitCommand() *cobra.Command {
	var regions []string
	var lines strings.Builder
	var names []string
	for _, s := range skeleton.All() {
		names = append(names, s.Name)
		fmt.Fprintf(&lines, "  %-11s %s\n", s.Name, s.Summary)
	}
	cmd := &cobra.Command{
		Use:   "init [SKELETON]",
		Short: "print a policy to begin with, which passes check and lint",
		Example: `  portolan policy init > wan.json
  portolan policy init inspection --region eu-west-1 --region eu-central-1`,
		Long: `Init prints a core network policy to begin with. It passes check, and lint finds nothing in it.

Skeletons, without one the first:
` + lines.String() + `
Exit codes: 0; 2 when there is no such skeleton or Region.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage(errors.New("init takes one skeleton: " + strings.Join(names, ", ")))
			}
			return nil
		},
		ValidArgs: names,
	}
	cmd.Flags().StringArrayVar(&regions, "region", nil, "AWS Region with an edge; repeatable (default us-east-1 and us-west-2)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name := names[0]
		if len(args) > 0 {
			name = args[0]
		}
		text, err := skeleton.Document(name, regions)
		if err != nil {
			return usage(err)
		}
		_, err = cmd.OutOrStdout().Write(text)
		return err
	}
	return cmd
}

func policySchemaCommand() *cobra.Command {
	var version string
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "print the JSON Schema of policy documents, for editors",
		Example: `  portolan policy schema > policy.schema.json
  portolan policy schema --version 2021.12`,
		Long: `Schema prints the JSON Schema (draft 2020-12) of core network policy documents, made of the tables by which check reads them:
members with descriptions, values, bounds. Editors complete and check documents with it as they are written. What only the
whole document shows, such as a name that nothing defines, is found by check.`,
		Args: noFiles,
	}
	cmd.Flags().StringVar(&version, "version", "", "version of the policy language: 2021.12 or 2025.11 (default both)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := policy.DocumentSchema(version)
		if err != nil {
			return usage(err)
		}
		text, err := s.JSONSchema()
		if err != nil {
			return err
		}
		_, err = cmd.OutOrStdout().Write(text)
		return err
	}
	return cmd
}

func policyToTerraformCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "to-terraform FILE",
		Short: "print a policy as Terraform source",
		Example: `  portolan policy to-terraform wan.json > policy.tf
  aws networkmanager get-core-network-policy --core-network-id core-network-0123456789abcdef0 | portolan policy to-terraform --name wan -`,
		Long: `To-terraform prints a resource aws_networkmanager_core_network_policy_attachment with the policy, in an expression for
jsonencode. FILE is whatever check reads; - is the standard input.

Exit codes: 0; 1 when AWS would refuse the policy, whose errors are printed; 2 when it cannot be read.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(errors.New("to-terraform takes one file; - is the standard input"))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "this", "name of the resource, and of the aws_networkmanager_core_network that it is for")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		in, err := readOne(cmd.InOrStdin(), args[0])
		if err != nil {
			return usage(err)
		}
		doc, _, errs := parseChecked(in, nil)
		if len(errs) > 0 {
			found := errorFindings(errs)
			place(in.shown(), found)
			r := &report{documents: []examined{{in, found}}}
			return r.finish(cmd, "text", false, "note")
		}
		text, err := terraform.Attachment(name, doc)
		if err != nil {
			return usage(err)
		}
		_, err = cmd.OutOrStdout().Write(text)
		return err
	}
	return cmd
}

// noFiles wants no argument.
func noFiles(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(fmt.Errorf("unknown argument %q", args[0]))
	}
	return nil
}
