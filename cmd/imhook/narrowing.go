package main

import (
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// narrowing are flags that narrow what is shown, which the API knows by the same names.
type narrowing map[string]*string

// narrowingFlag is one of them.
type narrowingFlag struct{ name, usage string }

// add adds flags.
func (n narrowing) add(flags *pflag.FlagSet, all []narrowingFlag) {
	for _, one := range all {
		n[one.name] = flags.String(one.name, "", one.usage)
	}
}

// query is what to ask the API for.
func (n narrowing) query() url.Values {
	query := url.Values{}
	for key, v := range n {
		if *v != "" {
			query.Set(key, *v)
		}
	}
	return query
}

// logFlags are the flags of a command that shows what is kept for looking back, by a
// [listing].
type logFlags struct {
	narrow   narrowing
	limit    int
	follow   bool
	interval time.Duration
	json     bool
}

// add adds the flags to a command that shows entries called what: attempt, decision.
func (f *logFlags) add(c *cobra.Command, what string, narrow []narrowingFlag) {
	flags := c.Flags()
	f.narrow = narrowing{}
	f.narrow.add(flags, narrow)
	flags.IntVar(&f.limit, "limit", 20, "how many at most; with --follow, how many to begin with")
	flags.BoolVar(&f.follow, "follow", false, "go on with new ones as they come")
	flags.DurationVar(&f.interval, "interval", 500*time.Millisecond, "how often --follow asks")
	flags.BoolVar(&f.json, "json", false, "print the gateway's JSON, one "+what+" a line")
	c.MarkFlagsMutuallyExclusive("follow", "until")
}

// listing is what the flags ask for; path, key, none and show are still to be said.
func (f *logFlags) listing(c *client, notes io.Writer) listing {
	return listing{client: c, limit: f.limit, follow: f.follow, interval: f.interval, quiet: f.json, notes: notes}
}

// showEach returns what writes an entry of a listing to w: as it is, or what text makes
// of it.
func showEach[E any](w io.Writer, asJSON bool, what string, text func(*E) string) func(jsontext.Value) error {
	return func(v jsontext.Value) error {
		line := string(v)
		if !asJSON {
			var e E
			if err := json.Unmarshal(v, &e); err != nil {
				return fmt.Errorf("reading %s: %w", what, err)
			}
			line = text(&e)
		}
		_, err := io.WriteString(w, line+"\n")
		return err
	}
}
