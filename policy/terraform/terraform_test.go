package terraform_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"portolan/policy"
	"portolan/policy/terraform"
)

// reader reads the part of Terraform's language that is written: objects, lists, strings, numbers, booleans.
type reader struct {
	t    *testing.T
	text string
}

func (r *reader) space(also string) { r.text = strings.TrimLeft(r.text, " \n"+also) }

func (r *reader) value() any {
	r.space("")
	switch r.text[0] {
	case '{':
		o := map[string]any{}
		for r.open('}') {
			key := r.quoted()
			r.space("")
			if r.text[0] != '=' {
				r.t.Fatalf("no = at %.40q", r.text)
			}
			r.text = r.text[1:]
			o[key] = r.value()
		}
		return o
	case '[':
		a := []any{}
		for r.open(']') {
			a = append(a, r.value())
		}
		return a
	case '"':
		return r.quoted()
	}
	end := strings.IndexAny(r.text, " ,\n]})")
	word := r.text[:end]
	r.text = r.text[end:]
	if n, err := strconv.ParseFloat(word, 64); err == nil {
		return n
	}
	return word == "true"
}

// open says whether another element follows; the first call goes past the opening bracket.
func (r *reader) open(closed byte) bool {
	if r.text[0] == '{' || r.text[0] == '[' {
		r.text = r.text[1:]
	}
	r.space(",")
	if r.text[0] == closed {
		r.text = r.text[1:]
		return false
	}
	return true
}

func (r *reader) quoted() string {
	end := 1
	for r.text[end] != '"' {
		if r.text[end] == '\\' {
			end++
		}
		end++
	}
	s, err := strconv.Unquote(r.text[:end+1])
	if err != nil {
		r.t.Fatalf("%s: %v", r.text[:end+1], err)
	}
	r.text = r.text[end+1:]
	if strings.Contains(strings.NewReplacer("$${", "", "%%{", "").Replace(s), "${") {
		r.t.Errorf("%s is a template", s)
	}
	return strings.NewReplacer("$${", "${", "%%{", "%{").Replace(s)
}

func attachment(t *testing.T, text []byte) any {
	t.Helper()
	doc, errs := policy.Parse(text)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	source, err := terraform.Attachment("wan", doc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(source), "policy_document = jsonencode(")
	if !found || !strings.HasPrefix(before, `resource "aws_networkmanager_core_network_policy_attachment" "wan" {`) || !strings.HasSuffix(rest, ")\n}\n") {
		t.Fatalf("got %s", source)
	}
	return (&reader{t, rest}).value()
}

// TestAttachment_isTheDocument reads what was written.
func TestAttachment_isTheDocument(t *testing.T) {
	files, err := filepath.Glob("../lint/testdata/corpus/*.json")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var want any
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if got := attachment(t, text); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", file, got, want)
		}
	}
}

func TestAttachment_escapesTemplates(t *testing.T) {
	const value = "a ${b} %{c} \"d\" \\ $e\n\u0001é"
	text, err := json.Marshal(map[string]any{"version": value}, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	if got := attachment(t, text).(map[string]any)["version"]; got != value {
		t.Errorf("got %q, want %q", got, value)
	}
}

func TestAttachment_refusesNames(t *testing.T) {
	doc, _ := policy.Parse([]byte(`{}`))
	for _, name := range []string{"", "1", "a b", `a"`, "${x}"} {
		if source, err := terraform.Attachment(name, doc); err == nil {
			t.Errorf("%q: %s", name, source)
		}
	}
}
