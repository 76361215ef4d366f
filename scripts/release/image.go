package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"

	"github.com/go-json-experiment/json"
)

// nonroot is the user that the server runs as in an image.
const nonroot = 65532

// image is a container image of one architecture: one layer and its configuration.
type image struct {
	arch          string
	layer         []byte // tar, not compressed
	compressed    []byte
	configuration []byte
}

func digest(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }

// newImage makes an image of nothing but the executable, the certificates of certificate authorities and a folder for data.
func newImage(arch string, binary []byte) (*image, error) {
	authorities, err := certificates()
	if err != nil {
		return nil, err
	}
	layer, err := tarOf([]file{
		{"data/", 0o750, nil},
		{"etc/", 0o755, nil},
		{"etc/passwd", 0o644, fmt.Appendf(nil, "nonroot:x:%d:%[1]d:nonroot:/data:/sbin/nologin\n", nonroot)},
		{"etc/ssl/", 0o755, nil},
		{"etc/ssl/certs/", 0o755, nil},
		{"etc/ssl/certs/ca-certificates.crt", 0o644, authorities},
		{"portolan", 0o755, binary},
		{"tmp/", 0o1777, nil},
	}, nonroot)
	if err != nil {
		return nil, err
	}
	compressed, err := gzipped(layer)
	if err != nil {
		return nil, err
	}
	configuration, err := json.Marshal(map[string]any{
		"created": "1970-01-01T00:00:00Z", "architecture": arch, "os": "linux",
		"config": map[string]any{
			"User": fmt.Sprintf("%d:%[1]d", nonroot), "Entrypoint": []string{"/portolan"}, "Cmd": []string{"serve"}, "WorkingDir": "/data",
			"Env":          []string{"PORTOLAN_DATA=/data", "PATH=/"},
			"ExposedPorts": map[string]any{"4566/tcp": map[string]any{}}, "Volumes": map[string]any{"/data": map[string]any{}},
			"Healthcheck": map[string]any{"Test": []string{"CMD", "/portolan", "health"}, "Interval": 30_000_000_000, "Timeout": 6_000_000_000},
		},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": []string{digest(layer)}},
		"history": []any{map[string]any{"created": "1970-01-01T00:00:00Z", "created_by": "scripts/release"}},
	}, json.Deterministic(true))
	return &image{arch, layer, compressed, configuration}, err
}

// certificates are those of the machine that makes the release.
func certificates() ([]byte, error) {
	for _, path := range []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"} {
		if text, err := os.ReadFile(path); err == nil {
			return text, nil
		}
	}
	return nil, errors.New("this machine has no certificates of certificate authorities to put into an image")
}

// writeDocker writes the form that docker load takes.
func writeDocker(path, version string, m *image) error {
	config := fmt.Sprintf("%x.json", sha256.Sum256(m.configuration))
	manifest, err := json.Marshal([]any{map[string]any{"Config": config, "RepoTags": []string{"portolan:" + version}, "Layers": []string{"layer.tar.gz"}}}, json.Deterministic(true))
	if err != nil {
		return err
	}
	data, err := tarOf([]file{{config, 0o644, m.configuration}, {"layer.tar.gz", 0o644, m.compressed}, {"manifest.json", 0o644, manifest}}, 0)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    map[string]string `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// writeOCI writes an OCI image layout with an index over all architectures.
func writeOCI(path, version string, images []image) error {
	files := []file{{"oci-layout", 0o644, []byte(`{"imageLayoutVersion":"1.0.0"}`)}, {"blobs/", 0o755, nil}, {"blobs/sha256/", 0o755, nil}}
	blob := func(mediaType string, data []byte) descriptor {
		files = append(files, file{fmt.Sprintf("blobs/sha256/%x", sha256.Sum256(data)), 0o644, data})
		return descriptor{MediaType: mediaType, Digest: digest(data), Size: len(data)}
	}
	var manifests []descriptor
	for i := range images {
		m := &images[i]
		manifest, err := json.Marshal(map[string]any{
			"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
			"config": blob("application/vnd.oci.image.config.v1+json", m.configuration),
			"layers": []descriptor{blob("application/vnd.oci.image.layer.v1.tar+gzip", m.compressed)},
		}, json.Deterministic(true))
		if err != nil {
			return err
		}
		d := blob("application/vnd.oci.image.manifest.v1+json", manifest)
		d.Platform = map[string]string{"os": "linux", "architecture": m.arch}
		manifests = append(manifests, d)
	}
	inner, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests}, json.Deterministic(true))
	if err != nil {
		return err
	}
	top := blob("application/vnd.oci.image.index.v1+json", inner)
	top.Annotations = map[string]string{"org.opencontainers.image.ref.name": version}
	index, err := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []descriptor{top}}, json.Deterministic(true))
	if err != nil {
		return err
	}
	data, err := tarOf(append(files, file{"index.json", 0o644, index}), 0)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
