// Command portolan is the server and its tools.
package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func main() {
	cmd := root()
	cmd.InitDefaultHelpCmd()
	cmd.InitDefaultCompletionCmd()
	each(cmd, knowsCommands)
	err := cmd.Execute()
	if err == nil {
		return
	}
	if message := err.Error(); message != "" {
		fmt.Fprintln(os.Stderr, "portolan:", message)
	}
	os.Exit(exitCode(err))
}

// exitCode is the code that an error ends the process with.
func exitCode(err error) int {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	return exitUsage
}

// exitError ends the process with a code of its own. Without an error everything has been said.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "portolan",
		Short: "an open, self-hosted AWS Network Manager",
		Long: `Portolan is an open, self-hosted AWS Network Manager.

Start here:
  portolan serve                            start the server, with its console, on http://127.0.0.1:4566
  portolan doctor --snapshot network.json   look for faults in a network
  portolan policy check policy.json         check a core network policy`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       builtFrom().String(),
	}
	serve, lsp := serveCommand(), lspCommand()
	failuresExit1(serve)
	failuresExit1(lsp)
	alias := advertisedCommand() // under the name it had before
	alias.Use, alias.Hidden = "told ATTACHMENT [PREFIX]", true
	group(cmd, "Questions about a network, of a snapshot file or a running server:", doctorCommand(), attachmentsCommand(), routesCommand(), whyCommand(),
		pathCommand(), matrixCommand(), advertisedCommand(), testCommand(), planCommand(), graphCommand(), reportCommand())
	group(cmd, "Policies, no server needed:", policyCommand(), lsp)
	group(cmd, "Snapshots and a live AWS account, which is only read:", snapshotCommand(), importCommand(), verifyCommand(), driftCommand())
	group(cmd, "Serve and operate:", serve, healthCommand(), mcpCommand(), bgpCommand(), clusterCommand(), backupCommand(), restoreCommand(),
		checkCommand(), compactCommand(), migrateCommand(), opsCommand())
	cmd.AddCommand(alias, versionCommand(), manCommand())
	each(cmd, readsEnvironment)
	each(cmd, namesArguments)
	return cmd
}

// group adds commands under a heading.
func group(cmd *cobra.Command, title string, commands ...*cobra.Command) {
	cmd.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, sub := range commands {
		sub.GroupID = title
		cmd.AddCommand(sub)
	}
}

// each does something to a command and all below it.
func each(cmd *cobra.Command, do func(*cobra.Command)) {
	do(cmd)
	for _, sub := range cmd.Commands() {
		each(sub, do)
	}
}

// knowsCommands lets a command that only has others below it refuse one that is not there. Help is about one that is.
func knowsCommands(cmd *cobra.Command) {
	if cmd.HasParent() && cmd.HasSubCommands() && !cmd.Runnable() {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			var there []string
			for _, sub := range cmd.Commands() {
				there = append(there, sub.Name())
			}
			return usage(fmt.Errorf("%s has no command %q; there are: %s", cmd.CommandPath(), args[0], strings.Join(there, ", ")))
		}
		cmd.Args = cobra.ArbitraryArgs
	}
	if cmd.Name() == "help" {
		cmd.Run, cmd.RunE = nil, func(cmd *cobra.Command, args []string) error {
			about, _, err := cmd.Root().Find(args)
			if err != nil {
				return usage(err)
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		}
	}
}

// readsEnvironment lets the flags of a command be given as variables of the environment.
func readsEnvironment(cmd *cobra.Command) {
	run := cmd.RunE
	if run == nil {
		return
	}
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		flag.Value = inPlainWords(flag.Value)
		if !flag.Hidden {
			flag.Usage += " (" + environmentName(flag.Name) + ")"
		}
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := fromEnvironment(cmd.Flags(), os.LookupEnv); err != nil {
			return usage(err)
		}
		return run(cmd, args)
	}
}

// namesArguments lets a command that gets too few or too many arguments say which it takes.
func namesArguments(cmd *cobra.Command) {
	check := cmd.Args
	if check == nil || cmd.HasSubCommands() {
		return
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if _, coded := errors.AsType[*exitError](err); err == nil || coded {
			return err
		}
		names := strings.Fields(cmd.Use)[1:]
		if flag := slices.IndexFunc(names, func(name string) bool { return strings.HasPrefix(strings.TrimPrefix(name, "["), "-") }); flag >= 0 {
			names = names[:flag]
		}
		takes := "takes no argument"
		if len(names) > 0 {
			takes = "takes " + strings.Join(names, " ")
		}
		given := "nothing was given"
		if len(args) > 0 {
			given = "given: " + strings.Join(args, " ")
		}
		return usage(fmt.Errorf("%s %s; %s", cmd.CommandPath(), takes, given))
	}
}

// failuresExit1 lets a server that started and then failed end with 1, apart from one that was started wrongly.
func failuresExit1(cmd *cobra.Command) {
	run := cmd.RunE
	if run == nil {
		return
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		if _, coded := errors.AsType[*exitError](err); err == nil || coded {
			return err
		}
		return &exitError{exitFindings, err}
	}
}
