package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/imfake"
	"github.com/imhook/imhook/internal/ledger"
)

// statusError says that the API answered, and not with 200.
type statusError struct {
	gateway, path string
	status        int
	answer        string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s says to %s: %d %.300s", e.gateway, e.path, e.status, e.answer)
}

// refused says whether the API answered with that status.
func refused(err error, status int) bool {
	var e *statusError
	return errors.As(err, &e) && e.status == status
}

// ask puts a question to the API, or gives it an order when body is not nil, and reads
// the answer into v when that is not nil.
func (g *gateway) ask(ctx context.Context, path string, body, v any) error {
	method, payload := http.MethodGet, io.Reader(http.NoBody)
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("asking %s: %w", path, err)
		}
		method, payload = http.MethodPost, bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+g.addr+path, payload)
	if err != nil {
		return fmt.Errorf("asking %s: %w", path, err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := g.client.Do(req)
	if err != nil {
		return fmt.Errorf("asking %s: %w", path, err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("asking %s: %w", path, err)
	}
	if res.StatusCode != http.StatusOK {
		return &statusError{g.name, path, res.StatusCode, string(answer)}
	}
	if v == nil {
		return nil
	}
	if err := json.Unmarshal(answer, v, json.MatchCaseInsensitiveNames(true)); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", path, err)
	}
	return nil
}

func (g *gateway) accounts(ctx context.Context) ([]ledger.Account, error) {
	var answer struct{ Accounts []ledger.Account }
	err := g.ask(ctx, "/api/v1/ledger", nil, &answer)
	return answer.Accounts, err
}

// letter is a dead letter.
type letter struct {
	ID, Endpoint, Reason, Detail string
	Event                        struct {
		Data struct{ Message struct{ Text string } }
	}
}

// mark is the place of its message in a load; false when it has none.
func (l *letter) mark() (imfake.Mark, bool) {
	for m := range imfake.Marks([]byte(l.Event.Data.Message.Text)) {
		return m, true
	}
	return imfake.Mark{}, false
}

// letters reads all dead letters, newest first.
func (g *gateway) letters(ctx context.Context) (all []letter, err error) {
	for before := ""; ; {
		var answer struct {
			DeadLetters []letter
			Next        string
		}
		path := "/api/v1/deadletters?limit=500"
		if before != "" {
			path += "&before=" + before
		}
		if err := g.ask(ctx, path, nil, &answer); err != nil {
			return nil, err
		}
		all = append(all, answer.DeadLetters...)
		if answer.Next == "" {
			return all, nil
		}
		before = answer.Next
	}
}

// requeue has all dead letters delivered once more.
func (g *gateway) requeue(ctx context.Context) error {
	return g.ask(ctx, "/api/v1/deadletters/requeue", map[string]any{"all": true}, nil)
}

// run is a requeue.
type run struct{ ID, State, Note string }

// over says whether nothing follows.
func (r run) over() bool { return r.State != "queued" && r.State != "running" }

// runs are those that are under way, and those that ended lately.
func (g *gateway) runs(ctx context.Context) ([]run, error) {
	var answer struct{ Runs []run }
	err := g.ask(ctx, "/api/v1/runs", nil, &answer)
	return answer.Runs, err
}
