package dialecttest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// proposalDraws is how many samples of each before-command are answered.
const proposalDraws = 2

// reasonLimit is how long the words of ErrUncarried may be.
const reasonLimit = 240

// inspectVerdicts answers samples of a before-command with all verdicts, in every
// generation that says them.
func (in *inspector) inspectVerdicts(c dialect.Command) {
	if c.Phase != event.Before {
		return
	}
	for seed := range uint64(proposalDraws) {
		var evs []*event.Event
		in.run("carries", c.Name, func(p *probe) { evs = p.proposed(c, seed) })
		for _, ev := range evs {
			in.run("carries", c.Name, func(p *probe) { p.answersAll(ev, trials(ev)) })
			if seed == 0 {
				in.run("carries", c.Name, func(p *probe) { p.answersAll(ev, longTrials(ev)) })
			}
			if len(in.spec.Generations) > 0 {
				in.run("target", c.Name, func(p *probe) { p.asHook(ev) })
			}
		}
	}
}

// proposed is a sample as it comes in each generation, the first as it is.
func (p *probe) proposed(c dialect.Command, seed uint64) []*event.Event {
	req, err := p.in.Dialect.Sample(c.Name, source(seed), p.in.Now)
	if err != nil {
		return nil // check sample says so
	}
	evs, err := p.in.Dialect.Decode(&req)
	if err != nil || len(evs) != 1 {
		return nil // and so it does here
	}
	first := named(p.in.spec.Name, evs[0], 0)
	all := []*event.Event{first}
	for _, generation := range p.in.spec.Generations {
		to := p.in.target(first)
		to.Generation = generation
		reqs, err := p.in.Dialect.Encode(first, to)
		if errors.Is(err, dialect.ErrUntranslatable) {
			continue
		}
		if err != nil || len(reqs) == 0 {
			p.failf("generation %s: it is encoded as %d requests (%v)", generation, len(reqs), err)
			continue
		}
		again, err := p.in.Dialect.Decode(&reqs[0])
		if err != nil || len(again) != 1 {
			p.failf("generation %s: what Encode says decodes to %d events (%v)", generation, len(again), err)
			continue
		}
		ev := named(p.in.spec.Name, again[0], 0)
		ev.Generation = generation // as a source has it whose generation is configured
		all = append(all, ev)
	}
	return all
}

func (p *probe) carriesAll(_ *golden, evs []*event.Event) {
	if len(evs) == 1 && evs[0].Phase == event.Before {
		p.answersAll(evs[0], append(trials(evs[0]), longTrials(evs[0])...))
	}
}

// trial is a verdict that is tried on an event.
type trial struct {
	name string
	v    event.Verdict
	// must be carried.
	must bool
}

// trials are what is tried: each kind of verdict, and what bounds and forms make
// hard to say. Bodies are tried on every event, whether it has them or not.
func trials(ev *event.Event) []trial {
	all := []trial{
		{"allow", event.Allowed(), true},
		{"deny", event.Verdict{Action: event.Deny}, true},
		{"drop", event.Verdict{Action: event.Drop, Reason: denial}, false},
		{"no verdict", event.Verdict{}, false},
		{"allow with changes", event.Verdict{Action: event.Allow, Changes: &event.Changes{Message: &event.Message{Text: "x"}}}, false},
		{"rewrite of nothing named", event.Verdict{Action: event.Rewrite}, false},
	}
	// Legal in one dialect or another, and in none.
	for _, code := range []int{1, 5001, 10150, 120007, 38005, -7, 2, 1 << 40} {
		all = append(all, trial{"deny with code", event.Verdict{Action: event.Deny, Code: code, Reason: denial}, true})
	}
	rewrite := func(name string, c event.Changes) {
		all = append(all, trial{"rewrite " + name, event.Verdict{Action: event.Rewrite, Changes: &c}, false})
	}
	var m event.Message
	if ev.Message != nil {
		m = *ev.Message
		m.Parts = nil
	}
	message := func(name string, change func(*event.Message)) {
		now := m
		change(&now)
		rewrite("message "+name, event.Changes{Message: &now})
	}
	for _, t := range []struct{ name, text string }{
		{"text", "***"},
		{"text away", ""},
		{"odd text", "a\x01\"\\<&> \u2028界"},
		{"long text", strings.Repeat("界", 400)},
		{"longer text", strings.Repeat("y", 1100)},
	} {
		message(t.name, func(now *event.Message) { now.Text = t.text })
	}
	message("extra", func(now *event.Message) { now.Extra = `{"more":[1,2]}` })
	message("extra that is no JSON", func(now *event.Message) { now.Extra = "more" })
	message("mentions", func(now *event.Message) { now.Mentions = &event.Mentions{Users: []string{"zoe"}} })
	message("options", func(now *event.Message) { now.Options = &event.MessageOptions{Transient: true, ExpiresIn: 7} })
	message("push", func(now *event.Message) { now.Push = &event.Push{Content: "ping"} })
	message("parts", func(now *event.Message) {
		now.Kind, now.Text = event.Text, "one"
		now.Parts = []event.Message{{Kind: event.Text, Text: "one"}, {Kind: event.Text, Text: "two"}}
	})
	for _, kind := range event.ContentKinds() {
		now := event.Message{Kind: kind, Text: "other"}
		switch kind {
		case event.Image, event.Audio, event.Video, event.File:
			now.Text, now.Media = "", &event.Media{URL: "https://files.example/1", Size: 9}
		case event.Location:
			now.Text, now.Location = "", &event.Place{Latitude: 1.5, Longitude: 2.25, Address: "there"}
		case event.Custom, event.CommandKind:
			now.Text, now.Custom = "", &event.Payload{Name: "own", Data: `{"a":1}`}
		}
		rewrite("message into "+string(kind), event.Changes{Message: &now})
	}
	rewrite("push", event.Changes{Push: &event.Push{Content: "ping"}})
	for _, change := range []func(*event.Group){
		func(g *event.Group) { g.Name = "renamed" },
		func(g *event.Group) { g.Announcement = "announced" },
		func(g *event.Group) { g.Avatar = "https://files.example/2" },
		func(g *event.Group) { g.Owner = "zoe" },
		func(g *event.Group) { g.MaxMembers = 12345 },
	} {
		g := valueOf(ev.Group)
		change(&g)
		rewrite("group", event.Changes{Group: &g})
	}
	for _, change := range []func(*event.User){
		func(u *event.User) { u.DisplayName = "renamed" },
		func(u *event.User) { u.Avatar = "https://files.example/3" },
		func(u *event.User) { u.Phone = "12345" },
	} {
		u := valueOf(ev.User)
		change(&u)
		rewrite("user", event.Changes{User: &u})
	}
	for _, change := range []func(*event.Friend){
		func(f *event.Friend) { f.Alias = "renamed" },
		func(f *event.Friend) { f.Alias = "" },
		func(f *event.Friend) { f.Text = "hello there" },
	} {
		f := valueOf(ev.Friend)
		change(&f)
		rewrite("friend", event.Changes{Friend: &f})
	}
	return append(all, refusals(ev)...)
}

// longTrials are those that vendors' bounds are for; they take long to write.
func longTrials(ev *event.Event) []trial {
	all := []trial{
		{"deny with a long reason", event.Verdict{Action: event.Deny, Reason: strings.Repeat("no\x01", 5000)}, true},
		{"deny with a long wide reason", event.Verdict{Action: event.Deny, Reason: strings.Repeat("界", 5000)}, true},
	}
	if ev.Message != nil {
		m := *ev.Message
		m.Text, m.Parts = strings.Repeat("z", 140_000), nil
		all = append(all, trial{"rewrite message huge text", event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &m}}, false})
	}
	return all
}

func refusals(ev *event.Event) []trial {
	stranger := event.Refusal{ID: "a stranger to it", Code: 3, Reason: "full"}
	all := []trial{{"refusal of a stranger", event.Verdict{Action: event.Allow, Refused: []event.Refusal{stranger}}, false}}
	if len(ev.Members) == 0 {
		return all
	}
	one := []event.Refusal{{ID: ev.Members[0].ID, Code: 38005, Reason: "full"}}
	var every []event.Refusal
	for _, m := range ev.Members {
		every = append(every, event.Refusal{ID: m.ID, Reason: "full"})
	}
	text := &event.Message{Text: "***"}
	if ev.Message != nil {
		m := *ev.Message
		m.Text, m.Parts = "***", nil
		text = &m
	}
	return append(all,
		trial{"refusal of one", event.Verdict{Action: event.Allow, Refused: one}, len(ev.Members) == 1},
		trial{"refusal of one with a code of its own", event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: one[0].ID, Code: 7}}}, len(ev.Members) == 1},
		trial{"refusal of all", event.Verdict{Action: event.Allow, Refused: every}, true},
		trial{"refusal of all and of a stranger", event.Verdict{Action: event.Allow, Refused: append(slices.Clone(every), stranger)}, false},
		trial{"refusal of one and a rewrite", event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: text}, Refused: one}, len(ev.Members) == 1},
	)
}

func valueOf[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// answersAll holds Carries, Answer and Verdict to each other.
func (p *probe) answersAll(ev *event.Event, all []trial) {
	for _, try := range all {
		p.answers(ev, try)
	}
}

func (p *probe) answers(ev *event.Event, try trial) {
	d := p.in.Dialect
	where := try.name
	if ev.Generation != "" {
		where += " (generation " + ev.Generation + ")"
	}
	evBefore, vBefore := *ev, try.v
	if c := try.v.Changes; c != nil {
		copied := *c
		if c.Message != nil {
			m := *c.Message
			copied.Message = &m
		}
		vBefore.Changes = &copied
	}
	carried := d.Carries(ev, try.v)
	p.err("Carries", carried)
	if !reflect.DeepEqual(evBefore, *ev) || !reflect.DeepEqual(vBefore, try.v) {
		p.failf("%s: Carries changed what it was given", where)
	}
	if again := d.Carries(ev, try.v); (again == nil) != (carried == nil) {
		p.failf("%s: Carries says %v, and then %v", where, carried, again)
	}
	res := d.Answer(ev, try.v)
	p.said("Answer", res.Body)
	back, err := d.Verdict(ev, &res, p.in.target(ev))
	p.err("Verdict", err)
	switch {
	case err != nil:
		p.failf("%s: reading its own answer: %v\n%.400s", where, err, res.Body)
	case carried == nil:
		if diff := differs(ev, try.v, back); diff != "" {
			p.failf("%s is carried, and reads as another verdict (-said +read):\n%s\n%.400s", where, diff, res.Body)
		}
		p.codeStays(ev, where, try.v, back)
	case try.must:
		p.failf("%s is not carried: %v", where, carried)
	case !errors.Is(carried, dialect.ErrUncarried):
		p.failf("%s: %v does not wrap ErrUncarried", where, carried)
	case back.Action != event.Deny:
		p.failf("%s is not carried (%v), and its answer reads as %s, want deny\n%.400s", where, carried, back.Action, res.Body)
	default:
		_, reason, _ := strings.Cut(carried.Error(), dialect.ErrUncarried.Error()+": ")
		if n := len(reason); n < 8 || n > reasonLimit || strings.ContainsAny(reason, "\n\t") || !utf8.ValidString(reason) {
			p.failf("%s: %q is no short reason", where, reason)
		}
	}
}

// codeStays: what a denial reads as is legal, so that it is said again as it is.
func (p *probe) codeStays(ev *event.Event, where string, said, back event.Verdict) {
	if said.Action != event.Deny || back.Action != event.Deny {
		return
	}
	res := p.in.Dialect.Answer(ev, back)
	again, err := p.in.Dialect.Verdict(ev, &res, p.in.target(ev))
	if err != nil || again.Code != back.Code || again.Reason != back.Reason {
		p.failf("%s reads as code %d, which said again reads as %d (%v)", where, back.Code, again.Code, err)
	}
	if said.Reason != "" && !strings.HasPrefix(said.Reason, back.Reason) {
		p.failf("%s: the reason reads as %.60q", where, back.Reason)
	}
}

// asHook: a backend of a generation answers a question that was encoded for it, about
// an event of another vendor.
func (p *probe) asHook(asked *event.Event) {
	foreign := *asked
	foreign.Dialect, foreign.Generation, foreign.Command, foreign.Vendor = "another", "", "", nil
	foreign.Raw = event.Raw{Dialect: "another"}
	to := p.in.target(asked)
	reqs, err := p.in.Dialect.Encode(&foreign, to)
	if errors.Is(err, dialect.ErrUntranslatable) {
		return
	}
	if err != nil || len(reqs) == 0 {
		p.failf("a foreign event is encoded as %d requests (%v)", len(reqs), err)
		return
	}
	seen, err := p.in.Dialect.Decode(&reqs[0])
	if err != nil || len(seen) != 1 || len(reqs) > 1 {
		return // of a hook that is asked one by one nothing is said here
	}
	hook := *seen[0]
	if asked.Generation != "" {
		hook.Generation = asked.Generation
	}
	for _, v := range []event.Verdict{event.Allowed(), {Action: event.Deny, Code: 5001, Reason: denial}} {
		res := p.in.Dialect.Answer(&hook, v)
		got, err := p.in.Dialect.Verdict(&foreign, &res, to)
		if err != nil || got.Action != v.Action {
			p.failf("a hook of generation %q says %s about another vendor's event, which reads as %s (%v)\n%.400s",
				to.Generation, v.Action, got.Action, err, res.Body)
		}
	}
}

// differs compares two verdicts by what they do to the event: "" when that is the
// same.
func differs(ev *event.Event, want, got event.Verdict) string {
	return diff(effectOf(ev, want, &want), effectOf(ev, got, &want))
}

// effect is what a verdict comes to.
type effect struct {
	Action  event.Action
	Refused []string
	Message content
	Group   event.Group
	User    event.User
	Friend  event.Friend
}

// content is what of a message a rewrite is about.
type content struct {
	Kind     event.ContentKind
	Text     string
	Media    event.Media
	Location event.Place
	Name     string
	Data     string
	Base64   []byte
	Mentions event.Mentions
	Push     event.Push
	Options  event.MessageOptions
	Extra    string
	Parts    []content
}

// effectOf is v's. asked is the verdict that was said: what it leaves out of media,
// places and payloads, and what names bodies, is not looked at.
func effectOf(ev *event.Event, v event.Verdict, asked *event.Verdict) effect {
	e := effect{Action: v.Action}
	if v.Action == event.Deny || v.Action == event.Drop {
		return e
	}
	for _, r := range v.Refused {
		e.Refused = append(e.Refused, r.ID)
	}
	slices.Sort(e.Refused)
	e.Refused = slices.Compact(e.Refused)
	if len(ev.Members) > 0 && !slices.ContainsFunc(ev.Members, func(m event.Member) bool { return !slices.Contains(e.Refused, m.ID) }) {
		return effect{Action: event.Deny}
	}
	c, a := valueOf(v.Changes), valueOf(asked.Changes)
	was := valueOf(ev.Message)
	now := was
	if c.Message != nil {
		now = *c.Message
		if now.Kind == "" {
			now.Kind = was.Kind
		}
		if now.Options == nil {
			now.Options = was.Options
		}
		if now.Push == nil {
			now.Push = was.Push
		}
		if now.Mentions == nil {
			now.Mentions = was.Mentions
		}
		if now.Text == "" && now.Kind == was.Kind && now.Kind != event.Text && valueOf(a.Message).Text == "" {
			now.Text = was.Text // left out, as what a hook has no word for
		}
		if now.Extra == "" && a.Message != nil && a.Message.Extra == "" {
			now.Extra = was.Extra
		}
	}
	if c.Push != nil {
		now.Push = c.Push
	}
	if push := valueOf(now.Push); was.Text != "" && a.Push == nil && (a.Message == nil || a.Message.Push == nil || a.Message.Push == was.Push) {
		// A push that repeats the text repeats the new one, or the old one where it is
		// no part of the answer.
		push.Content = strings.ReplaceAll(push.Content, was.Text, now.Text)
		now.Push = &push
	}
	e.Message = contentOf(&now, a.Message)
	e.Group = body(ev.Group, c.Group)
	e.User = body(ev.User, c.User)
	e.Friend = body(ev.Friend, c.Friend)
	if e.User.ID == "" || ev.User == nil {
		e.User.ID = ""
	}
	if ev.Friend == nil {
		e.Friend.Owner = ""
	}
	if e.Action == event.Rewrite && reflect.DeepEqual(e.changed(), effectOf(ev, event.Allowed(), asked).changed()) {
		e.Action = event.Allow // it changes nothing
	}
	return e
}

// changed is the effect without the words for it.
func (e effect) changed() effect {
	e.Action, e.Refused = "", nil
	return e
}

func body[T any](was, now *T) T {
	if now == nil {
		now = was
	}
	return valueOf(now)
}

func contentOf(m, asked *event.Message) content {
	c := content{
		Kind: m.Kind, Text: short(m.Text), Media: valueOf(m.Media), Location: valueOf(m.Location), Mentions: valueOf(m.Mentions),
		Push: shortPush(m.Push), Options: valueOf(m.Options), Extra: string(ordered([]byte(m.Extra))),
	}
	if m.Custom != nil {
		c.Name, c.Data, c.Base64 = m.Custom.Name, string(ordered([]byte(m.Custom.Data))), m.Custom.Base64
	}
	if asked == nil {
		return c
	}
	c.Media, c.Location = onlyAsked(c.Media, asked.Media), onlyAsked(c.Location, asked.Location)
	payload := valueOf(asked.Custom)
	if payload.Name == "" {
		c.Name = ""
	}
	if payload.Data == "" {
		c.Data = ""
	}
	if len(payload.Base64) == 0 {
		c.Base64 = nil
	}
	if len(asked.Parts) > 0 {
		for i := range m.Parts {
			var part event.Message
			if i < len(asked.Parts) {
				part = asked.Parts[i]
			}
			c.Parts = append(c.Parts, contentOf(&m.Parts[i], &part))
		}
	}
	return c
}

// onlyAsked clears what asked leaves out.
func onlyAsked[T any](v T, asked *T) T {
	a, r := reflect.ValueOf(valueOf(asked)), reflect.ValueOf(&v).Elem()
	for i := range r.NumField() {
		if a.Field(i).IsZero() {
			r.Field(i).SetZero()
		}
	}
	return v
}

// short is a text, or what tells a long one from others: differences of long texts
// take long to find.
func short(s string) string {
	if len(s) <= 256 {
		return s
	}
	return fmt.Sprintf("%.32s… %d bytes, SHA-256 %x", s, len(s), sha256.Sum256([]byte(s)))
}

func shortPush(p *event.Push) event.Push {
	v := valueOf(p)
	v.Content = short(v.Content)
	return v
}
