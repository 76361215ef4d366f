package source

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/internal/order"
)

// Limits of a Terraform plan or state.
const (
	maxPlanned = 1000 // policy documents in it
	maxModules = 100  // modules inside each other
)

// policyAttributes are the attributes of Terraform resources that hold whole policy documents.
var policyAttributes = map[string][]string{
	"aws_networkmanager_core_network":                   {"policy_document", "base_policy_document"},
	"aws_networkmanager_core_network_policy_attachment": {"policy_document"},
	"awscc_networkmanager_core_network":                 {"policy_document"},
	policyDataSource:                                    {"json"},
}

// policyDataSource renders a document for the resources. What one of them uses is reported there only.
const policyDataSource = "aws_networkmanager_core_network_policy_document"

// plan finds the policies in what `terraform show -json` prints: as they will be once a plan is applied, or as they are in a
// state. They come in the order of the plan, those that are not known yet at the end. Of a resource that will be destroyed
// nothing is left.
func (f *file) plan() ([]Policy, error) {
	var plan tfPlan
	if err := json.Unmarshal(f.text, &plan); err != nil {
		return nil, JSONError("the Terraform plan", err)
	}
	r := planReader{file: f, form: Plan, seen: map[string]bool{}}
	if plan.Values != nil {
		r.form = State
	}
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
	return r.result()
}

// state finds the policies in terraform.tfstate, Terraform's own file.
func (f *file) state(root span) ([]Policy, error) {
	var state tfFile
	if err := json.Unmarshal(f.text[root.from:root.to], &state); err != nil {
		return nil, JSONError("the Terraform state", err)
	}
	r := planReader{file: f, form: State, seen: map[string]bool{}}
	for i := range state.Resources {
		res := &state.Resources[i]
		address := res.Type + "." + res.Name
		if res.Mode == "data" {
			address = "data." + address
		}
		if res.Module != "" {
			address = res.Module + "." + address
		}
		for _, instance := range res.Instances {
			key := ""
			if len(instance.Index) > 0 {
				key = "[" + string(instance.Index) + "]"
			}
			attributes := span{instance.Attributes.from + root.from, instance.Attributes.to + root.from}
			if err := r.resource(address+key, res.Type, attributes); err != nil {
				return nil, err
			}
		}
	}
	return r.result()
}

type (
	tfPlan struct {
		PlannedValues   *tfValues  `json:"planned_values"`
		Values          *tfValues  `json:"values"` // of a state
		PriorState      tfState    `json:"prior_state"`
		ResourceChanges []tfChange `json:"resource_changes"`
	}
	tfFile struct {
		Resources []struct {
			Module    string `json:"module"`
			Mode      string `json:"mode"`
			Type      string `json:"type"`
			Name      string `json:"name"`
			Instances []struct {
				Index      jsontext.Value `json:"index_key"`
				Attributes span           `json:"attributes"`
			} `json:"instances"`
		} `json:"resources"`
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

type planReader struct {
	*file
	form  Form
	found []Policy
	seen  map[string]bool // address and attribute
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
		unknown, err := r.members(c.Change.AfterUnknown)
		if err != nil {
			return JSONError("the Terraform plan", err)
		}
		for _, name := range attributes {
			if at, ok := unknown[name]; !ok || r.text[at.from] != 't' {
				continue
			}
			why := fmt.Sprintf("%s: %s is known only after the plan is applied", c.Address, name)
			if err := r.add(Policy{Address: c.Address, Attribute: name, Unknown: why}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *planReader) resource(address, kind string, values span) error {
	attributes := policyAttributes[kind]
	if len(attributes) == 0 {
		return nil
	}
	known, err := r.members(values)
	if err != nil {
		return JSONError("the Terraform plan", err)
	}
	for _, name := range attributes {
		at, ok := known[name]
		if !ok {
			continue
		}
		p := Policy{Address: address, Attribute: name}
		switch v := r.text[at.from:at.to]; v[0] {
		case '"':
			if p.Text, err = jsontext.AppendUnquote(nil, v); err != nil {
				return JSONError("the Terraform plan", err)
			}
			if len(p.Text) == 0 {
				continue // optional and not given
			}
		case '{':
			p.Text, p.InPlace = v, true
		case 'n':
			continue
		default:
			return fmt.Errorf("%s: %s is neither a string nor an object", address, name)
		}
		p.Line, p.Column = r.position(at.from)
		if err := r.add(p); err != nil {
			return err
		}
	}
	return nil
}

func (r *planReader) add(p Policy) error {
	key := p.Address + " " + p.Attribute
	if r.seen[key] {
		return nil
	}
	if len(r.found) == maxPlanned {
		return fmt.Errorf("the plan has more than %d policy documents", maxPlanned)
	}
	r.seen[key], p.Form = true, r.form
	r.found = append(r.found, p)
	return nil
}

// result is what was found, with what is not known at the end.
func (r *planReader) result() ([]Policy, error) {
	list := r.withoutUsedData()
	if len(list) == 0 {
		return nil, fmt.Errorf("the %s has no core network policy", r.form)
	}
	order.Stable(list, func(a, b Policy) int { return cmp.Compare(min(len(a.Unknown), 1), min(len(b.Unknown), 1)) })
	return list, nil
}

// withoutUsedData leaves out data sources whose text a resource holds: their mistakes would be told twice. One that is
// not known yet is left out when a resource is not known either.
func (r *planReader) withoutUsedData() []Policy {
	held := map[string]bool{}
	isData := func(p Policy) bool { return p.Attribute == "json" }
	for _, p := range r.found {
		if !isData(p) {
			held[string(p.Text)] = true
		}
	}
	return slices.DeleteFunc(r.found, func(p Policy) bool { return isData(p) && held[string(p.Text)] })
}
