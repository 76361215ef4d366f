// Command release makes what is published of a version: archives for each platform, container images, Debian packages, a bill
// of materials for each binary, and checksums. The same commit gives the same bytes.
//
//	go run ./scripts/release -version v1.2.3
//	go run ./scripts/release -version v1.2.3 -platforms linux/amd64 -out dist
package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// options are what is made, and of what.
type options struct {
	version   string
	platforms []platform
	out       string
	root      string // of the source tree
	binary    string // an executable to take instead of building one; of one platform
}

type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "_" + p.arch }

const everyPlatform = "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64,windows/arm64"

var versionForm = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$`)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(args []string, log io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	var images []image
	for _, p := range o.platforms {
		fmt.Fprintln(log, p)
		image, err := o.platform(p)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		if image != nil {
			images = append(images, *image)
		}
	}
	if len(images) > 0 {
		if err := writeOCI(o.path("portolan_%s_oci.tar", o.version), o.version, images); err != nil {
			return err
		}
	}
	return o.checksums()
}

func parse(args []string) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("release", flag.ContinueOnError)
	f.StringVar(&o.version, "version", "", "version, such as v1.2.3")
	platforms := f.String("platforms", everyPlatform, "platforms, OS/ARCH with commas between them")
	f.StringVar(&o.out, "out", "dist", "folder for what is made")
	f.StringVar(&o.root, "root", ".", "folder of the source tree")
	f.StringVar(&o.binary, "binary", "", "executable to package instead of building one; takes one platform")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if !versionForm.MatchString(o.version) {
		return nil, fmt.Errorf("-version %q is not like v1.2.3", o.version)
	}
	for text := range strings.SplitSeq(*platforms, ",") {
		if !slices.Contains(strings.Split(everyPlatform, ","), text) {
			return nil, fmt.Errorf("-platforms: %q is not one of %s", text, everyPlatform)
		}
		system, arch, _ := strings.Cut(text, "/")
		o.platforms = append(o.platforms, platform{system, arch})
	}
	if o.binary != "" && len(o.platforms) != 1 {
		return nil, fmt.Errorf("-binary takes one of -platforms")
	}
	return o, nil
}

func (o *options) path(format string, args ...any) string {
	return filepath.Join(o.out, fmt.Sprintf(format, args...))
}

// platform makes everything of one platform; of Linux also the parts of an image.
func (o *options) platform(p platform) (*image, error) {
	binary, err := o.build(p)
	if err != nil {
		return nil, err
	}
	files, err := o.files(p, binary)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("portolan_%s_%s", o.version, p)
	if p.os == "windows" {
		err = writeZip(o.path("%s.zip", name), files)
	} else {
		err = writeTarGz(o.path("%s.tar.gz", name), files)
	}
	if err != nil {
		return nil, err
	}
	if err := writeSBOM(o.path("%s.cdx.json", name), o.version, binary); err != nil {
		return nil, err
	}
	if p.os != "linux" {
		return nil, nil
	}
	unit, err := os.ReadFile(filepath.Join(o.root, "packaging", "portolan.service"))
	if err != nil {
		return nil, err
	}
	pages, err := o.manPages()
	if err != nil {
		return nil, err
	}
	if err := writeDeb(o.path("portolan_%s_%s.deb", strings.TrimPrefix(o.version, "v"), p.arch), o.version, p.arch, binary, unit, pages); err != nil {
		return nil, err
	}
	image, err := newImage(p.arch, binary)
	if err != nil {
		return nil, err
	}
	return image, writeDocker(o.path("portolan_%s_%s_docker.tar", o.version, p.arch), o.version, image)
}

// manPages are the manual pages as a package holds them: those of the executable that is packaged, or of one for this machine.
func (o *options) manPages() ([]file, error) {
	dir, err := os.MkdirTemp("", "man")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cmd := exec.Command("go", "run", "-tags", "grpcnotrace", "-ldflags", "-X main.release="+o.version, "./cmd/portolan", "man", "--dir", dir)
	cmd.Dir = o.root
	if o.binary != "" {
		cmd = exec.Command(o.binary, "man", "--dir", dir)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("manual pages: %w", err)
	}
	list := []file{{"./usr/share/", 0o755, nil}, {"./usr/share/man/", 0o755, nil}, {"./usr/share/man/man1/", 0o755, nil}}
	entries, err := os.ReadDir(dir) // sorted
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		packed, err := gzipped(text)
		if err != nil {
			return nil, err
		}
		list = append(list, file{"./usr/share/man/man1/" + e.Name() + ".gz", 0o644, packed})
	}
	return list, nil
}

// build gives the executable of a platform.
func (o *options) build(p platform) ([]byte, error) {
	if o.binary != "" {
		return os.ReadFile(o.binary)
	}
	out := filepath.Join(o.out, "portolan-"+p.String())
	defer func() { _ = os.Remove(out) }()
	// What "go env -w" says of -buildvcs must not decide whether the executable names its commit.
	cmd := exec.Command("go", "build", "-buildvcs=auto", "-trimpath", "-tags", "grpcnotrace", "-ldflags", "-s -w -buildid= -X main.release="+o.version, "-o", out, "./cmd/portolan")
	var err error
	if cmd.Args[len(cmd.Args)-2], err = filepath.Abs(out); err != nil {
		return nil, err
	}
	cmd.Dir = o.root
	cmd.Env = append(os.Environ(), "GOOS="+p.os, "GOARCH="+p.arch, "CGO_ENABLED=0", "GOFLAGS=")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
}

// files are what an archive holds.
func (o *options) files(p platform, binary []byte) ([]file, error) {
	name := "portolan"
	if p.os == "windows" {
		name += ".exe"
	}
	list := []file{{name, 0o755, binary}}
	for _, text := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
		b, err := os.ReadFile(filepath.Join(o.root, text))
		if err != nil {
			return nil, err
		}
		list = append(list, file{text, 0o644, b})
	}
	return list, nil
}

// checksums writes SHA256SUMS over everything that was made.
func (o *options) checksums() error {
	list, err := filepath.Glob(o.path("portolan_*"))
	if err != nil {
		return err
	}
	slices.Sort(list)
	var b strings.Builder
	for _, name := range list {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(text), filepath.Base(name))
	}
	return os.WriteFile(o.path("SHA256SUMS"), []byte(b.String()), 0o644)
}
