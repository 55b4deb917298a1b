// Package matrix finds out what every dialect has for every type, by asking the
// dialects: it draws samples of all commands, and lets each dialect say what the
// others sent.
//
//	Sample ─► Decode ─► events of a type ─► Encode by another dialect ─► Decode ─► said as which command
//
// docs/dialects/matrix.md is written from it.
package matrix

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Row is one type in one phase.
type Row struct {
	Type  event.Type
	Phase event.Phase
	// Cells are by dialect.
	Cells map[string]Cell
}

// Cell is what one dialect has for a row.
type Cell struct {
	// Commands decode to the type.
	Commands []string
	// Said are the commands as which the type is written when it came from
	// another dialect.
	Said []Said
	// Reasons say why what another dialect sent could not be written. With Said
	// it was some of it only.
	Reasons []string
}

// Said is how a type is written.
type Said struct {
	Command string
	// As is the type that the command is read as: another one where the dialect
	// has a nearest equivalent only.
	As event.Type
}

// seeds is how many samples are drawn of each command: enough to meet every kind
// of conversation and content that a sample varies.
const seeds = 40

// drawnAt is the time of all samples.
func drawnAt() time.Time { return time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC) }

// Of returns a row for each type and phase that the dialects have, in the order of
// the catalogue, the before-event first. The same dialects give the same rows.
func Of(r *dialect.Registry) ([]Row, error) {
	samples, err := draw(r)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, entry := range event.Catalogue() {
		for _, phase := range []event.Phase{event.Before, event.After} {
			if entry.Type == event.VendorUnknown || !entry.In(phase) {
				continue
			}
			row := Row{Type: entry.Type, Phase: phase, Cells: map[string]Cell{}}
			for _, d := range r.All() {
				cell, err := ask(d, samples[kind{entry.Type, phase}])
				if err != nil {
					return nil, err
				}
				cell.Commands = native(d.Spec(), entry.Type, phase)
				row.Cells[d.Spec().Name] = cell
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// native are the commands of a dialect that decode to a type.
func native(spec *dialect.Spec, t event.Type, phase event.Phase) []string {
	var names []string
	for _, c := range spec.Commands {
		if c.Phase == phase && slices.Contains(c.Types, t) {
			names = append(names, c.Name)
		}
	}
	return names
}

type kind struct {
	t     event.Type
	phase event.Phase
}

// draw samples every command of every dialect.
func draw(r *dialect.Registry) (map[kind][]*event.Event, error) {
	all := map[kind][]*event.Event{}
	for _, d := range r.All() {
		for _, c := range d.Spec().Commands {
			for seed := range uint64(seeds) {
				req, err := d.Sample(c.Name, rand.New(rand.NewPCG(seed, 1)), drawnAt())
				if err != nil {
					return nil, fmt.Errorf("drawing a sample of %s %s: %w", d.Spec().Name, c.Name, err)
				}
				evs, err := d.Decode(&req)
				if err != nil {
					return nil, fmt.Errorf("reading a sample of %s %s: %w", d.Spec().Name, c.Name, err)
				}
				for i, ev := range evs {
					ev.ID = fmt.Sprintf("%s-%d-%d", c.Name, seed, i)
					ev.App, ev.Source = "matrix", d.Spec().Name
					all[kind{ev.Type, ev.Phase}] = append(all[kind{ev.Type, ev.Phase}], ev)
				}
			}
		}
	}
	return all, nil
}

// ask lets d say what other dialects sent.
func ask(d dialect.Dialect, evs []*event.Event) (Cell, error) {
	said, reasons := map[Said]bool{}, map[string]bool{}
	for _, ev := range evs {
		if ev.Dialect == d.Spec().Name {
			continue
		}
		reqs, err := d.Encode(ev, dialect.Target{Credentials: credentials(d.Spec()), Now: drawnAt()})
		if errors.Is(err, dialect.ErrUntranslatable) {
			reasons[reason(err)] = true
			continue
		}
		if err != nil {
			return Cell{}, fmt.Errorf("saying %s of %s in %s: %w", ev.Type, ev.Dialect, d.Spec().Name, err)
		}
		for i := range reqs {
			again, err := d.Decode(&reqs[i])
			if err != nil {
				return Cell{}, fmt.Errorf("reading %s of %s again in %s: %w", ev.Type, ev.Dialect, d.Spec().Name, err)
			}
			for _, a := range again {
				said[Said{a.Command, a.Type}] = true
			}
		}
	}
	c := Cell{Reasons: slices.Sorted(maps.Keys(reasons))}
	for s := range said {
		c.Said = append(c.Said, s)
	}
	slices.SortFunc(c.Said, func(a, b Said) int {
		return strings.Compare(string(a.As)+a.Command, string(b.As)+b.Command)
	})
	return c, nil
}

// reason is an error without what every such error says.
func reason(err error) string {
	_, text, ok := strings.Cut(err.Error(), dialect.ErrUntranslatable.Error()+": ")
	if !ok {
		return err.Error()
	}
	return text
}

// credentials are those that samples hold.
func credentials(spec *dialect.Spec) dialect.Credentials {
	c := dialect.Credentials{Public: map[string]string{}}
	for _, k := range spec.Credentials {
		if k.Sample != "" && !k.Secret {
			c.Public[k.Name] = k.Sample
		}
	}
	return c
}
