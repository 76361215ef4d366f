package main

import (
	"fmt"
	"strings"

	"portolan/routing"
)

// routingFlag turns options of the routing engine; it may be given several times.
type routingFlag struct {
	options *routing.Options // nil: nothing was turned
	given   []string
}

const routingUsage = "turn what is decided where AWS documents nothing, such as carryMed=false; docs/routing.md lists the options"

// Set reads one option.
func (f *routingFlag) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return fmt.Errorf("write it as name=value")
	}
	if f.options == nil {
		f.options = routing.DefaultOptions()
	}
	f.given = append(f.given, text)
	return f.options.Set(name, value)
}

// String is what was given.
func (f *routingFlag) String() string { return strings.Join(f.given, " ") }

// Type is what help calls a value.
func (f *routingFlag) Type() string { return "name=value" }
