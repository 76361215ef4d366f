package test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"text/template"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"sigs.k8s.io/yaml"
)

// maxImage is what an image may weigh as it is loaded, in bytes.
const maxImage = 12_500_000

// release makes a release of the binary under test, for this machine's architecture, and returns its folder.
func release(t *testing.T) string {
	t.Helper()
	out := t.TempDir()
	cmd := exec.Command("go", "run", "./scripts/release", "-version", "v0.0.0-test", "-platforms", "linux/"+runtime.GOARCH, "-binary", Binary(t), "-out", out)
	cmd.Dir = ".."
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out
}

// TestRelease_linux makes what is published for Linux out of the binary under test, and looks into each part.
func TestRelease_linux(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a release is checked on Linux")
	}
	dir := release(t)
	t.Run("the same again", func(t *testing.T) {
		if a, b := contents(t, dir+"/SHA256SUMS"), contents(t, release(t)+"/SHA256SUMS"); a != b || strings.Count(a, "\n") != 5 {
			t.Errorf("got\n%s\nand\n%s", a, b)
		}
	})
	t.Run("docker image", func(t *testing.T) {
		checkDocker(t, filepath.Join(dir, "portolan_v0.0.0-test_"+runtime.GOARCH+"_docker.tar"))
	})
	t.Run("OCI image", func(t *testing.T) { checkOCI(t, filepath.Join(dir, "portolan_v0.0.0-test_oci.tar")) })
	t.Run("Debian package", func(t *testing.T) { checkDeb(t, filepath.Join(dir, "portolan_0.0.0-test_"+runtime.GOARCH+".deb")) })
	t.Run("bill of materials", func(t *testing.T) {
		text := contents(t, filepath.Join(dir, "portolan_v0.0.0-test_linux_"+runtime.GOARCH+".cdx.json"))
		if !jsontext.Value(text).IsValid() || !strings.Contains(text, `"pkg:golang/go.etcd.io/bbolt@`) {
			t.Errorf("got %.300s", text)
		}
	})
}

// TestRelease_everyPlatform cross-compiles all six, which takes minutes.
func TestRelease_everyPlatform(t *testing.T) {
	if os.Getenv("PORTOLAN_RELEASE_ALL") == "" {
		t.Skip("set PORTOLAN_RELEASE_ALL=1 to build every platform")
	}
	out := t.TempDir()
	cmd := exec.Command("go", "run", "./scripts/release", "-version", "v0.0.0-test", "-out", out)
	cmd.Dir = ".."
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if n := strings.Count(contents(t, out+"/SHA256SUMS"), "\n"); n != 6*2+2*2+1 {
		t.Errorf("%d files", n)
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

// untar is what a tar holds, by name.
func untar(t *testing.T, data []byte) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	r := tar.NewReader(bytes.NewReader(data))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.IsZero() && h.ModTime.Unix() != 0 {
			t.Errorf("%s has the time %s", h.Name, h.ModTime)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

func gunzip(t *testing.T, data []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err == nil {
		data, err = io.ReadAll(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func decode[T any](t *testing.T, text []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(text, &v, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("%v in %.200s", err, text)
	}
	return v
}

func checkDocker(t *testing.T, path string) {
	t.Helper()
	data := []byte(contents(t, path))
	if len(data) > maxImage {
		t.Errorf("the image is %d bytes, more than %d", len(data), maxImage)
	}
	t.Logf("%d bytes", len(data))
	files := untar(t, data)
	manifest := decode[[]struct {
		Config string
		Layers []string
	}](t, files["manifest.json"])[0]
	type configuration struct {
		Config struct {
			User        string
			Entrypoint  []string
			Healthcheck struct{ Test []string }
		} `json:"config"`
		Rootfs struct {
			DiffIDs []string `json:"diff_ids"`
		} `json:"rootfs"`
	}
	config := decode[configuration](t, files[manifest.Config])
	if config.Config.User != "65532:65532" || strings.Join(config.Config.Healthcheck.Test, " ") != "CMD /portolan health" {
		t.Errorf("the configuration is %+v", config)
	}
	layer := gunzip(t, files[manifest.Layers[0]])
	if want := fmt.Sprintf("sha256:%x", sha256.Sum256(layer)); config.Rootfs.DiffIDs[0] != want {
		t.Errorf("the layer is %s, not %s", want, config.Rootfs.DiffIDs[0])
	}
	root := untar(t, layer)
	if len(root["etc/ssl/certs/ca-certificates.crt"]) == 0 || root["data/"] == nil || !bytes.Contains(root["etc/passwd"], []byte("65532")) {
		t.Error("the layer lacks certificates, the data folder or the user")
	}
	runs(t, root["portolan"])
}

// runs runs an executable that was packed.
func runs(t *testing.T, executable []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "portolan")
	if err := os.WriteFile(path, executable, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(path, "version").CombinedOutput(); err != nil || !bytes.HasPrefix(out, []byte("portolan ")) {
		t.Errorf("%v %s", err, out)
	}
}

func checkOCI(t *testing.T, path string) {
	t.Helper()
	files := untar(t, []byte(contents(t, path)))
	type descriptor struct {
		Digest string
		Size   int
	}
	type node struct {
		Manifests, Layers []descriptor
		Config            *descriptor
	}
	blobs := 0
	var walk func(descriptor)
	walk = func(d descriptor) {
		blob, there := files["blobs/sha256/"+strings.TrimPrefix(d.Digest, "sha256:")]
		if !there || len(blob) != d.Size || d.Digest != fmt.Sprintf("sha256:%x", sha256.Sum256(blob)) {
			t.Errorf("%s is not what it says", d.Digest)
		}
		if blobs++; !jsontext.Value(blob).IsValid() {
			return
		}
		n := decode[node](t, blob)
		for _, next := range append(n.Manifests, n.Layers...) {
			walk(next)
		}
		if n.Config != nil && n.Config.Digest != "" {
			if blobs++; files["blobs/sha256/"+strings.TrimPrefix(n.Config.Digest, "sha256:")] == nil {
				t.Error("the configuration is missing")
			}
		}
	}
	for _, d := range decode[node](t, files["index.json"]).Manifests {
		walk(d)
	}
	if blobs != 4 { // index, manifest, layer, configuration
		t.Errorf("%d blobs", blobs)
	}
}

func checkDeb(t *testing.T, path string) {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("dpkg-deb", "--info", path).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Package: portolan") || !strings.Contains(string(out), "Version: 0.0.0~test") {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command("dpkg-deb", "-x", path, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	runs(t, []byte(contents(t, dir+"/usr/bin/portolan")))
	unit := strings.ReplaceAll(contents(t, dir+"/usr/lib/systemd/system/portolan.service"), "/usr/bin/portolan", dir+"/usr/bin/portolan")
	file := filepath.Join(t.TempDir(), "portolan.service")
	if err := os.WriteFile(file, []byte(unit), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("systemd-analyze", "verify", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

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
