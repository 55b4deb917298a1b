package dialecttest

import (
	"bytes"
	"errors"
	"mime"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

const strangeKey = "imhookUnknownKey"

// isJSON reports whether the case's body is one JSON value and said to be.
func isJSON(req *dialect.Request) bool {
	kind, _, err := mime.ParseMediaType(req.ContentType)
	if err == nil && strings.Contains(kind, "form") {
		return false
	}
	return jsontext.Value(req.Body).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

func (p *probe) broken(g *golden, evs []*event.Event) {
	body := g.request.Body
	var bad [][]byte
	for n := range len(body) {
		// Near the ends every cut, in between some.
		if n < 16 || len(body)-n < 16 || n%17 == 0 {
			bad = append(bad, body[:n])
		}
	}
	bad = append(bad,
		bytes.Replace(body, []byte(`:`), []byte(`=`), 1),
		append([]byte{0}, body...),
	)
	if at := [3]string{g.request.Path, g.request.Query, g.request.ContentType}; !p.in.deep[at] {
		p.in.deep[at] = true
		bad = append(bad, bytes.Repeat([]byte(`[`), 20_000), bytes.Repeat([]byte(`{"a":`), 20_000))
	}
	// A request that is not understood is kept whatever its body is.
	mustFail := isJSON(&g.request) && evs[0].Type != event.VendorUnknown
	for _, b := range bad {
		req := cloneRequest(&g.request)
		req.Body = bytes.Clone(b)
		got, err := p.in.Dialect.Decode(req)
		p.err("Decode", err)
		_, told := errors.AsType[*dialect.DecodeError](err)
		switch {
		case err != nil && len(got) > 0:
			p.failf("an error and %d events for %.80q: %v", len(got), b, err)
		case err != nil && !told:
			p.failf("the error for %.80q is no *DecodeError: %v", b, err)
		case err == nil && mustFail && !jsontext.Value(b).IsValid(jsontext.AllowDuplicateNames(true)):
			p.failf("no error for %d of %d bytes: %.80q", len(b), len(body), b)
		}
	}
}

func (p *probe) unknownKey(g *golden, evs []*event.Event) {
	body := bytes.TrimLeft(g.request.Body, " \t\r\n")
	if !isJSON(&g.request) || len(body) == 0 || body[0] != '{' {
		return
	}
	req := cloneRequest(&g.request)
	sep := ","
	if len(bytes.TrimSpace(body[1:])) == 1 {
		sep = ""
	}
	req.Body = append([]byte(`{"`+strangeKey+`":{"kept":7}`+sep), body[1:]...)
	got, err := p.in.Dialect.Decode(req)
	if err != nil || len(got) != len(evs) {
		p.failf("%d events, want %d (%v)", len(got), len(evs), err)
		return
	}
	for i, ev := range got {
		if !bytes.Contains(ev.Vendor, []byte(strangeKey)) && !bytes.Contains(ev.Raw.Body, []byte(strangeKey)) {
			p.failf("event %d lost it", i)
		}
		want, have := *evs[i], *ev
		want.Vendor, have.Vendor = nil, nil
		if want.Type == event.VendorUnknown {
			want.Dedupe, have.Dedupe = "", "" // may hash the whole body
		}
		if diff := diffEvents(&want, &have); diff != "" {
			p.failf("event %d changes with it (-without +with):\n%s", i, diff)
		}
	}
}

func (p *probe) files(g *golden, evs []*event.Event) {
	known := map[string]bool{"request.http": true, "origin.txt": true, "events.json": true, "outbound.http": true}
	if proposals(evs) {
		for _, file := range answers {
			known[file] = true
		}
	} else {
		known["ack.http"] = true
	}
	for _, name := range []string{"request.http", "origin.txt"} {
		if len(bytes.TrimSpace(g.files[name])) == 0 {
			p.failf("%s is missing or empty", name)
		}
	}
	for name := range g.files {
		if !known[name] {
			p.failf("%s belongs to no case of this kind", name)
		}
	}
}
