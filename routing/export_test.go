package routing

// Numbers is how many prefixes tables have numbers for.
func Numbers(t *Tables) int { return len(t.prefixes) }
