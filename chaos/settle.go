package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/imfake"
	"github.com/imhook/imhook/internal/ledger"
)

// watch asks a gateway for its ledger all the while; where nobody answers there is no
// ledger.
func (w *world) watch(ctx context.Context, g *gateway) {
	for ; ctx.Err() == nil; pause(ctx, 100*time.Millisecond) {
		all, err := g.accounts(ctx)
		if err != nil {
			continue
		}
		w.mu.Lock()
		w.asked++
		w.mu.Unlock()
		for _, line := range ledger.Check(all) {
			w.fail("the ledger of %s: %s", g.name, line)
		}
	}
}

// judgeLetters says which dead letters should not be there.
func (w *world) judgeLetters(ctx context.Context, g *gateway) error {
	all, err := g.letters(ctx)
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.letters += len(all)
	w.mu.Unlock()
	for _, l := range all {
		m, marked := l.mark()
		var of *backend
		for _, b := range w.backends {
			if "shop/"+b.name == l.Endpoint {
				of = b
			}
		}
		if of == nil || !marked || l.Reason != "4xx" || !of.refused.Has(m) {
			w.fail("dead letter %s of %s is of nobody's doing: %s, %s, message %v", l.ID, l.Endpoint, l.Reason, l.Detail, m)
		}
	}
	return nil
}

// settle lets everything be, waits until all has arrived, and looks whether it is as
// it should be.
func (w *world) settle(ctx context.Context) *report {
	rep := &report{settings: w.cfg, trouble: time.Since(w.begin)}
	var accepted []imfake.Mark
	for _, r := range w.runs {
		_, refused, _ := r.Counts()
		rep.refused += refused
		accepted = append(accepted, r.Accepted()...)
	}
	rep.accepted = len(accepted)
	w.say("settling: %d messages were answered 200", len(accepted))
	for _, b := range w.backends {
		b.mood.Store(nil)
		b.calm.Store(true)
	}
	for _, g := range w.gateways {
		if err := g.dead(); err != nil {
			w.fail("%v", err)
		}
	}
	if err := w.configure(plain); err != nil {
		w.fail("%v", err)
	}
	begin := time.Now()
	if err := w.arrive(ctx, accepted); err != nil {
		w.fail("%v", err)
	}
	rep.settled = time.Since(begin)
	var known imfake.Tally
	for _, m := range accepted {
		known.Note(m)
	}
	for _, b := range w.backends {
		w.judge(b, accepted, &known)
		rep.backends = append(rep.backends, tallied{b.name, b.requests.Load(), b.all.Distinct(), b.all.Duplicates(), b.refused.Distinct()})
	}
	for _, g := range w.gateways {
		// What was failing a moment ago may need another one.
		if err := eventually(ctx, w.cfg.Within, time.Second, func() error { return w.doctor(ctx, g) }); err != nil {
			w.fail("%v", err)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	rep.did, rep.letters, rep.asked, rep.lines = w.did, w.letters, w.asked, w.lines
	return rep
}

// arrive waits until every backend has everything, no dead letter is left, and nothing
// is open.
func (w *world) arrive(ctx context.Context, accepted []imfake.Mark) error {
	g := w.gateways[0]
	resumed := false
	return eventually(ctx, w.cfg.Within, 200*time.Millisecond, func() error {
		if !resumed {
			if err := w.resumeAll(ctx); err != nil {
				return err
			}
			resumed = true
		}
		runs, err := g.runs(ctx)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(runs, func(r run) bool { return !r.over() }); i >= 0 {
			return fmt.Errorf("run %s is %s", runs[i].ID, runs[i].State)
		}
		if err := w.judgeLetters(ctx, g); err != nil {
			return err
		}
		letters, err := g.letters(ctx)
		if err != nil {
			return err
		}
		if len(letters) > 0 {
			if err := g.requeue(ctx); err != nil {
				return err
			}
			return fmt.Errorf("there are %d dead letters", len(letters))
		}
		for _, b := range w.backends {
			if missing := b.all.Missing(accepted); len(missing) > 0 {
				return fmt.Errorf("backend %s lacks %d of %d messages, such as %v", b.name, len(missing), len(accepted), missing[0])
			}
		}
		for _, g := range w.gateways {
			all, err := g.accounts(ctx)
			if err != nil {
				return err
			}
			for _, a := range all {
				for _, e := range a.Out {
					if (e.Name == "open" || e.Name == "under way") && e.Events > 0 {
						return fmt.Errorf("%s: %s: %d %s", g.name, a.ID(), e.Events, e.Name)
					}
				}
			}
		}
		return nil
	})
}

// resumeAll resumes whatever was paused once.
func (w *world) resumeAll(ctx context.Context) error {
	for _, b := range w.backends {
		if err := w.steer(ctx, b.name, "resume", map[string]any{"now": true}); err != nil {
			return err
		}
	}
	w.steering.Lock()
	defer w.steering.Unlock()
	for which := range w.paused {
		endpoint, conversation, _ := strings.Cut(which, " ")
		err := w.steer(ctx, endpoint, "resume", map[string]any{"conversation": conversation})
		if err != nil && !refused(err, http.StatusConflict) { // most go on already
			return err
		}
	}
	return nil
}

// judge says what is wrong with what a backend got.
func (w *world) judge(b *backend, accepted []imfake.Mark, known *imfake.Tally) {
	if missing := b.all.Missing(accepted); len(missing) > 0 {
		w.fail("backend %s never got %d of %d messages, such as %v", b.name, len(missing), len(accepted), missing[:min(5, len(missing))])
	}
	if n, some := b.firsts.disorders(known); n > 0 {
		w.fail("backend %s got %d messages out of order: %s", b.name, n, strings.Join(some, ", "))
	}
	for _, c := range b.complaints() {
		w.fail("backend %s: %s", b.name, c)
	}
}

// doctor asks imhook what is wrong.
func (w *world) doctor(ctx context.Context, g *gateway) error {
	cmd := exec.CommandContext(ctx, w.cfg.binary, "doctor", "--gateway", "http://"+g.addr)
	out, err := cmd.CombinedOutput()
	if ended := (*exec.ExitError)(nil); err != nil && !errors.As(err, &ended) {
		return fmt.Errorf("asking the doctor: %w", err)
	}
	if err != nil {
		return fmt.Errorf("the doctor of %s finds something wrong: %w\n%s", g.name, err, out)
	}
	return nil
}
