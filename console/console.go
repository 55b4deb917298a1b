// Package console is the web console: one page and its scripts, made by Vite of
// what stands in src/ and embedded as dist/, which is committed so that building
// imhook needs Go alone.
//
// Nothing of it is secret, so that it is served to everybody who reaches the
// listener; what it shows comes from the API, which asks who they are. No script,
// style or picture is taken from elsewhere, and none that stands in a page is run.
package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// policy is what a page of the console may load and do: only what this server
// serves, inside no other page.
const policy = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// file is one that is served, as it is and compressed.
type file struct {
	plain, packed []byte
	kind, tag     string
	// fixed files have their content's hash in the name.
	fixed bool
}

// handler serves files, and the page for every address inside of the console.
type handler struct {
	files map[string]*file
	rest  http.Handler
}

// New serves the console, and has rest answer what is no part of it. An address
// that no file has shows the page if a browser asks for one: the page knows what to
// show there. The error is about the files that were built in.
func New(rest http.Handler) (http.Handler, error) {
	h := &handler{files: map[string]*file{}, rest: rest}
	err := fs.WalkDir(dist, "dist", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := dist.ReadFile(name)
		if err == nil {
			h.files[strings.TrimPrefix(name, "dist")], err = newFile(name, b)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the console: %w", err)
	}
	if h.files["/index.html"] == nil {
		return nil, fmt.Errorf("the console has no index.html: %w", fs.ErrNotExist)
	}
	return h, nil
}

func newFile(name string, b []byte) (*file, error) {
	sum := sha256.Sum256(b)
	f := &file{plain: b, kind: kindOf(name), tag: `"` + hex.EncodeToString(sum[:8]) + `"`, fixed: strings.HasPrefix(name, "dist/assets/")}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(b)
	}
	if err == nil {
		err = z.Close()
	}
	if packed.Len() < len(b) {
		f.packed = packed.Bytes()
	}
	return f, err
}

// kindOf is the media type of a file. It does not depend on the machine's tables.
func kindOf(name string) string {
	switch ext := path.Ext(name); ext {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		if kind := mime.TypeByExtension(ext); kind != "" {
			return kind
		}
		return "application/octet-stream"
	}
}

// ServeHTTP answers with a file, the page, or what the rest says.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.rest.ServeHTTP(w, r)
		return
	}
	f := h.files[r.URL.Path]
	if f == nil && isPage(r) {
		f = h.files["/index.html"]
	}
	if f == nil {
		h.rest.ServeHTTP(w, r)
		return
	}
	f.serve(w, r)
}

// isPage reports whether a browser wants a page to show at an address of the console.
func isPage(r *http.Request) bool {
	if r.URL.Path == "/" {
		return true
	}
	for _, other := range []string{"/api/", "/in/", "/assets/", "/debug/", "/metrics", "/healthz", "/readyz"} {
		if strings.HasPrefix(r.URL.Path, other) {
			return false
		}
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Type", f.kind)
	head.Set("Content-Security-Policy", policy)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("X-Frame-Options", "DENY")
	head.Set("Referrer-Policy", "same-origin")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	head.Set("Vary", "Accept, Accept-Encoding")
	head.Set("ETag", f.tag)
	if f.fixed {
		head.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		head.Set("Cache-Control", "no-cache")
	}
	if r.Header.Get("If-None-Match") == f.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.plain
	if f.packed != nil && takesGzip(r) {
		head.Set("Content-Encoding", "gzip")
		body = f.packed
	}
	head.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// takesGzip reports whether the browser reads gzip.
func takesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" && strings.TrimSpace(quality) != "q=0" {
			return true
		}
	}
	return false
}
