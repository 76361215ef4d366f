package main

import (
	"os"
	"slices"

	"github.com/spf13/cobra"

	"portolan/internal/analysis"
)

// completeWords lets a shell complete the value of a flag.
func completeWords(cmd *cobra.Command, flag string, words ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// completeNames lets a shell complete names of the network that the other flags name: segments, groups, edge locations,
// attachments.
func (o *networkOptions) completeNames(cmd *cobra.Command) {
	names := func(list func(*analysis.Subject) []string) cobra.CompletionFunc {
		return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			if fromEnvironment(cmd.Flags(), os.LookupEnv) != nil || o.file == "-" {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			s, err := o.load(cmd)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			subject, err := analysis.Examine(s, nil, nil)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			found := list(subject)
			slices.Sort(found)
			return slices.Compact(found), cobra.ShellCompDirectiveNoFileComp
		}
	}
	complete := map[string]func(*analysis.Subject) []string{
		"segment": (*analysis.Subject).SegmentNames, "network-function-group": (*analysis.Subject).GroupNames, "edge": (*analysis.Subject).EdgeNames,
		"from": (*analysis.Subject).AttachmentNames,
		"fail": func(s *analysis.Subject) []string {
			var list []string
			for _, e := range s.EdgeNames() {
				list = append(list, "edge="+e)
			}
			for _, a := range s.AttachmentNames() {
				list = append(list, "attachment="+a)
			}
			return list
		},
	}
	for flag, list := range complete {
		if cmd.Flags().Lookup(flag) != nil {
			_ = cmd.RegisterFlagCompletionFunc(flag, names(list))
		}
	}
}
