package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/client/admin"
)

// fromFlags are those of listen with --from.
type fromFlags struct {
	gateway  string
	endpoint string
	hooks    []string
	forward  string
	since    string
	deaf     time.Duration
	json     bool
}

const (
	// maxForwarded is how many requests are answered side by side: the gateway has at
	// most as many in flight as the endpoint's concurrency says.
	maxForwarded = 256
	// longestForward bounds a request of which the gateway does not say how long it waits.
	longestForward = time.Minute
	// maxForwardAnswer bounds what is read of an answer; the gateway looks at less.
	maxForwardAnswer = 1 << 20
)

// forwarder answers the requests of a session by asking a server on this machine.
type forwarder struct {
	fromFlags
	client *client
	base   *url.URL
	http   *http.Client
	note   func(format string, args ...any)

	// mu guards the following.
	mu sync.Mutex
	// out is what is printed to.
	out io.Writer
	// session is the one that is under way.
	session string
	// under are requests under way; places bounds them.
	under  sync.WaitGroup
	places chan struct{}
}

// run answers for an endpoint until ctx ends or the gateway is gone.
func (f *fromFlags) run(ctx context.Context, p *program, out, notes io.Writer) error {
	base, err := url.Parse(f.forward)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.RawQuery != "" {
		return fmt.Errorf("--forward %q is not a URL; write http://localhost:3000", f.forward)
	}
	if f.endpoint == "" && len(f.hooks) == 0 {
		return errors.New("--from needs --endpoint, or --hook: what to listen to")
	}
	if f.since != "" && f.endpoint == "" {
		return errors.New("--since needs --endpoint: hooks have no history")
	}
	p.gateway = f.gateway
	c, err := p.client()
	if err != nil {
		return errors.New(strings.Replace(err.Error(), "--gateway", "--from", 1))
	}
	w := &forwarder{
		fromFlags: *f, client: c, base: base, note: noteTo(notes), out: out, places: make(chan struct{}, maxForwarded),
		http: &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: maxForwarded, IdleConnTimeout: time.Minute, DisableCompression: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	return w.listen(ctx)
}

func (w *forwarder) listen(ctx context.Context) error {
	defer w.under.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	to := admin.Listening{Endpoint: w.endpoint, Hooks: w.hooks}
	r := resumer{
		deaf: w.deaf, note: w.note,
		once: func(ctx context.Context, _ string, heard func(), take func(admin.StreamEvent) error) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			return w.client.Listen(ctx, to, heard, func(e admin.StreamEvent) error {
				if e.Name == "begin" {
					return w.begin(ctx, e)
				}
				return take(e)
			})
		},
		take: func(e admin.StreamEvent) error { return w.take(ctx, e) },
	}
	return r.run(ctx)
}

// begin notes the session, and says that somebody is there as long as ctx lasts, which is
// as long as the stream.
func (w *forwarder) begin(ctx context.Context, e admin.StreamEvent) error {
	var b admin.ListenBegin
	if err := json.Unmarshal(e.Data, &b); err != nil || b.BeatS < 1 {
		return fmt.Errorf("reading the gateway's stream: %w", err)
	}
	w.mu.Lock()
	first := w.session == ""
	w.session = b.Session
	w.mu.Unlock()
	w.under.Go(func() { w.beat(ctx, b.Session, time.Duration(b.BeatS)*time.Second) })
	for _, n := range b.Notes {
		w.note("%s", oneLine(n, 2*textWidth))
	}
	if !first {
		return nil
	}
	var names []string
	endpoint := ""
	for _, n := range b.Names {
		names = append(names, n.Kind+" "+n.Name)
		if n.Kind == "endpoint" {
			endpoint = n.Name
		}
	}
	w.note("listening to %s; requests go to %s", strings.Join(names, ", "), w.forward)
	if w.since == "" {
		return nil
	}
	replayed, err := w.client.Replay(ctx, endpoint, admin.Replay{Selection: admin.Selection{Since: w.since}})
	if err != nil {
		return fmt.Errorf("asking for what came since %s: %w", w.since, explain(err))
	}
	w.note("what came since %s comes again first (replay %s)", w.since, replayed.Run.ID)
	return nil
}

// beat says that somebody is there.
func (w *forwarder) beat(ctx context.Context, session string, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			// A session that is over ends its stream, which is seen there.
			_, _ = w.client.AnswerListen(ctx, session)
		}
	}
}

func (w *forwarder) take(ctx context.Context, e admin.StreamEvent) error {
	switch e.Name {
	case "end":
		var n struct {
			Why string `json:"why"`
		}
		if err := json.Unmarshal(e.Data, &n); err != nil {
			return fmt.Errorf("reading the gateway's stream: %w", err)
		}
		if n.Why == takenOver {
			return fmt.Errorf("%s to the same at this gateway; it gets what came here", n.Why)
		}
		return &admin.BrokenError{Err: errors.New(n.Why)}
	case "request":
	default:
		return nil // what later gateways say
	}
	var r admin.ListenRequest
	if err := json.Unmarshal(e.Data, &r); err != nil {
		return fmt.Errorf("reading the gateway's stream: %w", err)
	}
	w.mu.Lock()
	session := w.session
	w.mu.Unlock()
	select {
	case w.places <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	w.under.Go(func() {
		defer func() { <-w.places }()
		w.answer(ctx, session, &r)
	})
	return nil
}

// takenOver is why a session ends that another one took over: those words of the
// gateway's.
const takenOver = "somebody else listens now"

// answer asks the server on this machine, and gives the gateway its answer.
func (w *forwarder) answer(ctx context.Context, session string, r *admin.ListenRequest) {
	limit := longestForward
	if r.TimeoutMS > 0 {
		limit = time.Duration(r.TimeoutMS) * time.Millisecond
	}
	begin := time.Now()
	asked, cancel := context.WithTimeout(ctx, limit)
	a := w.forwardTo(asked, r)
	cancel()
	if ctx.Err() != nil {
		return // the gateway sees that nobody is there any more
	}
	done, err := w.client.AnswerListen(ctx, session, a)
	late := ""
	switch {
	case err != nil:
		late = "the gateway did not get it and tries again: " + explain(err).Error()
	case len(done.Late) > 0:
		late = "too late: the gateway waited no longer"
	}
	w.show(r, &a, time.Since(begin), late)
}

// forwardTo makes the request that the gateway would have made.
func (w *forwarder) forwardTo(ctx context.Context, r *admin.ListenRequest) admin.ListenAnswer {
	a := admin.ListenAnswer{ID: r.ID}
	to := strings.TrimSuffix(w.base.String(), "/") + r.Path
	if r.Query != "" {
		to += "?" + r.Query
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(r.Body))
	if err != nil {
		a.Error = err.Error()
		return a
	}
	for k, vs := range r.Header {
		if k != "Content-Length" && k != "Connection" {
			req.Header[k] = vs
		}
	}
	res, err := w.http.Do(req)
	if err != nil {
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err
		}
		a.Error = fmt.Sprintf("nothing answers at %s where imhook listen forwards to: %v", w.forward, err)
		return a
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxForwardAnswer))
	if err != nil {
		a.Error = fmt.Sprintf("%s broke off its answer: %v", w.forward, err)
		return a
	}
	a.Status, a.Header, a.Body = res.StatusCode, res.Header, body
	return a
}

// forwarded is a request as --json prints it.
type forwarded struct {
	At     time.Time   `json:"at"`
	Kind   string      `json:"kind"`
	Name   string      `json:"name"`
	Path   string      `json:"path"`
	Query  string      `json:"query,omitzero"`
	Header http.Header `json:"header,omitempty"`
	Body   string      `json:"body"`
	Status int         `json:"status,omitzero"`
	Answer string      `json:"answer,omitzero"`
	Error  string      `json:"error,omitzero"`
	Took   float64     `json:"tookSeconds"`
	Late   string      `json:"late,omitzero"`
}

// show prints a request with its answer.
func (w *forwarder) show(r *admin.ListenRequest, a *admin.ListenAnswer, took time.Duration, late string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.json {
		_ = writeLine(w.out, forwarded{
			At: time.Now().UTC(), Kind: r.Kind, Name: r.Name, Path: r.Path, Query: r.Query, Header: r.Header, Body: string(r.Body),
			Status: a.Status, Answer: string(a.Body), Error: a.Error, Took: took.Round(time.Microsecond).Seconds(), Late: late,
		})
		return
	}
	said := fmt.Sprint(a.Status)
	if a.Error != "" {
		said = oneLine(a.Error, 2*textWidth)
	}
	line := fmt.Sprintf("%s  %s %s  %s  → %s in %s", time.Now().Format("15:04:05.000"), r.Kind, r.Name,
		oneLine(sentRequest{Method: "POST", Path: r.Path, Query: r.Query}.target(), 2*textWidth), said, took.Round(100*time.Microsecond))
	if id := r.Header.Get("Imhook-Event-Id"); id != "" {
		line += "  " + oneLine(id, idWidth)
	}
	if again := r.Header.Get("Imhook-Repeat"); again != "" {
		line += "  " + oneLine(again, idWidth)
	}
	if late != "" {
		line += "  " + oneLine(late, 2*textWidth)
	}
	_, _ = io.WriteString(w.out, line+"\n")
}
