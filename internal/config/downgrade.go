package config

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// The kinds of verdicts that a source's command may not be able to carry, in the words
// of the key downgrade.
const (
	sayRewrite = "rewrite"
	sayDrop    = "drop"
	sayPartial = "partial"
)

// samplesPerCommand is how many samples of a command are looked at: what they are
// about is drawn.
const samplesPerCommand = 6

// maxNamed bounds how many commands a warning names.
const maxNamed = 3

// falls warns of verdicts that the hook can give and that a source's command cannot
// carry, unless the file says what becomes of them: said are its keys.
//
// It asks the dialects themselves, with samples: what the hook reads, and what of its
// answer reaches the source's server. Conditions are not looked at.
func (l *loader) falls(o *object, h *Hook, sources []Source, said map[string]value) {
	if l.Matches == nil || !h.Enabled || h.Shadow {
		return
	}
	var picks []func(*event.Event) bool
	for _, pattern := range h.Events {
		if match := l.Matches(pattern, event.Before); match != nil { // else it was reported
			picks = append(picks, match)
		}
	}
	lost := map[string][]string{}
	for _, s := range sources {
		if len(h.Sources) > 0 && !slices.Contains(h.Sources, s.Name) {
			continue
		}
		for _, ev := range l.proposals(&s) {
			if !slices.ContainsFunc(picks, func(takes func(*event.Event) bool) bool { return takes(ev) }) {
				continue
			}
			for kind, v := range l.sayable(h, ev) {
				name := ev.Dialect + ":" + ev.Command
				if _, ok := said[kind]; ok || slices.Contains(lost[kind], name) {
					continue
				}
				if d, err := l.Registry.Get(s.Dialect); err == nil && d.Carries(ev, v) != nil {
					lost[kind] = append(lost[kind], name)
				}
			}
		}
	}
	var all, keys []string
	for _, kind := range []struct{ key, words string }{
		{sayRewrite, "a rewrite"}, {sayDrop, "a drop"}, {sayPartial, "the refusal of single members"},
	} {
		if names := lost[kind.key]; len(names) > 0 {
			all = append(all, fmt.Sprintf("%s (%s)", kind.words, fewOf(names)))
			keys = append(keys, kind.key+": "+string(FailDeny))
		}
	}
	if len(all) > 0 {
		o.warn("what it says may become a denial, for these commands cannot carry it: %s; narrow events, or say what becomes of it: downgrade: {%s}", strings.Join(all, ", "), strings.Join(keys, ", "))
	}
}

// fewOf are the first names and how many more there are.
func fewOf(names []string) string {
	if len(names) <= maxNamed {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), len(names)-maxNamed)
}

// proposals are samples of all that a source asks, made once for each dialect and
// generation. A dialect that has none to show has none.
func (l *loader) proposals(s *Source) []*event.Event {
	key := s.Dialect + "/" + s.Generation
	if known, ok := l.samples[key]; ok {
		return known
	}
	var all []*event.Event
	d, err := l.Registry.Get(s.Dialect)
	if err != nil {
		return nil // which was reported
	}
	for _, c := range d.Spec().Commands {
		if c.Phase != event.Before {
			continue
		}
		for seed := range uint64(samplesPerCommand) {
			req, err := d.Sample(c.Name, rand.New(rand.NewPCG(seed, 0)), l.Now())
			if err != nil {
				continue
			}
			evs, err := d.Decode(&req)
			if err != nil || len(evs) != 1 || evs[0].Phase != event.Before {
				continue
			}
			if s.Generation != generationAuto {
				evs[0].Generation = s.Generation
			}
			all = append(all, evs[0])
		}
	}
	l.samples[key] = all
	return all
}

// sayable are the verdicts on ev that the hook has words for, as the source's dialect
// would get them.
func (l *loader) sayable(h *Hook, ev *event.Event) map[string]event.Verdict {
	if h.Builtin == Wordlist {
		// It masks, and never drops or names members.
		if changes := altered(ev); changes != nil && h.Action == WordMask {
			return map[string]event.Verdict{sayRewrite: {Action: event.Rewrite, Changes: changes}}
		}
		return nil
	}
	d, err := l.Registry.Get(h.Dialect)
	if err != nil {
		return nil // which was reported
	}
	to := l.wire(h, ev)
	question, requests := seenBy(d, ev, to)
	if question == nil {
		return nil
	}
	all := map[string]event.Verdict{}
	try := func(kind string, v event.Verdict) {
		if d.Carries(question, v) != nil {
			return
		}
		res := d.Answer(question, v)
		if got, err := d.Verdict(ev, &res, to); err == nil && (got.Action == v.Action || len(got.Refused) > 0) {
			all[kind] = got
		}
	}
	if changes := altered(question); changes != nil {
		try(sayRewrite, event.Verdict{Action: event.Rewrite, Changes: changes})
	}
	switch {
	case requests > 1:
		// Asked one by one: the denial or drop of one is that member's.
		if requests == len(ev.Members) {
			all[sayPartial] = event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: ev.Members[0].ID}}}
		}
	default:
		try(sayDrop, event.Verdict{Action: event.Drop})
		if len(question.Members) > 1 {
			try(sayPartial, event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: question.Members[0].ID}}})
		}
	}
	return all
}

// wire is how the hook is asked about ev.
func (l *loader) wire(h *Hook, ev *event.Event) dialect.Target {
	to := dialect.Target{Generation: h.Generation, Credentials: h.Credentials, Now: l.Now()}
	to.Generation = to.Asked(ev, h.Dialect)
	return to
}

// seenBy is the proposal as a hook reads it, and in how many requests it is asked; nil
// when its dialect cannot express it.
func seenBy(d dialect.Dialect, ev *event.Event, to dialect.Target) (*event.Event, int) {
	if d.Spec().Name == ev.Dialect && to.Generation == ev.Generation {
		return ev, 1
	}
	reqs, err := d.Encode(ev, to)
	if err != nil || len(reqs) == 0 {
		return nil, 0
	}
	evs, err := d.Decode(&reqs[0])
	if err != nil || len(evs) != 1 {
		return nil, 0
	}
	if to.Generation != "" {
		evs[0].Generation = to.Generation
	}
	return evs[0], len(reqs)
}

// altered changes one text of what is proposed, as a moderator would; nil when there
// is none.
func altered(ev *event.Event) *event.Changes {
	const masked = "***"
	switch ev.Type {
	case event.MessageSend, event.MessageModify, event.MessageEdit:
		// Of others every vendor takes less.
		if ev.Message != nil && ev.Message.Kind == event.Text && len(ev.Message.Parts) == 0 {
			m := *ev.Message
			m.Text = masked
			return &event.Changes{Message: &m}
		}
	case event.MessagePushOffline, event.MessagePushOnline:
		if ev.Message != nil && ev.Message.Push != nil && ev.Message.Push.Content != "" {
			m, p := *ev.Message, *ev.Message.Push
			p.Content, m.Push = masked, &p
			return &event.Changes{Message: &m}
		}
	case event.GroupCreate, event.GroupUpdate:
		if ev.Group != nil && ev.Group.Name != "" {
			g := *ev.Group
			g.Name = masked
			return &event.Changes{Group: &g}
		}
	case event.UserRegister, event.UserUpdate:
		if ev.User != nil && ev.User.DisplayName != "" {
			u := *ev.User
			u.DisplayName = masked
			return &event.Changes{User: &u}
		}
	case event.FriendRequest, event.FriendRespond:
		if ev.Friend != nil && ev.Friend.Text != "" {
			f := *ev.Friend
			f.Text = masked
			return &event.Changes{Friend: &f}
		}
	case event.FriendRename:
		if ev.Friend != nil && ev.Friend.Alias != "" {
			f := *ev.Friend
			f.Alias = masked
			return &event.Changes{Friend: &f}
		}
	}
	return nil
}
