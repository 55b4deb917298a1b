package dialecttest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/imhook/imhook/dialect"
)

// golden is one case.
type golden struct {
	folder  string
	command string // as the spec names it; empty when it names none
	files   map[string][]byte
	request dialect.Request
}

// folderName is a command as a folder: embed and file systems refuse the
// characters that are replaced.
func folderName(command string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("\"*<>?`|/\\:", r) {
			return '_'
		}
		return r
	}, command)
}

func loadGoldens(wire fs.FS, spec *dialect.Spec) ([]golden, error) {
	if info, err := fs.Stat(wire, "testdata/wire"); err == nil && info.IsDir() {
		if wire, err = fs.Sub(wire, "testdata/wire"); err != nil {
			return nil, err
		}
	}
	folders, err := fs.ReadDir(wire, ".")
	if err != nil {
		return nil, fmt.Errorf("listing golden cases: %w", err)
	}
	var cases []golden
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		g, err := loadGolden(wire, folder.Name(), spec)
		if err != nil {
			return nil, fmt.Errorf("golden case %s: %w", folder.Name(), err)
		}
		cases = append(cases, g)
	}
	return cases, nil
}

func loadGolden(wire fs.FS, folder string, spec *dialect.Spec) (golden, error) {
	g := golden{folder: folder, files: map[string][]byte{}}
	name, _, _ := strings.Cut(folder, "@")
	for _, c := range spec.Commands {
		if folderName(c.Name) == name {
			g.command = c.Name
		}
	}
	files, err := fs.ReadDir(wire, folder)
	if err != nil {
		return g, err
	}
	for _, f := range files {
		if g.files[f.Name()], err = fs.ReadFile(wire, folder+"/"+f.Name()); err != nil {
			return g, err
		}
	}
	text, ok := g.files["request.http"]
	if !ok {
		return g, errors.New("request.http is missing")
	}
	if g.request, err = parseRequest(text); err != nil {
		return g, fmt.Errorf("reading request.http: %w", err)
	}
	return g, nil
}

// parseRequest reads a request as files hold it.
func parseRequest(text []byte) (dialect.Request, error) {
	var req dialect.Request
	head, body, ok := bytes.Cut(text, []byte("\n\n"))
	if crlfHead, crlfBody, crlf := bytes.Cut(text, []byte("\r\n\r\n")); crlf && (!ok || len(crlfHead) < len(head)) {
		head, body, ok = crlfHead, crlfBody, true
	}
	if !ok {
		return req, errors.New("no empty line ends the headers")
	}
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(slices.Clone(head), "\n\n"...))))
	line, err := r.ReadLine()
	if err != nil {
		return req, err
	}
	method, rest, _ := strings.Cut(line, " ")
	target, version, _ := strings.Cut(rest, " ")
	if method != http.MethodPost || version != "HTTP/1.1" || !strings.HasPrefix(target, "/") {
		return req, fmt.Errorf("request line is %q, want POST /path?query HTTP/1.1", line)
	}
	header, err := r.ReadMIMEHeader()
	if err != nil {
		return req, err
	}
	req.Path, req.Query, _ = strings.Cut(target, "?")
	if req.Path == "/" {
		req.Path = ""
	}
	req.ContentType = header.Get("Content-Type")
	for _, name := range []string{"Content-Type", "Content-Length", "Host"} {
		header.Del(name)
	}
	if len(header) > 0 {
		req.Header = http.Header(header)
	}
	req.Body = slices.Clone(bytes.TrimSuffix(body, []byte("\n")))
	return req, nil
}

// formatRequest is the inverse of parseRequest.
func formatRequest(req *dialect.Request) []byte {
	var b bytes.Buffer
	path := req.Path
	if path == "" {
		path = "/"
	}
	if req.Query != "" {
		path += "?" + req.Query
	}
	fmt.Fprintf(&b, "POST %s HTTP/1.1\n", path)
	writeHead(&b, req.ContentType, req.Header)
	b.Write(req.Body)
	return b.Bytes()
}

func formatResponse(res *dialect.Response) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\n", res.Status, http.StatusText(res.Status))
	writeHead(&b, res.ContentType, res.Header)
	b.Write(res.Body)
	return append(b.Bytes(), '\n')
}

func writeHead(b *bytes.Buffer, contentType string, header http.Header) {
	if contentType != "" {
		fmt.Fprintf(b, "Content-Type: %s\n", contentType)
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			fmt.Fprintf(b, "%s: %s\n", name, value)
		}
	}
	b.WriteByte('\n')
}

func cloneRequest(req *dialect.Request) *dialect.Request {
	c := *req
	c.Header, c.Body = req.Header.Clone(), bytes.Clone(req.Body)
	return &c
}
