package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/sample"
)

// maxWireFile bounds a file with a request, in bytes.
const maxWireFile = 64 << 20

// wireFlags say what a file with a body alone does not.
type wireFlags struct {
	command     string
	path        string
	query       string
	contentType string
	headers     []string
}

// wireHelp is what the commands that read a request have in common.
const wireHelp = "FILE holds a whole HTTP request (\"POST /path?query\", headers, an empty line, the body), as\n" +
	"imhook trigger --print writes it, or the body alone; then --command or --path says which\n" +
	"callback it is. Without FILE, or with -, it is read from standard input."

func (f *wireFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.command, "command", "", "the vendor's `command` that the body belongs to")
	flags.StringVar(&f.path, "path", "", "`path` below the source's URL, as /im_event/message")
	flags.StringVar(&f.query, "query", "", "`query` of the URL")
	flags.StringVar(&f.contentType, "content-type", "", "media `type` of the body (default: told from the body)")
	flags.StringArrayVar(&f.headers, "header", nil, "`name: value` of a header")
}

// read reads the request of the one file in args, or of standard input.
func (f *wireFlags) read(in io.Reader, args []string, spec *dialect.Spec) (dialect.Request, error) {
	name := "-"
	if len(args) > 0 {
		name = args[0]
	}
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return dialect.Request{}, fmt.Errorf("reading the request: %w", err)
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxWireFile+1))
	switch {
	case err != nil:
		return dialect.Request{}, fmt.Errorf("reading the request: %w", err)
	case len(text) > maxWireFile:
		return dialect.Request{}, fmt.Errorf("reading the request: it is larger than %d bytes", maxWireFile)
	case len(bytes.TrimSpace(text)) == 0:
		return dialect.Request{}, errors.New("reading the request: it is empty")
	}
	req := dialect.Request{Body: text}
	if bytes.HasPrefix(text, []byte("POST ")) {
		if req, err = parseWire(text, spec); err != nil {
			return req, err
		}
	}
	return req, f.complete(&req, spec)
}

// complete puts what the flags say over what the file says.
func (f *wireFlags) complete(req *dialect.Request, spec *dialect.Spec) error {
	if f.command != "" {
		c, ok := spec.Command(f.command)
		if !ok {
			return sample.UnknownCommand(spec, f.command)
		}
		req.Path = c.Path
	}
	if f.path != "" {
		if f.path[0] != '/' {
			return fmt.Errorf("--path %q does not begin with /", f.path)
		}
		req.Path = below(f.path, spec)
	}
	if f.query != "" {
		req.Query = strings.TrimPrefix(f.query, "?")
	}
	if f.command != "" && spec.CommandKey != "" {
		c, _ := spec.Command(f.command)
		req.Query = withPair(req.Query, spec.CommandKey, c.Name)
	}
	for _, line := range f.headers {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return fmt.Errorf("--header %q is not name: value", name)
		}
		if req.Header == nil {
			req.Header = http.Header{}
		}
		req.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	switch {
	case f.contentType != "":
		req.ContentType = f.contentType
	case req.ContentType == "" && looksLikeForm(req.Body):
		req.ContentType = "application/x-www-form-urlencoded"
	case req.ContentType == "":
		req.ContentType = "application/json"
	}
	return nil
}

// withPair is a query with one value of a key, the others as they are.
func withPair(query, key, value string) string {
	pairs := []string{url.QueryEscape(key) + "=" + url.QueryEscape(value)}
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); pair != "" && (err != nil || plain != key) {
			pairs = append(pairs, pair)
		}
	}
	return strings.Join(pairs, "&")
}

func looksLikeForm(body []byte) bool {
	key, _, ok := bytes.Cut(body, []byte("="))
	return ok && !bytes.ContainsAny(key, "{[\"< \n")
}

// parseWire reads a whole request. Its body is what follows the empty line,
// whatever Content-Length says: who copied it from a screen has another length.
func parseWire(text []byte, spec *dialect.Spec) (dialect.Request, error) {
	head, body, ok := cutHead(text)
	if !ok {
		return dialect.Request{}, errors.New("reading the request: there is no empty line between headers and body")
	}
	line, headers, _ := bytes.Cut(head, []byte("\n"))
	words := strings.Fields(string(line))
	if len(words) < 2 || words[1][0] != '/' && !strings.Contains(words[1], "://") {
		return dialect.Request{}, fmt.Errorf("reading the request: its first line %q is not POST /path", oneLine(string(line), 60))
	}
	target := words[1]
	if _, rest, ok := strings.Cut(target, "://"); ok {
		_, path, _ := strings.Cut(rest, "/")
		target = "/" + path
	}
	path, query, _ := strings.Cut(target, "?")
	read, err := http.ReadRequest(bufio.NewReader(io.MultiReader(
		strings.NewReader("POST / HTTP/1.1\r\nHost: unknown\r\n"), bytes.NewReader(withoutHost(headers)), strings.NewReader("\r\n\r\n"))))
	if err != nil {
		return dialect.Request{}, fmt.Errorf("reading the request's headers: %w", err)
	}
	h := read.Header
	contentType := h.Get("Content-Type")
	for _, name := range []string{"Content-Type", "Content-Length", "Transfer-Encoding", "Connection"} {
		h.Del(name)
	}
	return dialect.Request{Path: below(path, spec), Query: query, ContentType: contentType, Header: h, Body: body}, nil
}

func cutHead(text []byte) (head, body []byte, ok bool) {
	for _, gap := range []string{"\r\n\r\n", "\n\n"} {
		if head, body, ok = bytes.Cut(text, []byte(gap)); ok {
			return head, body, true
		}
	}
	return nil, nil, false
}

// withoutHost leaves out the headers that frame a request: here they frame
// nothing.
func withoutHost(headers []byte) []byte {
	var out []byte
	for line := range bytes.Lines(headers) {
		name, _, _ := bytes.Cut(line, []byte(":"))
		switch strings.ToLower(string(name)) {
		case "host", "content-length", "transfer-encoding":
			continue
		}
		out = append(out, line...)
	}
	return bytes.TrimRight(out, "\r\n")
}

// below is the part of a URL's path that the dialect knows: what was captured has
// the source's or the endpoint's own path in front.
func below(path string, spec *dialect.Spec) string {
	path = strings.TrimSuffix(path, "/")
	longest := ""
	for _, c := range spec.Commands {
		if c.Path != "" && strings.HasSuffix(path, c.Path) && len(c.Path) > len(longest) {
			longest = c.Path
		}
	}
	if longest != "" {
		return longest
	}
	rest, ok := strings.CutPrefix(path, "/in/")
	if !ok {
		return path
	}
	_, rest, _ = strings.Cut(rest, "/")
	if rest == "" {
		return ""
	}
	return "/" + rest
}

// writeWire writes a request as it goes over the wire, below a path.
func writeWire(w io.Writer, req *dialect.Request) error {
	var b bytes.Buffer
	target := req.Path
	if target == "" {
		target = "/"
	}
	if req.Query != "" {
		target += "?" + req.Query
	}
	fmt.Fprintf(&b, "POST %s HTTP/1.1\n", target)
	if req.ContentType != "" {
		fmt.Fprintf(&b, "Content-Type: %s\n", req.ContentType)
	}
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		for _, v := range req.Header[name] {
			fmt.Fprintf(&b, "%s: %s\n", http.CanonicalHeaderKey(name), v)
		}
	}
	b.WriteByte('\n')
	b.Write(req.Body)
	_, err := w.Write(b.Bytes())
	return err
}
