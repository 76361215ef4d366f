package routing

// Numbers is how many prefixes tables have numbers for.
func Numbers(t *Tables) int { return len(t.prefixes) }

// Switches are the options that are on or off.
func Switches(o *Options) []namedSwitch { return o.switches() }
