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
	"runtime"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// maxImage is what an image may weigh as it is loaded, in bytes.
const maxImage = 12_000_000

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

// TestRelease_isNoPartOfTheTree: what a release has made does not make the next one another, as a change of the tree would.
func TestRelease_isNoPartOfTheTree(t *testing.T) {
	cmd := exec.Command("git", "check-ignore", "dist/portolan_v1.2.3_linux_amd64.tar.gz")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("git does not ignore it: %v %s", err, out)
	}
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
	if page := gunzip(t, []byte(contents(t, dir+"/usr/share/man/man1/portolan-policy-check.1.gz"))); !bytes.HasPrefix(page, []byte(".TH \"PORTOLAN-POLICY-CHECK\" 1 ")) {
		t.Errorf("the manual page begins with %.100s", page)
	}
	checkScripts(t, path)
	unit := strings.ReplaceAll(contents(t, dir+"/usr/lib/systemd/system/portolan.service"), "/usr/bin/portolan", dir+"/usr/bin/portolan")
	file := filepath.Join(t.TempDir(), "portolan.service")
	if err := os.WriteFile(file, []byte(unit), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("systemd-analyze", "verify", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// checkScripts installs a package in a root of its own that systemd seems to run in, over an older version of itself, removes it and
// purges it.
func checkScripts(t *testing.T, path string) {
	t.Helper()
	root, stub := t.TempDir(), t.TempDir()
	calls := filepath.Join(stub, "calls")
	left := []string{root + "/etc/default/portolan", root + "/var/lib/private/portolan/portolan.db", root + "/var/lib/portolan"}
	script := `set -e
mkdir -p "$1/run/systemd/system" "$1/var/lib/dpkg/info" "$1/var/lib/dpkg/updates" "$1/etc/default" "$1/var/lib/private/portolan"
touch "$1/var/lib/dpkg/status" "$1/etc/default/portolan" "$1/var/lib/private/portolan/portolan.db"
ln -s private/portolan "$1/var/lib/portolan"
printf '#!/bin/sh\necho "$@" >>"%s/calls"\nexit 1\n' "$2" >"$2/systemctl"
chmod +x "$2/systemctl"
`
	dpkg := func(args ...string) {
		t.Helper()
		cmd := exec.Command("dpkg", append([]string{"--root=" + root, "--force-not-root", "--force-script-chrootless", "--log=/dev/null"}, args...)...)
		cmd.Env = append(os.Environ(), "PATH="+stub+":"+os.Getenv("PATH")+":/usr/sbin:/sbin")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("dpkg %s: %v\n%s", args, err, out)
		}
	}
	if out, err := exec.Command("bash", "-c", script, "bash", root, stub).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dpkg("-i", path)
	dpkg("-i", path)
	dpkg("-r", "portolan")
	for _, name := range left {
		if _, err := os.Stat(name); err != nil {
			t.Errorf("after the package was removed: %v", err)
		}
	}
	dpkg("-P", "portolan")
	for _, name := range left {
		if _, err := os.Lstat(name); !os.IsNotExist(err) {
			t.Errorf("%s is there after the package was purged: %v", name, err)
		}
	}
	want := "daemon-reload\ndaemon-reload\ntry-restart portolan\ndisable --now portolan\ndaemon-reload\n"
	if got := contents(t, calls); got != want {
		t.Errorf("systemctl was called with\n%swant\n%s", got, want)
	}
}
