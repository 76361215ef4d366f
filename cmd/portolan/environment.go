package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// environmentName is the variable of a flag: --log-level is PORTOLAN_LOG_LEVEL.
func environmentName(flag string) string {
	return "PORTOLAN_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// plain is the value of a flag whose refusal says what is wanted. Those of pflag's own kinds name functions of Go.
type plain struct{ pflag.Value }

// Set takes a text.
func (p plain) Set(text string) error {
	if p.Value.Set(text) == nil {
		return nil
	}
	switch p.Type() {
	case "bool":
		return errors.New("want true or false")
	case "duration":
		return errors.New("want a duration such as 30s")
	case "uint64":
		return fmt.Errorf("want a whole number from 0 to %d", uint64(math.MaxUint64))
	}
	return errors.New("want a whole number that is not too large")
}

// inPlainWords is the value of a flag, with refusals in plain words.
func inPlainWords(v pflag.Value) pflag.Value {
	if slices.Contains([]string{"bool", "duration", "int", "uint64"}, v.Type()) {
		return plain{v}
	}
	return v
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
