package settings

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// kindDefinition begins the keys of definitions.
const kindDefinition = "definition"

// Definition is a source, hook or endpoint that the API defined.
type Definition struct {
	// Section is the list of the configuration that it would stand in: sources, hooks,
	// endpoints.
	Section string `json:"section"`
	App     string `json:"app"`
	Name    string `json:"name"`
	// YAML is what the configuration file would hold, without the name. It may hold
	// secrets.
	YAML      string    `json:"yaml"`
	CreatedAt time.Time `json:"createdAt"`
	CreatedBy string    `json:"createdBy,omitzero"`
	ChangedAt time.Time `json:"changedAt,omitzero"`
	ChangedBy string    `json:"changedBy,omitzero"`
}

func (d *Definition) key() string {
	return strings.Join([]string{kindDefinition, d.Section, d.App, d.Name}, "/")
}

// Definitions returns all, the oldest first: that is the order in which hooks are asked.
func (b *Book) Definitions(ctx context.Context) []Definition {
	b.fresh(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []Definition
	for key, v := range b.values {
		if !strings.HasPrefix(key, kindDefinition+"/") {
			continue
		}
		var d Definition
		if err := json.Unmarshal(v, &d); err != nil {
			b.cfg.Log.Error("a setting cannot be read and is left out", "key", key, "err", err)
			continue
		}
		all = append(all, d)
	}
	slices.SortFunc(all, func(x, y Definition) int {
		return cmp.Or(x.CreatedAt.Compare(y.CreatedAt), cmp.Compare(x.key(), y.key()))
	})
	return all
}

// Define keeps a definition, in place of the one of its name whose YAML is was, and says
// who did. It is [ErrOther] when there is another one by now.
func (b *Book) Define(ctx context.Context, d Definition, was, by string) error {
	return b.change(ctx, d.key(), func() ([]byte, error) {
		now := b.cfg.Now().UTC()
		d.CreatedAt, d.CreatedBy, d.ChangedAt, d.ChangedBy = now, by, time.Time{}, ""
		there := ""
		for _, old := range b.Definitions(ctx) {
			if old.key() == d.key() {
				there = old.YAML
				d.CreatedAt, d.CreatedBy, d.ChangedAt, d.ChangedBy = old.CreatedAt, old.CreatedBy, now, by
			}
		}
		if there != was {
			return nil, fmt.Errorf("%s %s/%s: %w", d.Section, d.App, d.Name, ErrOther)
		}
		return write(d)
	})
}

// Restore keeps a definition as it was.
func (b *Book) Restore(ctx context.Context, d Definition) error {
	return b.change(ctx, d.key(), func() ([]byte, error) { return write(d) })
}

// Undefine takes a definition away.
func (b *Book) Undefine(ctx context.Context, section, app, name string) error {
	d := Definition{Section: section, App: app, Name: name}
	return b.change(ctx, d.key(), func() ([]byte, error) {
		for _, old := range b.Definitions(ctx) {
			if old.key() == d.key() {
				return nil, nil
			}
		}
		return nil, fmt.Errorf("%s %s/%s: %w", section, app, name, ErrNone)
	})
}
