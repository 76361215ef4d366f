// Package console is the browser's side of the server: the built files of console/ and how they are answered. It knows
// files and headers. It must not know operations, networks or who is calling: pages ask the API as every client does.
package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed static
var static embed.FS

// Prefix is the path below which all pages and files of the console are.
const Prefix = "/console/"

// policy is what a page of the console may load and run: files of this server, no inline script or style, and no text that
// becomes script or markup.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; " +
	"font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// file is a built file as it is answered.
type file struct {
	plain   []byte
	zipped  []byte // gzip; empty when it is no shorter
	etag    string
	content string // media type
}

// Handler answers GET and HEAD of the console's files, and every other path below [Prefix] with the page itself, which finds
// its view by the path.
type Handler struct {
	files func() map[string]*file // by path below static
}

// New is a Handler. Files are compressed when the first of them is asked for.
func New() *Handler { return &Handler{files: sync.OnceValue(load)} }

// Takes tells whether a request is for the console: a path below [Prefix], or "/" when a browser asks for a page.
func (h *Handler) Takes(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if r.URL.Path == "/" {
		return strings.Contains(r.Header.Get("Accept"), "text/html")
	}
	return strings.HasPrefix(r.URL.Path, Prefix) || r.URL.Path == strings.TrimSuffix(Prefix, "/")
}

// ServeHTTP answers a request that [Handler.Takes].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, Prefix)
	files := h.files()
	f, found := files[name]
	if !found {
		if strings.Contains(path.Base(name), ".") && path.Dir(name) == "." && name != "" {
			http.NotFound(w, r) // a file of another release
			return
		}
		f = files["index.html"]
	}
	header := w.Header()
	header.Set("ETag", f.etag)
	header.Set("Cache-Control", "no-cache") // it is asked every time whether the file is the same
	header.Add("Vary", "Accept-Encoding")
	if r.URL.Path == "/" {
		header.Add("Vary", "Accept")
	}
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	if matches(r.Header.Get("If-None-Match"), f.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Type", f.content)
	body := f.plain
	if len(f.zipped) > 0 && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		body = f.zipped
		header.Set("Content-Encoding", "gzip")
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// matches tells whether If-None-Match names the tag.
func matches(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		if tag = strings.TrimSpace(tag); tag == etag || tag == "*" {
			return true
		}
	}
	return false
}

// acceptsGzip tells whether Accept-Encoding names gzip and does not refuse it.
func acceptsGzip(header string) bool {
	for coding := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if name = strings.TrimSpace(name); name == "gzip" || name == "*" {
			_, q, _ := strings.Cut(strings.ReplaceAll(weight, " ", ""), "q=")
			return strings.Trim(q, "0.") != "" || q == ""
		}
	}
	return false
}

// mediaType is the type of a file by the end of its name.
func mediaType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json":
		return "application/json"
	default:
		return "text/plain; charset=utf-8"
	}
}

func load() map[string]*file {
	files := map[string]*file{}
	err := fs.WalkDir(static, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		plain, err := static.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(plain)
		f := &file{plain: plain, etag: `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, content: mediaType(name)}
		if zipped := compress(plain); len(zipped) < len(plain) {
			f.zipped = zipped
		}
		files[strings.TrimPrefix(name, "static/")] = f
		return nil
	})
	if err != nil {
		panic(err) // the files are part of the program
	}
	return files
}

func compress(plain []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = z.Write(plain)
	_ = z.Close()
	return b.Bytes()
}
