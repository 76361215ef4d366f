package test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"text/template"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"sigs.k8s.io/yaml"
)

// TestChart_renders renders the Helm chart with and without credentials. It uses no function of Helm's but quote.
func TestChart_renders(t *testing.T) {
	values := map[string]any{}
	if err := yaml.Unmarshal([]byte(contents(t, "../packaging/helm/portolan/values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"", "keys"} {
		values["credentialsSecret"], values["env"] = secret, map[string]any{"PORTOLAN_LIFECYCLE": "aws"}
		set := rendered(t, "statefulset.yaml", values)
		text, err := json.Marshal(set, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "PORTOLAN_INSECURE") != (secret == "") || strings.Contains(string(text), "/credentials/credentials.json") != (secret != "") ||
			!strings.Contains(string(text), `{"name":"PORTOLAN_LIFECYCLE","value":"aws"}`) || set["kind"] != "StatefulSet" {
			t.Errorf("with %q: %s", secret, text)
		}
		if spec := set["spec"].(map[string]any); spec["replicas"] != float64(1) || spec["volumeClaimTemplates"] == nil {
			t.Errorf("one server is %v", spec)
		}
		if service := rendered(t, "service.yaml", values); service["kind"] != "Service" {
			t.Errorf("got %v", service)
		}
	}
}

// TestChart_rendersSeveralServers: on an etcd they need no volume.
func TestChart_rendersSeveralServers(t *testing.T) {
	values := map[string]any{}
	if err := yaml.Unmarshal([]byte(contents(t, "../packaging/helm/portolan/values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	values["store"] = map[string]any{"address": "etcd://a,b,c/wan", "servers": 3, "secret": "etcd", "clientCertificate": true}
	spec := rendered(t, "statefulset.yaml", values)["spec"].(map[string]any)
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"value":"etcd://a,b,c/wan"`, `"PORTOLAN_STORE_KEY"`, `"emptyDir"`, `"secretName":"etcd"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if spec["replicas"] != float64(3) || spec["volumeClaimTemplates"] != nil {
		t.Errorf("several servers are %s", text)
	}
}

func rendered(t *testing.T, name string, values map[string]any) map[string]any {
	t.Helper()
	parsed, err := template.New(name).Option("missingkey=error").Funcs(template.FuncMap{"quote": func(v any) string { return fmt.Sprintf("%q", fmt.Sprint(v)) }}).
		Parse(contents(t, "../packaging/helm/portolan/templates/"+name))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := parsed.Execute(&b, map[string]any{"Values": values, "Release": map[string]any{"Name": "net", "Namespace": "lab"}}); err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	if err := yaml.UnmarshalStrict(b.Bytes(), &out); err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	return out
}

// TestPackaging_namesMetricsThatExist: alerts and the dashboard ask for metrics that the server has.
func TestPackaging_namesMetricsThatExist(t *testing.T) {
	source := contents(t, "../internal/server/metrics.go")
	var alerts, compose map[string]any
	for file, into := range map[string]*map[string]any{"../packaging/prometheus/alerts.yaml": &alerts, "../packaging/compose.yaml": &compose} {
		if err := yaml.UnmarshalStrict([]byte(contents(t, file)), into); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	dashboard := contents(t, "../packaging/grafana/portolan.json")
	if !jsontext.Value(dashboard).IsValid() {
		t.Error("the dashboard is not JSON")
	}
	names := regexp.MustCompile(`portolan_[a-z_]+`).FindAllString(dashboard+contents(t, "../packaging/prometheus/alerts.yaml"), -1)
	if len(names) < 8 {
		t.Fatalf("only %v", names)
	}
	for _, name := range names {
		if name = strings.TrimSuffix(name, "_bucket"); !strings.Contains(source, `"`+name+`"`) {
			t.Errorf("there is no metric %s", name)
		}
	}
}

// TestRenameModule_everythingResolves: the tree under another module path is whole.
func TestRenameModule_everythingResolves(t *testing.T) {
	dir := t.TempDir()
	script := `set -e
git -C .. archive HEAD | tar x -C "$1"
cp ../scripts/rename-module "$1/scripts/"
cd "$1"; git init -q; git add -A
./scripts/rename-module example.org/net/portolan
go list -test ./... >/dev/null
! grep -rn --include='*.go' '"portolan/\(api\|internal\|policy\|routing\|servertest\)' .
`
	if out, err := exec.Command("bash", "-c", script, "bash", dir).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func contents(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func decode[T any](t *testing.T, text []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(text, &v, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("%v in %.200s", err, text)
	}
	return v
}
