package state

import (
	"strconv"
	"time"

	"portolan/api"
)

// Time is a time in a row: seconds since 1970.
type Time struct{ time.Time }

// MarshalJSON gives the number of seconds.
func (t Time) MarshalJSON() ([]byte, error) { return strconv.AppendInt(nil, t.Unix(), 10), nil }

// UnmarshalJSON takes what api.Time takes.
func (t *Time) UnmarshalJSON(text []byte) error { return (*api.Time)(t).UnmarshalJSON(text) }

// Tags are the tags of a row, in the order they were given.
type Tags []api.Tag

// each is a list with every element converted; nil stays nil.
func each[From, To any](list []From, convert func(From) To) []To {
	if list == nil {
		return nil
	}
	out := make([]To, len(list))
	for i := range list {
		out[i] = convert(list[i])
	}
	return out
}
