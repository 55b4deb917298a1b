package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/sample"
)

// sequenceLines lists the sequences for the help.
func sequenceLines() string {
	var b strings.Builder
	for _, q := range sample.Sequences() {
		fmt.Fprintf(&b, "  %-11s %s\n", q.Name, q.Line)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// runSequence tells a story as often as asked. With a rate the callbacks keep it,
// not the stories.
func (p *program) runSequence(cmd *cobra.Command, d dialect.Dialect, f *triggerFlags) error {
	switch {
	case f.count < 1:
		return fmt.Errorf("--count is %d; write at least 1", f.count)
	case f.rate < 0:
		return fmt.Errorf("--rate is %g; write how many a second", f.rate)
	case f.to == "" && !f.dryRun && len(f.credentials) > 0:
		return errors.New("--credential goes with --to or --print: the gateway signs with the source's own")
	}
	tell, err := p.teller(cmd, d, f)
	if err != nil {
		return err
	}
	sent, refused, missing := 0, 0, 0
	for i := range f.count {
		err := tell(cmd.Context(), f.seed+uint64(i), func(x exchange) error {
			switch {
			case x.Missing != "":
				missing++
			case x.Response.Status != 0 && !x.taken():
				refused++
				fallthrough
			default:
				sent++
			}
			return f.printStep(cmd, x)
		})
		if err != nil {
			return err
		}
	}
	if !f.json && !f.dryRun {
		_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%d sent, %d refused, %d steps that %s cannot express\n", sent, refused, missing, d.Spec().Name)
	}
	if refused > 0 {
		return fmt.Errorf("%w: %d of %d", errRefused, refused, sent)
	}
	return nil
}

// printStep shows one step in a line, or with --print as it goes over the wire.
func (f *triggerFlags) printStep(cmd *cobra.Command, x exchange) error {
	out := cmd.OutOrStdout()
	var err error
	switch {
	case f.json:
		return writeLine(out, x)
	case x.Missing != "":
		_, err = fmt.Fprintf(out, "-    %-24s %s\n", x.Type, x.Missing)
	case f.dryRun:
		_, err = fmt.Fprintf(out, "### %s\n", x.Type)
		if err == nil {
			err = writeWire(out, &dialect.Request{
				Path: x.Request.Path, Query: x.Request.Query, ContentType: x.Request.ContentType, Header: x.Request.Header, Body: []byte(x.Request.Body),
			})
		}
		_, _ = fmt.Fprint(out, "\n\n")
	default:
		_, err = fmt.Fprintf(out, "%d  %-24s %s\n", x.Response.Status, x.Type, x.Request.target())
	}
	return err
}

// tell tells one story and shows each step.
type tell func(ctx context.Context, seed uint64, show func(exchange) error) error

// teller returns what tells: the gateway, or this process with --to and --print.
func (p *program) teller(cmd *cobra.Command, d dialect.Dialect, f *triggerFlags) (tell, error) {
	if f.to == "" && !f.dryRun {
		return p.remoteTeller(cmd.Context(), d, f)
	}
	var base *url.URL
	if !f.dryRun {
		var err error
		if base, err = url.Parse(f.to); err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
			return nil, errors.New("--to is not a URL; write http://host:port/path")
		}
	}
	cred, err := parseCredentials(d.Spec(), f.credentials)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Timeout: f.timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	warned := false
	return func(ctx context.Context, seed uint64, show func(exchange) error) error {
		steps, err := sample.Play(d, sample.Wish{Command: f.sequence, Seed: seed, Credentials: cred, Now: time.Now()})
		if errors.Is(err, sample.ErrUnsigned) {
			if !warned {
				_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "imhook: not signed: %s signs with %s, give --credential\n", d.Spec().Name, credentialNames(d.Spec()))
			}
			warned, err = true, nil
		}
		if err != nil {
			return err
		}
		for _, s := range steps {
			x := exchange{Missing: s.Missing, Request: sentRequest{
				Method: http.MethodPost, Path: s.Request.Path, Query: s.Request.Query,
				ContentType: s.Request.ContentType, Header: s.Request.Header, Body: string(s.Request.Body),
			}}
			if s.Missing == "" && base != nil {
				if err := f.wait(ctx); err != nil {
					return err
				}
				if x, err = post(ctx, client, base, s.Request); err != nil {
					return err
				}
			}
			x.Type = s.Type
			if err := show(x); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// wait keeps the rate.
func (f *triggerFlags) wait(ctx context.Context) error {
	if f.rate <= 0 {
		return nil
	}
	t := time.NewTimer(time.Duration(float64(time.Second) / f.rate))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return errStopped
	}
}

// remoteTeller lets the gateway tell the story to its own source.
func (p *program) remoteTeller(ctx context.Context, d dialect.Dialect, f *triggerFlags) (tell, error) {
	if f.rate > 0 {
		return nil, errors.New("--rate goes with --to in a sequence: the gateway tells its source the whole story at once")
	}
	c, err := p.client()
	if err != nil {
		return nil, err
	}
	source, err := c.pickSource(ctx, d.Spec().Name, f.source)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, seed uint64, show func(exchange) error) error {
		var answer struct {
			Exchanges []exchange `json:"exchanges"`
		}
		err := c.post(ctx, "/api/v1/sources/"+url.PathEscape(source)+"/trigger", struct {
			Sequence string `json:"sequence"`
			Seed     uint64 `json:"seed"`
		}{f.sequence, seed}, &answer)
		if err != nil {
			return err
		}
		for _, x := range answer.Exchanges {
			if err := show(x); err != nil {
				return err
			}
		}
		return nil
	}, nil
}
