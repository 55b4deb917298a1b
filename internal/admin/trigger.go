package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/sample"
)

const (
	// maxCount bounds how many callbacks one trigger request makes.
	maxCount = 1000
)

// wish is what a trigger request asks for.
type wish struct {
	Command string `json:"command,omitzero" doc:"A command of the source's dialect, as GET /api/v1/sources lists them."`
	// Sequence names a story of several callbacks instead of a command.
	Sequence string `json:"sequence,omitzero" doc:"A story of several callbacks instead of a command."`
	// Set holds edits in the order to make them: a string is read as on the
	// command line (typed where it is JSON), anything else is taken as it is.
	Set   jsontext.Value `json:"set,omitzero" doc:"Edits, an object of path to value, made in their order."`
	Count int            `json:"count,omitzero" minimum:"1" maximum:"1000" default:"1" doc:"How many callbacks to make."`
	// Seed draws the same values again; without it they are new each time.
	Seed *uint64 `json:"seed,omitzero" doc:"Draws the same values again: the seed of an earlier answer."`
}

// triggered are the callbacks that were made.
type triggered struct {
	Exchanges []exchange `json:"exchanges"`
	Seed      uint64     `json:"seed"`
}

// exchange is one callback and what the gateway answered, or a step of a sequence
// that the dialect cannot express.
type exchange struct {
	Type     event.Type `json:"type,omitzero"`
	Missing  string     `json:"missing,omitzero"`
	Request  sent       `json:"request"`
	Response received   `json:"response"`
}

type sent struct {
	Method      string      `json:"method"`
	Path        string      `json:"path"`
	Query       string      `json:"query,omitzero"`
	ContentType string      `json:"contentType,omitzero"`
	Header      http.Header `json:"header,omitzero"`
	Body        string      `json:"body"`
}

type received struct {
	Status      int    `json:"status"`
	ContentType string `json:"contentType,omitzero"`
	Body        string `json:"body"`
}

// trigger makes the gateway call itself as the vendor's server would.
func (a *api) trigger(ctx context.Context, in *sourceName, want *wish) (triggered, error) {
	_, s, ok := a.Current().Source(in.Name)
	if !ok {
		return triggered{}, noSource(in.Name)
	}
	d, err := a.Registry.Get(s.Dialect)
	if err != nil {
		return triggered{}, a.broken(ctx, "finding the dialect", err)
	}
	given := want.Count
	edits, err := want.complete()
	if err != nil {
		return triggered{}, invalid(err)
	}
	noteWish(ctx, in.Name, wish{Command: want.Command, Sequence: want.Sequence, Count: given})
	answer := triggered{Exchanges: []exchange{}, Seed: *want.Seed}
	for i := range want.Count {
		if err := ctx.Err(); err != nil {
			return answer, err
		}
		steps, err := want.make(d, sample.Wish{
			Command: want.Command, Edits: edits, Seed: *want.Seed + uint64(i), Credentials: s.Credentials, Now: a.Now(),
		})
		// What cannot be signed is sent all the same: the answer shows what the
		// source makes of it.
		if err != nil && !errors.Is(err, sample.ErrUnsigned) {
			return triggered{}, invalid(err)
		}
		for _, step := range steps {
			x := exchange{Missing: step.Missing}
			if step.Missing == "" {
				if x, err = a.call(ctx, s, step.Request); err != nil {
					return triggered{}, a.broken(ctx, "calling the source", err)
				}
			}
			x.Type = step.Type
			answer.Exchanges = append(answer.Exchanges, x)
		}
	}
	return answer, nil
}

func noSource(name string) *refusal {
	return refuse(http.StatusNotFound, "there is no source %q", name)
}

// make returns the one request of a command, or the steps of a sequence.
func (want *wish) make(d dialect.Dialect, w sample.Wish) ([]sample.Step, error) {
	if want.Sequence != "" {
		w.Command = want.Sequence
		return sample.Play(d, w)
	}
	req, err := sample.Make(d, w)
	return []sample.Step{{Request: req}}, err
}

// complete completes a trigger request and reads its edits.
func (want *wish) complete() ([]sample.Edit, error) {
	switch {
	case want.Command == "" && want.Sequence == "":
		return nil, errors.New("command is missing; GET /api/v1/sources lists them")
	case want.Command != "" && want.Sequence != "":
		return nil, errors.New("command and sequence exclude each other")
	case want.Sequence != "" && len(want.Set) > 0:
		return nil, errors.New("set goes with command: the steps of a sequence have different bodies")
	}
	if want.Count == 0 {
		want.Count = 1
	}
	if want.Count < 1 || want.Count > maxCount {
		return nil, fmt.Errorf("count is %d; write 1 to %d", want.Count, maxCount)
	}
	if want.Seed == nil {
		want.Seed = new(rand.Uint64())
	}
	return readEdits(want.Set)
}

// readEdits reads the object of edits in its own order.
func readEdits(v jsontext.Value) ([]sample.Edit, error) {
	if len(v) == 0 || v.Kind() == 'n' {
		return nil, nil
	}
	if v.Kind() != '{' {
		return nil, errors.New(`set must be an object of path to value`)
	}
	dec := jsontext.NewDecoder(bytes.NewReader(v))
	if _, err := dec.ReadToken(); err != nil {
		return nil, fmt.Errorf("reading set: %w", err)
	}
	var edits []sample.Edit
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, fmt.Errorf("reading set: %w", err)
		}
		e := sample.Edit{Path: name.String()}
		value, err := dec.ReadValue()
		if err != nil {
			return nil, fmt.Errorf("reading set: %w", err)
		}
		e.Value = string(value)
		if value.Kind() == '"' {
			if err := json.Unmarshal(value, &e.Value); err != nil {
				return nil, fmt.Errorf("reading set: %w", err)
			}
		}
		edits = append(edits, e)
	}
	return edits, nil
}

// call sends req through the receive handler as if it came over the network.
func (a *api) call(ctx context.Context, s config.Source, req dialect.Request) (x exchange, err error) {
	path := inPath + s.Name
	// Without a token that is valid now the source refuses, which the answer shows.
	if tokens := s.LivePathTokens(a.Now()); len(tokens) > 0 {
		path += "/" + tokens[0].Reveal()
	}
	u := &url.URL{Path: path + req.Path, RawQuery: req.Query}
	if plain, err := url.PathUnescape(u.Path); err == nil && plain != u.Path {
		u.RawPath, u.Path = u.Path, plain
	}
	hr, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/", bytes.NewReader(req.Body))
	if err != nil {
		return exchange{}, fmt.Errorf("making the request: %w", err)
	}
	hr.URL, hr.RequestURI = u, u.RequestURI()
	hr.Header = req.Header.Clone()
	if hr.Header == nil {
		hr.Header = http.Header{}
	}
	if req.ContentType != "" {
		hr.Header.Set("Content-Type", req.ContentType)
	}
	hr.RemoteAddr = peer(s)

	res := &recorder{header: http.Header{}}
	if err := res.serve(a.Receive, hr); err != nil {
		return exchange{}, err
	}
	return exchange{
		Request:  sentBy(s, req),
		Response: received{Status: res.status, ContentType: res.header.Get("Content-Type"), Body: res.body.String()},
	}, nil
}

// peer is an address that the source lets in: whoever may trigger it was let in
// by the guard.
func peer(s config.Source) string {
	if len(s.AllowFrom) > 0 {
		return netip.AddrPortFrom(s.AllowFrom[0].Addr(), 0).String()
	}
	return "127.0.0.1:0"
}

// recorder takes an answer in memory.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}

// serve lets h answer. A handler that drops the connection is an error here.
func (r *recorder) serve(h http.Handler, req *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the source dropped the connection: %v", p)
		}
	}()
	h.ServeHTTP(r, req)
	r.WriteHeader(http.StatusOK)
	return nil
}
