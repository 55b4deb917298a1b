package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// listing shows what the gateway lists page by page, newest last, and follows what
// comes.
type listing struct {
	client *client
	path   string
	// key is the list's name in an answer.
	key      string
	limit    int
	follow   bool
	interval time.Duration
	// none is said to notes when there is nothing, unless quiet.
	none  string
	quiet bool
	notes io.Writer
	show  func(jsontext.Value) error
}

// listPage is one answer, newest first.
type listPage struct {
	items        []jsontext.Value
	next, newest string
}

func (l *listing) run(ctx context.Context, query url.Values) error {
	if l.limit < 1 || l.limit > 1000 {
		return fmt.Errorf("--limit is %d; write 1 to 1000", l.limit)
	}
	if l.interval < 10*time.Millisecond {
		return fmt.Errorf("--interval is %v; write at least 10ms", l.interval)
	}
	query.Set("limit", strconv.Itoa(l.limit))
	page, err := l.fill(ctx, query)
	if err != nil {
		return err
	}
	if err := l.print(page); err != nil {
		return err
	}
	if !l.follow {
		if len(page.items) == 0 && !l.quiet {
			_, _ = fmt.Fprintln(l.notes, "imhook: "+l.none)
		}
		return nil
	}
	query.Del("since")
	query.Set("limit", "1000")
	t := time.NewTicker(l.interval)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil // whoever follows ends it
		}
		query.Set("after", page.newest)
		news, err := l.news(ctx, query)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		if err := l.print(news); err != nil {
			return err
		}
		page.newest = news.newest
	}
}

// ask asks for one page.
func (l *listing) ask(ctx context.Context, query url.Values) (listPage, error) {
	var answer map[string]jsontext.Value
	if err := l.client.get(ctx, l.path, query, &answer); err != nil {
		return listPage{}, err
	}
	var page listPage
	for key, to := range map[string]any{l.key: &page.items, "next": &page.next, "newest": &page.newest} {
		if v, ok := answer[key]; ok {
			if err := json.Unmarshal(v, to); err != nil {
				return listPage{}, fmt.Errorf("reading the gateway's answer: %s: %w", key, err)
			}
		}
	}
	return page, nil
}

// fill asks until limit items are there or there are no more: the gateway may
// stop looking earlier.
func (l *listing) fill(ctx context.Context, query url.Values) (listPage, error) {
	page, err := l.all(ctx, query, l.limit)
	page.items = page.items[:min(len(page.items), l.limit)]
	return page, err
}

// news asks for everything after a cursor, however much it is.
func (l *listing) news(ctx context.Context, query url.Values) (listPage, error) {
	return l.all(ctx, query, 0)
}

// all asks until there are no more, or enough; zero is never enough.
func (l *listing) all(ctx context.Context, query url.Values, enough int) (listPage, error) {
	defer query.Del("before")
	var page listPage
	for {
		more, err := l.ask(ctx, query)
		if err != nil {
			return page, err
		}
		if page.newest == "" {
			// What is listed may have grown by the second answer; what came since then
			// is for the next round.
			page.newest = more.newest
		}
		page.items = append(page.items, more.items...)
		if more.next == "" || enough > 0 && len(page.items) >= enough {
			return page, nil
		}
		query.Set("before", more.next)
	}
}

// print writes what came newest first, newest last.
func (l *listing) print(page listPage) error {
	for _, v := range slices.Backward(page.items) {
		if err := l.show(v); err != nil {
			return err
		}
	}
	return nil
}
