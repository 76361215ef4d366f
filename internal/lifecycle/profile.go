package lifecycle

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Profile says how long each transient state lasts.
type Profile struct {
	aws      bool
	override map[string]time.Duration // "device.PENDING"
}

// Instant is the default profile: no state lasts longer than it takes somebody to look.
var Instant = Profile{}

// AWS is the profile with the durations of the real service.
var AWS = Profile{aws: true}

// ParseProfile reads "instant" or "aws", optionally followed by overrides for single states:
// "instant,device.PENDING=3s,attachment.CREATING=1m". Only overrides may be given too.
func ParseProfile(text string) (Profile, error) {
	var p Profile
	for i, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		name, value, isOverride := strings.Cut(part, "=")
		switch {
		case part == "" || part == "instant" && i == 0:
		case part == "aws" && i == 0:
			p.aws = true
		case !isOverride:
			return Profile{}, fmt.Errorf("lifecycle profile %q: want instant, aws or KIND.STATE=DURATION", part)
		default:
			kind, state, _ := strings.Cut(name, ".")
			if _, ok := Next(Kind(kind), state); !ok {
				return Profile{}, fmt.Errorf("lifecycle profile %q: no transient state %s of %s; known: %s",
					part, state, kind, strings.Join(knownStates(), " "))
			}
			d, err := time.ParseDuration(value)
			if err != nil || d < 0 {
				return Profile{}, fmt.Errorf("lifecycle profile %q: %q is not a duration such as 500ms or 2m", part, value)
			}
			if p.override == nil {
				p.override = map[string]time.Duration{}
			}
			p.override[name] = d
		}
	}
	return p, nil
}

// Duration is how long a row of the kind stays in the transient state.
func (p Profile) Duration(kind Kind, state string) time.Duration {
	if d, ok := p.override[string(kind)+"."+state]; ok {
		return d
	}
	step := machines[kind][state]
	// Retention is not a delay somebody waits for: it is the same in every profile.
	if p.aws || kind == ClientToken || kind == RouteAnalysis && state != "RUNNING" || kind == CoreNetworkPolicy && state == "OUT_OF_DATE" {
		return step.AWS
	}
	return 0
}

func knownStates() []string {
	var names []string
	for kind, states := range machines {
		for state := range states {
			names = append(names, string(kind)+"."+state)
		}
	}
	slices.Sort(names)
	return names
}
