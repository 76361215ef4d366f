package policy

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Limits of a Terraform plan.
const (
	MaxPlanSize = 64 << 20 // bytes of its JSON
	maxPlanned  = 1000     // policy documents in it
	maxModules  = 100      // modules inside each other
)

// PlannedPolicy is a policy document that a Terraform plan or state holds.
type PlannedPolicy struct {
	Address   string // of the resource: module.wan.aws_networkmanager_core_network_policy_attachment.this[0]
	Attribute string // of the resource: policy_document
	Text      []byte // the document; nil when Unknown
	Unknown   bool   // its text is known only after the plan has been applied
	Line      int    // where the document begins in the plan, from 1
	Column    int    // from 1, in bytes
}

// policyAttributes are the attributes of Terraform resources that hold whole policy documents.
var policyAttributes = map[string][]string{
	"aws_networkmanager_core_network":                   {"policy_document", "base_policy_document"},
	"aws_networkmanager_core_network_policy_attachment": {"policy_document"},
	"awscc_networkmanager_core_network":                 {"policy_document"},
	policyDataSource:                                    {"json"},
}

// policyDataSource renders a document for the resources. What one of them uses is reported there only.
const policyDataSource = "aws_networkmanager_core_network_policy_document"

// IsTerraform says whether a text looks like what `terraform show -json` prints, of a plan or of a state.
func IsTerraform(text []byte) bool {
	dec := jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true))
	if token, err := dec.ReadToken(); err != nil || token.Kind() != '{' {
		return false
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return false
		}
		switch name.String() {
		case "format_version", "terraform_version", "planned_values", "resource_changes", "prior_state":
			return true
		}
		if dec.SkipValue() != nil {
			return false
		}
	}
	return false
}

// ReadTerraform finds the policy documents in what `terraform show -json` prints: as they will be once a plan is
// applied, or as they are in a state. They come in the order of the plan, those that are not known yet at the end. Of
// a resource that will be destroyed nothing is left. The error says why the text cannot be read.
func ReadTerraform(text []byte) ([]PlannedPolicy, error) {
	if len(text) > MaxPlanSize {
		return nil, fmt.Errorf("the plan has %d bytes, more than %d", len(text), MaxPlanSize)
	}
	var plan tfPlan
	if err := json.Unmarshal(text, &plan); err != nil {
		return nil, planError(err)
	}
	r := planReader{text: text, source: newSource(text), seen: map[string]bool{}}
	for _, values := range []*tfValues{plan.PlannedValues, plan.Values} {
		if values != nil {
			if err := r.module(&values.RootModule, false, 0); err != nil {
				return nil, err
			}
		}
	}
	if err := r.changes(plan.ResourceChanges); err != nil {
		return nil, err
	}
	// The state before the plan is of use for data sources alone: those that could be read while planning stand there.
	if before := plan.PriorState.Values; before != nil {
		if err := r.module(&before.RootModule, true, 0); err != nil {
			return nil, err
		}
	}
	return r.withoutUsedData(), nil
}

// planError is an error of reading without the words of the library.
func planError(err error) error {
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return fmt.Errorf("the plan is not valid JSON: at byte %d: %w", syntax.ByteOffset, syntax.Err)
	}
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		return fmt.Errorf("the plan does not have the form of a Terraform plan: %s", semantic.JSONPointer)
	}
	return fmt.Errorf("the plan cannot be read: %w", err)
}

type (
	tfPlan struct {
		PlannedValues   *tfValues  `json:"planned_values"`
		Values          *tfValues  `json:"values"` // of a state
		PriorState      tfState    `json:"prior_state"`
		ResourceChanges []tfChange `json:"resource_changes"`
	}
	tfState struct {
		Values *tfValues `json:"values"`
	}
	tfValues struct {
		RootModule tfModule `json:"root_module"`
	}
	tfModule struct {
		Resources []tfResource `json:"resources"`
		Children  []tfModule   `json:"child_modules"`
	}
	tfResource struct {
		Address string `json:"address"`
		Mode    string `json:"mode"`
		Type    string `json:"type"`
		Values  span   `json:"values"`
	}
	tfChange struct {
		Address string `json:"address"`
		Type    string `json:"type"`
		Change  struct {
			Actions      []string `json:"actions"`
			After        span     `json:"after"`
			AfterUnknown span     `json:"after_unknown"`
		} `json:"change"`
	}
)

// span is a value by where it stands in the plan: most of a plan is about other things and need not be kept twice.
type span struct{ from, to int }

func (s *span) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	s.to = int(dec.InputOffset())
	s.from = s.to - len(v)
	return err
}

type planReader struct {
	text   []byte
	source *source
	found  []PlannedPolicy
	seen   map[string]bool // address and attribute
}

func (r *planReader) module(m *tfModule, dataOnly bool, depth int) error {
	if depth > maxModules {
		return fmt.Errorf("the plan has more than %d modules inside each other", maxModules)
	}
	for i := range m.Resources {
		if res := &m.Resources[i]; res.Mode == "data" || !dataOnly {
			if err := r.resource(res.Address, res.Type, res.Values); err != nil {
				return err
			}
		}
	}
	for i := range m.Children {
		if err := r.module(&m.Children[i], dataOnly, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// changes adds what the values leave out because it is not known yet, and, for plans that come without values, what
// the changes lead to.
func (r *planReader) changes(list []tfChange) error {
	for i := range list {
		c := &list[i]
		attributes := policyAttributes[c.Type]
		if len(attributes) == 0 || slices.Equal(c.Change.Actions, []string{"delete"}) || slices.Equal(c.Change.Actions, []string{"forget"}) {
			continue
		}
		if err := r.resource(c.Address, c.Type, c.Change.After); err != nil {
			return err
		}
		unknown, err := r.members(c.Change.AfterUnknown, attributes)
		if err != nil {
			return err
		}
		for _, name := range attributes {
			if at, ok := unknown[name]; !ok || r.text[at.from] != 't' {
				continue
			}
			if err := r.add(PlannedPolicy{Address: c.Address, Attribute: name, Unknown: true}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *planReader) resource(address, kind string, values span) error {
	attributes := policyAttributes[kind]
	known, err := r.members(values, attributes)
	if err != nil {
		return err
	}
	for _, name := range attributes {
		at, ok := known[name]
		if !ok {
			continue
		}
		p := PlannedPolicy{Address: address, Attribute: name}
		switch v := r.text[at.from:at.to]; v[0] {
		case '"':
			if p.Text, err = jsontext.AppendUnquote(nil, v); err != nil {
				return planError(err)
			}
			if len(p.Text) == 0 {
				continue // optional and not given
			}
		case '{':
			p.Text = slices.Clone(v)
		case 'n':
			continue
		default:
			return fmt.Errorf("%s: %s is neither a string nor an object", address, name)
		}
		p.Line, p.Column = r.source.position(at.from)
		if err := r.add(p); err != nil {
			return err
		}
	}
	return nil
}

// members finds some members of an object; what is no object has none.
func (r *planReader) members(object span, names []string) (map[string]span, error) {
	if len(names) == 0 || object.from == object.to || r.text[object.from] != '{' {
		return nil, nil
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(r.text[object.from:object.to]))
	found := map[string]span{}
	if _, err := dec.ReadToken(); err != nil {
		return nil, planError(err)
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, planError(err)
		}
		key := name.String()
		v, err := dec.ReadValue()
		if err != nil {
			return nil, planError(err)
		}
		if to := object.from + int(dec.InputOffset()); slices.Contains(names, key) {
			found[key] = span{to - len(v), to}
		}
	}
	return found, nil
}

func (r *planReader) add(p PlannedPolicy) error {
	key := p.Address + " " + p.Attribute
	if r.seen[key] {
		return nil
	}
	if len(r.found) == maxPlanned {
		return fmt.Errorf("the plan has more than %d policy documents", maxPlanned)
	}
	r.seen[key] = true
	r.found = append(r.found, p)
	return nil
}

// withoutUsedData leaves out data sources whose text a resource holds: their mistakes would be told twice. One that is
// not known yet is left out when a resource is not known either.
func (r *planReader) withoutUsedData() []PlannedPolicy {
	held := map[string]bool{}
	isData := func(p PlannedPolicy) bool { return p.Attribute == "json" }
	for _, p := range r.found {
		if !isData(p) {
			held[string(p.Text)] = true
		}
	}
	return slices.DeleteFunc(r.found, func(p PlannedPolicy) bool { return isData(p) && held[string(p.Text)] })
}
