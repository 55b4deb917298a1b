package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// maxBackendBody bounds what listen reads of one request.
const maxBackendBody = 16 << 20

// answer is what a backend says.
type answer struct {
	// verdict on a before-event, in the dialect's form.
	verdict event.Verdict
	// hold keeps the caller waiting instead.
	hold bool
	// status is said with an empty body instead; with body when that is not nil.
	status int
	body   []byte
}

// parseAnswer reads --answer.
func parseAnswer(s string) (answer, error) {
	switch s {
	case "allow":
		return answer{verdict: event.Allowed()}, nil
	case "deny":
		return answer{verdict: event.Verdict{Action: event.Deny, Reason: "denied by imhook listen"}}, nil
	case "drop":
		return answer{verdict: event.Verdict{Action: event.Drop}}, nil
	case "timeout":
		return answer{hold: true}, nil
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 200 && n <= 599 {
		return answer{status: n}, nil
	}
	body, err := os.ReadFile(s)
	if errors.Is(err, os.ErrNotExist) {
		return answer{}, fmt.Errorf("--answer %q is neither allow, deny, drop, timeout, a status from 200 to 599, nor a file", s)
	}
	if err != nil {
		return answer{}, fmt.Errorf("--answer: %w", err)
	}
	if body == nil {
		body = []byte{}
	}
	return answer{status: http.StatusOK, body: body}, nil
}

// backend is an app backend that shows what it gets.
type backend struct {
	dialect dialect.Dialect
	cred    dialect.Credentials
	verify  bool
	base    string
	answer  answer
	json    bool

	// mu keeps what is printed of one request together; it guards the following.
	mu         sync.Mutex
	out, notes io.Writer
}

// ServeHTTP takes one callback.
func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBackendBody))
	if err != nil {
		http.Error(w, "reading the body", http.StatusBadRequest)
		b.note("a request broke off: %v", err)
		return
	}
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), b.base)
	if !ok {
		http.NotFound(w, r)
		b.note("%s %s is not below --base %s", r.Method, r.URL.EscapedPath(), b.base)
		return
	}
	req := &dialect.Request{
		Path: strings.TrimSuffix(path, "/"), Query: r.URL.RawQuery,
		ContentType: r.Header.Get("Content-Type"), Header: r.Header, Body: body,
	}
	evs, status, refused := b.read(req)
	res := b.respond(req, evs, refused, status)
	b.show(r, req, evs, refused, res)
	if res == nil {
		<-r.Context().Done()
		return
	}
	write(w, res)
}

// read verifies and decodes; an error comes with the status that says it.
func (b *backend) read(req *dialect.Request) ([]*event.Event, int, error) {
	if b.verify {
		v := dialect.Verification{Now: time.Now(), MaxAge: b.dialect.Spec().MaxAge}
		if _, err := b.dialect.Verify(req, b.cred, v); err != nil {
			return nil, http.StatusUnauthorized, fmt.Errorf("not verified: %w", err)
		}
	}
	evs, err := b.dialect.Decode(req)
	if err != nil {
		return nil, http.StatusBadRequest, fmt.Errorf("not understood: %w", err)
	}
	for _, ev := range evs {
		b.name(ev)
	}
	return evs, http.StatusOK, nil
}

// name completes what only a gateway knows, so that --json prints CloudEvents:
// most vendors' requests carry neither an id nor a source.
func (b *backend) name(ev *event.Event) {
	if ev.App == "" && ev.Source == "" {
		ev.App, ev.Source = "listen", b.dialect.Spec().Name
	}
	switch {
	case ev.ID != "":
	case ev.Dedupe == "":
		ev.ID = event.NewID()
	default:
		ev.ID = event.DeriveID(ev.App, ev.Source, ev.Command, ev.Dedupe)
	}
}

// respond is the answer; nil keeps the caller waiting.
func (b *backend) respond(req *dialect.Request, evs []*event.Event, refused error, status int) *dialect.Response {
	a := b.answer
	var res dialect.Response
	switch {
	case a.hold:
		return nil
	case refused != nil:
		res = b.dialect.Refuse(req, status, refused)
	case a.body != nil:
		res = dialect.Response{Status: a.status, ContentType: "text/plain; charset=utf-8", Body: a.body}
		if jsontext.Value(a.body).IsValid() {
			res.ContentType = "application/json"
		}
	case a.status != 0:
		res = dialect.Response{Status: a.status}
	case len(evs) == 1 && evs[0].Phase == event.Before:
		res = b.dialect.Answer(evs[0], a.verdict)
	default:
		res = b.dialect.Ack(req, evs)
	}
	if res.Status == 0 {
		res.Status = http.StatusOK
	}
	return &res
}

func write(w http.ResponseWriter, res *dialect.Response) {
	maps.Copy(w.Header(), res.Header)
	if res.ContentType != "" {
		w.Header().Set("Content-Type", res.ContentType)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(res.Body)))
	w.WriteHeader(res.Status)
	_, _ = w.Write(res.Body)
}

func (b *backend) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, _ = fmt.Fprintf(b.notes, "imhook: "+format+"\n", args...)
}

// show prints one request with its answer.
func (b *backend) show(r *http.Request, req *dialect.Request, evs []*event.Event, refused error, res *dialect.Response) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.json {
		b.showJSON(req, evs, refused, res)
		return
	}
	target := sentRequest{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery}.target()
	said := "none, until the caller leaves"
	if res != nil {
		said = strings.TrimSpace(strconv.Itoa(res.Status) + " " + oneLine(string(res.Body), 160))
	}
	for _, ev := range evs {
		_, _ = fmt.Fprintf(b.out, "\n%s  %s  %s  %s\n", time.Now().Format("15:04:05.000"), ev.Type, ev.Phase, oneLine(ev.Dialect+"/"+ev.Command, 80))
		field(b.out, "conversation", string(ev.Lane))
		if ev.Actor != nil {
			field(b.out, "actor", ev.Actor.ID)
		}
		field(b.out, "about", about(ev))
		field(b.out, "request", target)
		field(b.out, "answer", said)
	}
	if len(evs) == 0 {
		_, _ = fmt.Fprintf(b.out, "\n%s  refused\n", time.Now().Format("15:04:05.000"))
		field(b.out, "request", target)
		field(b.out, "reason", fmt.Sprint(refused))
		field(b.out, "answer", said)
	}
	if len(req.Body) > 0 {
		_, _ = fmt.Fprintf(b.out, "%s\n", readable(req.ContentType, string(req.Body)))
	}
}

// seen is an event as --json prints it.
type seen struct {
	Event   *event.Event `json:"event,omitzero"`
	Refused string       `json:"refused,omitzero"`
	Path    string       `json:"path,omitzero"`
	Query   string       `json:"query,omitzero"`
	Body    string       `json:"body"`
	// Status is what was answered; zero when nothing was.
	Status int `json:"status"`
}

func (b *backend) showJSON(req *dialect.Request, evs []*event.Event, refused error, res *dialect.Response) {
	s := seen{Path: req.Path, Query: req.Query, Body: string(req.Body)}
	if res != nil {
		s.Status = res.Status
	}
	if refused != nil {
		s.Refused = refused.Error()
		_ = writeLine(b.out, s)
	}
	for _, ev := range evs {
		s.Event = ev
		_ = writeLine(b.out, s)
	}
}
