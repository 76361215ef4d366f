package main

import (
	"errors"
	"strings"

	"portolan/routing"
)

// routingFlag turns options of the routing engine; it may be given several times.
type routingFlag struct {
	options *routing.Options // nil: nothing was turned
	given   []string
}

const routingUsage = "override an assumption about undocumented AWS routing behaviour, such as carryMed=false; docs/routing.md lists the options"

// Set reads an option, or several with spaces between them, as a variable of the environment has them.
func (f *routingFlag) Set(text string) error {
	if f.options == nil {
		f.options = routing.DefaultOptions()
	}
	for one := range strings.FieldsSeq(text) {
		name, value, ok := strings.Cut(one, "=")
		if !ok {
			return errors.New("write it as name=value")
		}
		if err := f.options.Set(name, value); err != nil {
			return err
		}
		f.given = append(f.given, one)
	}
	return nil
}

// String is what was given.
func (f *routingFlag) String() string { return strings.Join(f.given, " ") }

// Type is what help calls a value.
func (f *routingFlag) Type() string { return "name=value" }
