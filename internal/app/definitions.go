package app

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/audit"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway/journal"
	"github.com/imhook/imhook/internal/settings"
)

// openSettings reads what people set while gateways ran, and begins to keep who does. A
// gateway that cannot read it goes on with its file alone.
func (a *App) openSettings(ctx context.Context, j *journal.Journal) error {
	log, err := audit.New(audit.Config{Store: j.Audit(), Metrics: a.metrics, Log: a.cfg.Log})
	if err != nil {
		return err
	}
	a.audit = log
	a.onStop("audit", log.Stop)
	cfg := settings.Config{Store: j.Settings(), Changed: journal.ErrSettingChanged, Log: a.cfg.Log, Now: a.cfg.Now}
	for end := time.Now().Add(settingsPatience); ; {
		a.book, err = settings.Open(ctx, cfg)
		slow := settings.Unavailable(err) || errors.Is(err, context.DeadlineExceeded)
		if err == nil || !slow || time.Now().After(end) {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(settingsPause):
		}
	}
	if err != nil {
		a.cfg.Log.ErrorContext(ctx, "tokens and what the API defined cannot be read: the gateway begins without them", "err", err)
	}
	return nil
}

// A start waits for settings that are slow to come, and looks again after a pause: what
// the API defined would be missing meanwhile. What cannot be read at all stops no start.
const (
	settingsPatience = 30 * time.Second
	settingsPause    = 200 * time.Millisecond
)

// extended is a configuration of a file with what the API defined, and what became of
// each of these.
func (a *App) extended(ctx context.Context, base *config.Config) (*config.Config, []config.Added) {
	if a.cfg.Extend == nil {
		return base, nil
	}
	return a.cfg.Extend(base, additions(a.book.Definitions(ctx)))
}

func additions(all []settings.Definition) []config.Addition {
	out := make([]config.Addition, len(all))
	for i, d := range all {
		out[i] = addition(d)
	}
	return out
}

func addition(d settings.Definition) config.Addition {
	return config.Addition{Section: config.Section(d.Section), App: d.App, Name: d.Name, YAML: d.YAML}
}

// addedTo are the additions, whatever became of them.
func addedTo(all []config.Added) []config.Addition {
	out := make([]config.Addition, len(all))
	for i, d := range all {
		out[i] = d.Addition
	}
	return out
}

// sayAside tells the operator what the API defined and what is not in force.
func (a *App) sayAside(ctx context.Context, added []config.Added) {
	for _, d := range added {
		for _, p := range d.Problems {
			a.cfg.Log.WarnContext(ctx, "what the API defined is left aside", "what", d.Section.One(), "name", d.ID(), "key", p.Path, "problem", p.Text)
		}
	}
}

// followSettings puts into force what other gateways of the journal were told.
func (a *App) followSettings(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	a.onStop("following settings", func(context.Context) error {
		cancel()
		<-done
		return nil
	})
	go func() {
		defer close(done)
		look := time.NewTicker(settings.Lag)
		defer look.Stop()
		said := ""
		for {
			select {
			case <-ctx.Done():
				return
			case <-look.C:
			}
			err := a.catchUp(ctx)
			if err != nil && ctx.Err() == nil && err.Error() != said {
				a.cfg.Log.ErrorContext(ctx, "what another gateway was told is not in force here", "err", err)
			}
			said = ""
			if err != nil {
				said = err.Error()
			}
		}
	}()
}

// catchUp applies the definitions when they are others than those in force.
func (a *App) catchUp(ctx context.Context) error {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	if reflect.DeepEqual(additions(a.book.Definitions(ctx)), a.followed) {
		return nil
	}
	_, err := a.apply(ctx, a.base)
	return err
}

// definitions is what the API may do with definitions.
type definitions struct{ a *App }

// Defined returns all, with what became of each.
func (d definitions) Defined(ctx context.Context) []admin.Defined {
	a := d.a
	a.reloading.Lock()
	base := a.base
	a.reloading.Unlock()
	all := a.book.Definitions(ctx)
	_, added := a.cfg.Extend(base, additions(all))
	out := make([]admin.Defined, len(all))
	for i := range all {
		out[i] = admin.Defined{Definition: all[i], Added: added[i]}
	}
	return out
}

// Define changes one of them.
func (d definitions) Define(ctx context.Context, c admin.DefinitionChange) (out admin.DefinitionOutcome, err error) {
	a := d.a
	a.reloading.Lock()
	defer a.reloading.Unlock()
	old := a.book.Definitions(ctx)
	same := func(o settings.Definition) bool {
		return o.Section == string(c.Section) && o.App == c.App && o.Name == c.Name
	}
	at := slices.IndexFunc(old, same)
	next := slices.Clone(old)
	mine := settings.Definition{Section: string(c.Section), App: c.App, Name: c.Name, YAML: c.YAML}
	was := ""
	if at >= 0 {
		was = old[at].YAML
	}
	switch {
	case was != c.Was:
		return out, fmt.Errorf("%s %s: %w", c.Section.One(), c.ID(), settings.ErrOther)
	case c.Delete && at < 0:
		return out, fmt.Errorf("%s %s: %w", c.Section.One(), c.ID(), settings.ErrNone)
	case c.Delete:
		next = slices.Delete(next, at, at+1)
	case at < 0:
		next = append(next, mine)
	default:
		next[at].YAML = c.YAML
	}
	whole, added := a.cfg.Extend(a.base, additions(next))
	for _, one := range added {
		if one.Section == c.Section && one.App == c.App && one.Name == c.Name {
			out.Added = one
		}
	}
	_, before := a.cfg.Extend(a.base, additions(old))
	out.Problems = append(out.Problems, harm(before, added, c.Addition)...)
	if len(out.Problems) > 0 {
		return out, nil
	}
	if out.Comparison, err = a.comparison(ctx, a.current.Load(), whole); err != nil || c.DryRun {
		return out, err
	}
	if c.Delete {
		err = a.book.Undefine(ctx, string(c.Section), c.App, c.Name)
	} else {
		err = a.book.Define(ctx, mine, c.Was, c.By)
	}
	if err != nil {
		return out, err
	}
	changes, err := a.apply(ctx, a.base)
	if err == nil {
		for _, ch := range changes {
			a.cfg.Log.InfoContext(ctx, "configuration changed through the API", "what", ch.String(), "by", c.By)
		}
		return out, nil
	}
	// What is not in force must not be in force after a restart.
	if at < 0 {
		err = errors.Join(fmt.Errorf("%w: %w", admin.ErrNotApplied, err), a.book.Undefine(ctx, string(c.Section), c.App, c.Name))
	} else {
		err = errors.Join(fmt.Errorf("%w: %w", admin.ErrNotApplied, err), a.book.Restore(ctx, old[at]))
	}
	return out, err
}

// harm are the problems that a change makes for others.
func harm(before, after []config.Added, of config.Addition) (all []config.Problem) {
	for _, x := range after {
		if len(x.Problems) == 0 || x.Section == of.Section && x.App == of.App && x.Name == of.Name {
			continue
		}
		was := slices.IndexFunc(before, func(b config.Added) bool { return b.Addition == x.Addition })
		if was < 0 || len(before[was].Problems) > 0 {
			continue // it was wrong before
		}
		for _, p := range x.Problems {
			all = append(all, config.Problem{Text: fmt.Sprintf("the %s %s would not be valid any more: %s: %s; change that first", x.Section.One(), x.ID(), p.Path, p.Text)})
		}
	}
	return all
}
