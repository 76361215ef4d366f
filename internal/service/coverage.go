package service

import (
	"slices"

	"portolan/api"
)

// Coverage is what one operation does here.
type Coverage struct {
	Operation string
	Status    string // Full, Partial or NotImplemented
	Missing   string // what a partial one leaves out
}

const (
	Full           = "full"
	Partial        = "partial"
	NotImplemented = "501"
)

// incomplete lists the operations that are not built, and those that answer truthfully but leave something out. A test
// compares it with the methods there are. It is a list because to look methods up by name here would keep every method
// of every type in the binary.
var incomplete = []Coverage{}

// Covered lists what each operation does here, in the order of api.Operations.
func Covered() []Coverage {
	list := make([]Coverage, 0, len(api.Operations))
	for _, op := range api.Operations {
		c := Coverage{Operation: op.Name, Status: Full}
		if i := slices.IndexFunc(incomplete, func(c Coverage) bool { return c.Operation == op.Name }); i >= 0 {
			c = incomplete[i]
		}
		list = append(list, c)
	}
	return list
}
