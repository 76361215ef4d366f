package main

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"portolan/internal/words"
)

// environmentName is the variable of a flag: --log-level is PORTOLAN_LOG_LEVEL.
func environmentName(flag string) string {
	return "PORTOLAN_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// unknownVariables are those of an environment that look like flags and are none, each with the hint of what it may have been meant
// for. They are not refused: Kubernetes sets some of its own for a service that is called portolan, and images do.
func unknownVariables(environ []string) map[string]string {
	var asked []string
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "PORTOLAN_") && !others.MatchString(name) {
			asked = append(asked, name)
		}
	}
	if len(asked) == 0 {
		return nil // mostly: the commands need not be made for their flags
	}
	known := []string{failpointsVariable, clockVariable, "PORTOLAN_ACTIVE_HELP", "PORTOLAN_COMPLETION_DESCRIPTIONS"} // cobra reads the last two
	each(root(), func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, environmentName(f.Name)) })
	})
	slices.Sort(known)
	unknown := map[string]string{}
	for _, name := range asked {
		if !slices.Contains(known, name) {
			unknown[name] = words.DidYouMean(name, known)
		}
	}
	return unknown
}

// others are variables that Kubernetes and Docker set for services, and those of our own tests.
var others = regexp.MustCompile(`^PORTOLAN_(\w+_)?(SERVICE_HOST|SERVICE_PORT|PORT)(_|$)|^PORTOLAN_(TEST_|BINARY$)`)

// plain is the value of a flag whose refusal says what is wanted. Those of pflag's own kinds name functions of Go.
type plain struct{ pflag.Value }

// Set takes a text.
func (p plain) Set(text string) error {
	err := p.Value.Set(text)
	if err == nil {
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
	return err
}

// dependent is a flag that means nothing without another, with what was given.
type dependent struct{ flag, value string }

// useless refuses the flags, because another was not given.
func useless(without string, flags ...dependent) error {
	for _, f := range flags {
		if f.value != "" {
			return fmt.Errorf("%s needs %s", f.flag, without)
		}
	}
	return nil
}

// number is a flag that takes a whole number of a range.
type number struct {
	value    *int
	from, to int
}

func (n number) String() string { return strconv.Itoa(*n.value) }

// Type is what help calls a value.
func (n number) Type() string { return "int" }

// Set takes a number as people write them.
func (n number) Set(text string) error {
	i, err := strconv.Atoi(text)
	if err != nil || i < n.from || i > n.to {
		return fmt.Errorf("want a whole number from %d to %d", n.from, n.to)
	}
	*n.value = i
	return nil
}

// inPlainWords is the value of a flag, with refusals in plain words.
func inPlainWords(v pflag.Value) pflag.Value {
	if slices.Contains([]string{"bool", "duration", "uint64"}, v.Type()) {
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
