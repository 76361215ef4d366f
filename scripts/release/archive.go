package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"strings"
	"time"
)

// file is a file, or with a mode of a folder a folder, in an archive.
type file struct {
	name string
	mode int64
	data []byte
}

// epoch is the time of every file: archives do not depend on when they are made.
func epoch() time.Time { return time.Unix(0, 0).UTC() }

// tarOf is a tar of files that an owner has; a name that ends with / is a folder.
func tarOf(files []file, owner int) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.data)), ModTime: epoch(), Format: tar.FormatUSTAR, Typeflag: tar.TypeReg}
		if strings.HasSuffix(f.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if owner != 0 && strings.HasPrefix(f.name, "data") {
			h.Uid, h.Gid = owner, owner
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil { // it writes the end
		return nil, err
	}
	return b.Bytes(), nil
}

func gzipped(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil { // it writes the end
		return nil, err
	}
	return b.Bytes(), nil
}

func writeTarGz(path string, files []file) error {
	data, err := tarOf(files, 0)
	if err == nil {
		data, err = gzipped(data)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

func writeZip(path string, files []file) error {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
		h.SetMode(os.FileMode(f.mode))
		e, err := w.CreateHeader(h)
		if err == nil {
			_, err = e.Write(f.data)
		}
		if err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// scripts are run by dpkg. They start nothing: whoever installs a server says with which flags it is to run. A new version takes the
// place of one that runs, and what is removed does not run on. Purging is the end of the data.
var scripts = []file{
	script("postinst", `if [ "$1" = configure ]; then
	systemctl daemon-reload
	[ -z "$2" ] || systemctl try-restart portolan
fi
`),
	script("prerm", `if [ "$1" = remove ]; then
	systemctl disable --now portolan
fi
`),
	script("postrm", `case "$1" in
remove) systemctl daemon-reload ;;
purge) rm -rf "$DPKG_ROOT/etc/default/portolan" "$DPKG_ROOT/var/lib/portolan" "$DPKG_ROOT/var/lib/private/portolan" ;;
esac
`),
}

// script is one of the scripts. Where systemd does not run there is nothing to tell it, and no failure of it holds up dpkg.
func script(name, text string) file {
	return file{"./" + name, 0o755, []byte(`#!/bin/sh
set -e
systemctl() { [ ! -d "$DPKG_ROOT/run/systemd/system" ] || command systemctl "$@" || true; }
` + text)}
}

// writeDeb writes a Debian package: an ar archive of the format's version, the control files and the data.
func writeDeb(path, version, arch string, binary, unit []byte, pages []file) error {
	control, err := tarOf(append([]file{
		{"./", 0o755, nil},
		{"./control", 0o644, fmt.Appendf(nil, `Package: portolan
Version: %s
Architecture: %s
Maintainer: Portolan maintainers <maintainers@portolan.invalid>
Installed-Size: %d
Section: net
Priority: optional
Description: open, self-hosted AWS Network Manager
 All operations of AWS Network Manager over a core network engine: policies,
 attachments, routes and the reasons for them.
`, strings.Replace(strings.TrimPrefix(version, "v"), "-", "~", 1), arch, len(binary)/1024)},
	}, scripts...), 0)
	if err != nil {
		return err
	}
	data, err := tarOf(append([]file{
		{"./", 0o755, nil},
		{"./usr/", 0o755, nil},
		{"./usr/bin/", 0o755, nil},
		{"./usr/bin/portolan", 0o755, binary},
		{"./usr/lib/", 0o755, nil},
		{"./usr/lib/systemd/", 0o755, nil},
		{"./usr/lib/systemd/system/", 0o755, nil},
		{"./usr/lib/systemd/system/portolan.service", 0o644, unit},
	}, pages...), 0)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("!<arch>\n")
	member := func(name string, text []byte) {
		fmt.Fprintf(&b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", name, 0, 0, 0, "100644", len(text))
		b.Write(text)
		if len(text)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	member("debian-binary", []byte("2.0\n"))
	for _, part := range []struct {
		name string
		data []byte
	}{{"control.tar.gz", control}, {"data.tar.gz", data}} {
		text, err := gzipped(part.data)
		if err != nil {
			return err
		}
		member(part.name, text)
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}
