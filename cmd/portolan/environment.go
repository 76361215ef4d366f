package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// environmentName is the variable of a flag: --log-level is PORTOLAN_LOG_LEVEL.
func environmentName(flag string) string {
	return "PORTOLAN_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment sets every flag that was not given from its variable.
func fromEnvironment(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var failed error
	flags.VisitAll(func(flag *pflag.Flag) {
		value, ok := lookup(environmentName(flag.Name))
		if !ok || flag.Changed || failed != nil {
			return
		}
		if err := flag.Value.Set(value); err != nil {
			failed = fmt.Errorf("%s: %q is not valid: %w", environmentName(flag.Name), value, err)
		}
	})
	return failed
}
