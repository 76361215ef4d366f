package store

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// keepUnknown gives a row that replaces another the members that the other had in the store and the row's type does not
// know: a newer program wrote them. old is the row as it was stored, known what this program makes of it, next the row to
// be stored. What the type knows, and is not in next, has been removed and stays so.
//
// An element of a list has no name to know it by: it keeps its unknown members as long as nothing else of it changes.
func keepUnknown(old, known, next jsontext.Value) (jsontext.Value, error) {
	switch {
	case old.Kind() == '{' && known.Kind() == '{' && next.Kind() == '{':
		return keepMembers(old, known, next)
	case old.Kind() == '[' && known.Kind() == '[' && next.Kind() == '[':
		return keepElements(old, known, next)
	}
	return next, nil
}

func keepMembers(old, known, next jsontext.Value) (jsontext.Value, error) {
	var was, is, will map[string]jsontext.Value
	for _, decode := range []struct {
		from jsontext.Value
		to   *map[string]jsontext.Value
	}{{old, &was}, {known, &is}, {next, &will}} {
		if err := json.Unmarshal(decode.from, decode.to); err != nil {
			return nil, err
		}
	}
	for name, value := range was {
		meant, ok := is[name]
		now, stays := will[name]
		switch {
		case !ok && !stays:
			will[name] = value
		case ok && stays:
			var err error
			if will[name], err = keepUnknown(value, meant, now); err != nil {
				return nil, err
			}
		}
	}
	return json.Marshal(will, json.Deterministic(true))
}

func keepElements(old, known, next jsontext.Value) (jsontext.Value, error) {
	var was, is, will []jsontext.Value
	if err := json.Unmarshal(old, &was); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(known, &is); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(next, &will); err != nil {
		return nil, err
	}
	for i := range will {
		for j := range min(len(is), len(was)) {
			if bytes.Equal(will[i], is[j]) {
				will[i] = was[j]
				break
			}
		}
	}
	return json.Marshal(will, json.Deterministic(true))
}
