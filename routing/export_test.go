package routing

// Prefixes is how many prefixes tables keep something of.
func Prefixes(t *Tables) int { return t.prefixes.Size() }

// Switches are the options that are on or off.
func Switches(o *Options) []namedSwitch { return o.switches() }
