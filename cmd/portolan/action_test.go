package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"
)

// action is the part of action.yml that is run here.
type action struct {
	Inputs map[string]struct{ Description string }
	Runs   struct {
		Steps []struct {
			Name, Run, If string
			Env           map[string]string
		}
	}
}

func readYAML(t interface{ Fatalf(string, ...any) }, file string, v any) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if err := yaml.Unmarshal(text, v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// writeStep is `step NAME`: it writes what a step of the action runs, as step.sh.
func writeStep(ts *testscript.TestScript, _ bool, args []string) {
	var a action
	readYAML(ts, "../../action.yml", &a)
	for _, s := range a.Runs.Steps {
		if s.Name == args[0] {
			ts.Check(os.WriteFile(ts.MkAbs("step.sh"), []byte("set -eo pipefail\n"+s.Run), 0o600))
			return
		}
	}
	ts.Fatalf("action.yml has no step %s", args[0])
}

// TestAction_inputsAreUsed: every input that a step takes exists and is described, and every one is taken.
func TestAction_inputsAreUsed(t *testing.T) {
	var a action
	readYAML(t, "../../action.yml", &a)
	taken := map[string]bool{}
	for _, s := range a.Runs.Steps {
		for _, value := range append([]string{s.If}, mapValues(s.Env)...) {
			if _, rest, found := strings.Cut(value, "inputs."); found {
				taken[strings.Fields(rest)[0]] = true
			}
		}
	}
	for name := range taken {
		if a.Inputs[name].Description == "" {
			t.Errorf("input %s is taken and not described", name)
		}
	}
	for name := range a.Inputs {
		if !taken[name] {
			t.Errorf("input %s is not taken", name)
		}
	}
}

func mapValues(m map[string]string) (list []string) {
	for _, v := range m {
		list = append(list, v)
	}
	return list
}

// TestHooks_runCommandsThatExist: the hooks of pre-commit name commands and flags of ours.
func TestHooks_runCommandsThatExist(t *testing.T) {
	var hooks []struct{ ID, Entry, Language, Files string }
	readYAML(t, "../../.pre-commit-hooks.yaml", &hooks)
	if len(hooks) == 0 {
		t.Fatal("there are no hooks")
	}
	for _, h := range hooks {
		words := strings.Fields(h.Entry)
		cmd, flags, err := root().Find(words[1:])
		if err != nil || words[0] != "portolan" || cmd.RunE == nil || cmd.ParseFlags(flags) != nil || !strings.HasSuffix(h.ID, cmd.Name()) || h.Language != "golang" {
			t.Errorf("%s runs %s: %v", h.ID, h.Entry, err)
		}
		for file, want := range map[string]bool{
			"core-network-policy.json": true, "cloudwan/policies/prod.json": true, "a/core_network.policy.json": true,
			"iam-policy.json": false, "policies/bucket.json": false, "core-network/package.json": false,
		} {
			if regexp.MustCompile(h.Files).MatchString(file) != want {
				t.Errorf("%s takes %s: %t", h.ID, file, !want)
			}
		}
	}
}
