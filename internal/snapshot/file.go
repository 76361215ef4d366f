package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/internal/yamljson"
)

// MaxFile bounds what is read, in bytes.
const MaxFile = 64 << 20

// Parse reads a snapshot from JSON or YAML and validates it. Members that the format does not have are refused: a
// misspelt one would be a network that differs from what its author meant.
func Parse(data []byte) (*Snapshot, error) {
	if len(data) > MaxFile {
		return nil, fmt.Errorf("the snapshot is longer than %d bytes", MaxFile)
	}
	file := data
	trimmed := bytes.TrimLeft(data, " \t\r\n")
	inYAML := len(trimmed) == 0 || trimmed[0] != '{'
	if inYAML {
		converted, err := yamljson.Convert(data, yamljson.Options{Text: isText})
		if errors.Is(err, yamljson.ErrEmpty) {
			return nil, errors.New("the snapshot is empty")
		}
		if err != nil {
			return nil, fmt.Errorf("the snapshot is not YAML: %w", err)
		}
		data = converted
	}
	var s Snapshot
	if err := json.Unmarshal(data, &s, json.RejectUnknownMembers(true)); err != nil {
		return nil, readError(file, data, err)
	}
	if inYAML && len(s.Policy) > 0 { // its places are those of the file, which nobody has beside the policy
		if err := s.Policy.Canonicalize(); err != nil {
			return nil, readError(file, data, err)
		}
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return &s, nil
}

// isText tells which members of a snapshot are texts that look like numbers or booleans where YAML has them without quotes: IDs of
// accounts, and tags. Those of a policy are not: AWS takes its documents as JSON.
func isText(names []string) bool {
	if names[0] == "policy" {
		return false
	}
	switch names[len(names)-1] {
	case "account", "id", "resourceId", "routingPolicyLabel":
		return true
	}
	return len(names) > 1 && names[len(names)-2] == "tags"
}

// JSON is the snapshot as a file: indented, the same bytes for the same network. The policy stands in it as it was put, so
// that its lines stay its lines.
func (s *Snapshot) JSON() ([]byte, error) {
	around := *s
	around.Policy = jsontext.Value("null")
	b, err := json.Marshal(&around, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return nil, err
	}
	if document := bytes.TrimSpace(s.Policy); jsontext.Value(document).IsValid() {
		b = bytes.Replace(b, []byte(`"policy": null`), slices.Concat([]byte(`"policy": `), document), 1)
	}
	return append(b, '\n'), nil
}

// YAML is the snapshot as a file that people edit.
func (s *Snapshot) YAML() ([]byte, error) {
	b, err := s.JSON()
	if err != nil {
		return nil, err
	}
	return yamljson.FromJSON(b)
}
