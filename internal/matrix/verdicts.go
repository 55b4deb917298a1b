package matrix

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Answers is what the answer to one before-command can tell in one generation of the
// wire. A dialect whose commands have no names of their own has one with an empty
// Command.
type Answers struct {
	Dialect, Command string
	// Generation is empty where the wire has one only.
	Generation string
	// Allow, Deny and Drop report whether the server can be told so.
	Allow, Deny, Drop bool
	// Rewrites are the bodies, with their fields, that can be put in place of the
	// proposal's: "message.text", "group.name". A message into another kind is
	// "message.kind".
	Rewrites []string
	// Members says whether some members can be refused while others are not. Few is
	// true where a proposal has one member at most, so that there are no others.
	Members, Few bool
}

// Verdicts returns what each before-command of each dialect can be answered, in the
// order of the registry and of the vendors' pages, the newest generation first. It
// asks Carries about samples: what one sample of a command can be told, counts. The
// same dialects give the same answers.
func Verdicts(r *dialect.Registry) ([]Answers, error) {
	var all []Answers
	for _, d := range r.All() {
		var asked []*Answers
		for _, c := range d.Spec().Commands {
			if c.Phase != event.Before {
				continue
			}
			for seed := range uint64(seeds) {
				evs, err := proposals(d, c.Name, seed)
				if err != nil {
					return nil, err
				}
				for _, ev := range evs {
					asked = answered(asked, d, ev)
				}
			}
		}
		order(d.Spec(), asked)
		for _, a := range asked {
			slices.Sort(a.Rewrites)
			all = append(all, *a)
		}
	}
	return all, nil
}

// order sorts by the spec's commands and generations.
func order(spec *dialect.Spec, all []*Answers) {
	place := func(a *Answers) int {
		command := slices.IndexFunc(spec.Commands, func(c dialect.Command) bool { return c.Name == a.Command })
		return command*100 + slices.Index(spec.Generations, a.Generation)
	}
	slices.SortStableFunc(all, func(a, b *Answers) int { return place(a) - place(b) })
}

// proposals are a sample of a command as it comes in each generation that has it.
func proposals(d dialect.Dialect, command string, seed uint64) ([]*event.Event, error) {
	spec := d.Spec()
	req, err := d.Sample(command, rand.New(rand.NewPCG(seed, 1)), drawnAt())
	if err != nil {
		return nil, fmt.Errorf("drawing a sample of %s %s: %w", spec.Name, command, err)
	}
	evs, err := d.Decode(&req)
	if err != nil || len(evs) != 1 {
		return nil, fmt.Errorf("reading a sample of %s %s: %d events, %w", spec.Name, command, len(evs), err)
	}
	evs[0].ID = fmt.Sprintf("%s-%d", command, seed)
	if len(spec.Generations) == 0 {
		return evs, nil
	}
	var all []*event.Event
	for _, generation := range spec.Generations {
		reqs, err := d.Encode(evs[0], dialect.Target{Generation: generation, Credentials: credentials(spec), Now: drawnAt()})
		if errors.Is(err, dialect.ErrUntranslatable) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("saying %s in %s %s: %w", command, spec.Name, generation, err)
		}
		again, err := d.Decode(&reqs[0])
		if err != nil || len(again) != 1 {
			return nil, fmt.Errorf("reading %s again in %s %s: %d events, %w", command, spec.Name, generation, len(again), err)
		}
		again[0].Generation = generation
		all = append(all, again[0])
	}
	return all, nil
}

// answered adds what ev can be answered.
func answered(all []*Answers, d dialect.Dialect, ev *event.Event) []*Answers {
	i := slices.IndexFunc(all, func(a *Answers) bool { return a.Command == ev.Command && a.Generation == ev.Generation })
	if i < 0 {
		all = append(all, &Answers{Dialect: d.Spec().Name, Command: ev.Command, Generation: ev.Generation, Few: true})
		i = len(all) - 1
	}
	a := all[i]
	can := func(v event.Verdict) bool { return d.Carries(ev, v) == nil }
	a.Allow = a.Allow || can(event.Allowed())
	a.Deny = a.Deny || can(event.Verdict{Action: event.Deny})
	a.Drop = a.Drop || can(event.Verdict{Action: event.Drop})
	changes := changesOf(ev)
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		if !slices.Contains(a.Rewrites, name) && can(event.Verdict{Action: event.Rewrite, Changes: changes[name]}) {
			a.Rewrites = append(a.Rewrites, name)
		}
	}
	if len(ev.Members) > 1 {
		a.Few = false
		a.Members = a.Members || can(event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: ev.Members[0].ID}}})
	}
	return all
}

// changesOf are changes of one field each of the bodies that ev has.
func changesOf(ev *event.Event) map[string]*event.Changes {
	all := map[string]*event.Changes{}
	if m := ev.Message; m != nil {
		message := func(field string, change func(*event.Message)) {
			now := *m
			now.Parts = nil
			change(&now)
			all["message."+field] = &event.Changes{Message: &now}
		}
		message("text", func(m *event.Message) { m.Text += " (changed)" })
		message("extra", func(m *event.Message) { m.Extra = `{"changed":true}` })
		message("mentions", func(m *event.Message) { m.Mentions = &event.Mentions{Users: []string{"zoe"}} })
		message("options", func(m *event.Message) { m.Options = &event.MessageOptions{Transient: true} })
		message("push", func(m *event.Message) { m.Push = &event.Push{Content: "changed"} })
		switch {
		case m.Media != nil:
			message("media", func(now *event.Message) {
				media := *m.Media
				media.URL = "https://files.example.com/changed"
				now.Media = &media
			})
		case m.Location != nil:
			message("location", func(now *event.Message) {
				place := *m.Location
				place.Latitude++
				now.Location = &place
			})
		case m.Custom != nil:
			message("custom", func(now *event.Message) {
				payload := *m.Custom
				payload.Data = `{"changed":true}`
				now.Custom = &payload
			})
		}
		kind := event.Image
		if m.Kind == kind {
			kind = event.File
		}
		all["message.kind"] = &event.Changes{Message: &event.Message{Kind: kind, Media: &event.Media{URL: "https://files.example.com/other"}}}
	}
	for field, set := range map[string]func(*event.Group){
		"name": func(g *event.Group) { g.Name = "changed" }, "avatar": func(g *event.Group) { g.Avatar = "changed" },
		"owner": func(g *event.Group) { g.Owner = "changed" }, "introduction": func(g *event.Group) { g.Introduction = "changed" },
		"announcement": func(g *event.Group) { g.Announcement = "changed" }, "extra": func(g *event.Group) { g.Extra = "changed" },
		"maxMembers": func(g *event.Group) { g.MaxMembers += 7 },
		"muted":      func(g *event.Group) { g.Muted = new(g.Muted == nil || !*g.Muted) },
	} {
		if ev.Group != nil {
			now := *ev.Group
			set(&now)
			all["group."+field] = &event.Changes{Group: &now}
		}
	}
	for field, set := range map[string]func(*event.User){
		"displayName": func(u *event.User) { u.DisplayName = "changed" }, "avatar": func(u *event.User) { u.Avatar = "changed" },
		"extra": func(u *event.User) { u.Extra = "changed" }, "phone": func(u *event.User) { u.Phone = "changed" },
	} {
		now := event.User{}
		if ev.User != nil {
			now = *ev.User
		}
		set(&now)
		all["user."+field] = &event.Changes{User: &now}
	}
	for field, set := range map[string]func(*event.Friend){
		"alias": func(f *event.Friend) { f.Alias = "changed" }, "text": func(f *event.Friend) { f.Text = "changed" },
	} {
		if ev.Friend != nil {
			now := *ev.Friend
			set(&now)
			all["friend."+field] = &event.Changes{Friend: &now}
		}
	}
	return all
}

// bodies joins the fields of each body: "message (text, extra)".
func bodies(rewrites []string) string {
	var out []string
	for i := 0; i < len(rewrites); {
		body, _, _ := strings.Cut(rewrites[i], ".")
		var fields []string
		for ; i < len(rewrites) && strings.HasPrefix(rewrites[i], body+"."); i++ {
			fields = append(fields, strings.TrimPrefix(rewrites[i], body+"."))
		}
		out = append(out, body+" ("+strings.Join(fields, ", ")+")")
	}
	return strings.Join(out, ", ")
}
