package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/imfake"
	"github.com/imhook/imhook/internal/app"
	"github.com/imhook/imhook/internal/config"
)

// ruling is a verdict as far as the matrix tells verdicts apart.
type ruling struct {
	action event.Action
	code   int
	text   string
	// part is what a rewrite changes, long whether into a long text, out who is refused
	// while others are not, in the words of text.
	part part
	long bool
	out  []string
}

// The words of the verdicts, and of a policy in their place.
const (
	notToday  = "not today"
	notYou    = "not you"
	unchecked = "it could not be checked; try again later"
	masked    = "***"
)

// behaviour is what a hook does with every question.
type behaviour struct {
	name string
	// says is its verdict; its part and out are filled in from the question.
	says ruling
	// some refuses the members who are to be refused.
	some bool
	// cause is how it fails instead, fails the reply that does so; nobody is there at
	// all when both are unset but the cause.
	cause string
	fails func(hook string) imfake.Reply
	// denies: the policies say deny. passes: downgrade says allow.
	denies, passes bool
	timeout        time.Duration
}

// patience is the time-out of hooks that answer: a busy machine must not decide.
const patience = 50 * time.Second

// behaviours are all verdicts, and all failures under both policies.
func behaviours() []behaviour {
	deny := func(code int, text string) ruling { return ruling{action: event.Deny, code: code, text: text} }
	all := []behaviour{
		{name: "allow", says: ruling{action: event.Allow}},
		{name: "deny", says: deny(0, "")},
		// Each is legal somewhere.
		{name: "deny-10150", says: deny(10150, notToday)},
		{name: "deny-38005", says: deny(38005, notToday)},
		{name: "deny-120007", says: deny(120007, notToday)},
		{name: "drop", says: ruling{action: event.Drop}},
		{name: "rewrite", says: ruling{action: event.Rewrite}},
		{name: "rewrite-long", says: ruling{action: event.Rewrite, long: true}},
		{name: "some", says: ruling{action: event.Allow, text: notYou}, some: true},
		{name: "drop-or-pass", says: ruling{action: event.Drop}, passes: true},
		{name: "rewrite-or-pass", says: ruling{action: event.Rewrite}, passes: true},
		{name: "some-or-pass", says: ruling{action: event.Allow, text: notYou}, some: true, passes: true},
	}
	answer := func(r imfake.Reply) func(string) imfake.Reply { return func(string) imfake.Reply { return r } }
	for _, denies := range []bool{false, true} {
		policy := map[bool]string{false: "-allow", true: "-deny"}[denies]
		for _, b := range []behaviour{
			{name: "timeout", cause: "timeout", fails: answer(imfake.Reply{Hold: make(chan struct{})}), timeout: 30 * time.Millisecond},
			{name: "nobody", cause: "error"},
			{name: "reset", cause: "error", fails: answer(imfake.Reply{Drop: true})},
			{name: "status-500", cause: "error", fails: answer(imfake.Status(500))},
			{name: "no-json", cause: "bad_reply", fails: answer(imfake.Reply{Body: []byte("<html>")})},
			{name: "huge", cause: "bad_reply", fails: answer(imfake.Reply{Body: bytes.Repeat([]byte(" "), 65<<10)})},
			{name: "wrong-type", cause: "bad_reply", fails: func(hook string) imfake.Reply { return imfake.Reply{Body: []byte(wrongType[hook])} }},
		} {
			b.name += policy
			b.denies = denies
			all = append(all, b)
		}
	}
	return all
}

// wrongType is an answer of each dialect's form with a value of another type.
var wrongType = map[string]string{
	"wildfirechat": `{"type":"text","searchableContent":"x"}`,
	"openim":       `{"actionCode":0,"errCode":0,"nextCode":""}`,
	"rongcloud":    `{"pass":"1"}`,
	"tencent":      `{"ActionStatus":"OK","ErrorCode":"none","ErrorInfo":""}`,
	"easemob":      `{"valid":"true"}`,
	"cloudevents":  `{"verdict":true}`,
}

// through is what a ruling reads as when it comes in the answer to a command.
func through(a answer, command string, r ruling, members int) ruling {
	denial := func(code int, text string) ruling {
		if !a.knows(code) {
			code = a.reads
		}
		if !a.text {
			text = ""
		}
		return ruling{action: event.Deny, code: code, text: text}
	}
	switch {
	case a.all:
		return r
	case r.action == event.Deny:
		return denial(r.code, r.text)
	case r.action == event.Drop && !a.drop, r.action == event.Rewrite && !a.carries(r):
		return denial(0, "")
	case len(r.out) > 0 && len(r.out) == members, len(r.out) > 0 && !a.members && !oneByOne[command]:
		return denial(0, r.text)
	case a.bare && len(r.out) > 0:
		r.text = ""
	}
	return r
}

// outcome is what becomes of a proposal.
type outcome struct {
	Effect imfake.Effect
	Code   int
	Text   string
	// Field is the vendor's field that is not as proposed.
	Field string
	Out   []string
}

// told is what the server does that is told r, and whether it was told something else
// instead.
func told(a answer, r ruling, members int, passes bool) (o outcome, instead bool) {
	refused := func(code int, text string) outcome {
		if !a.knows(code) {
			code = a.usual
		}
		if !a.text {
			text = ""
		}
		if text == "" {
			text = a.wordless
		}
		return outcome{Effect: imfake.Refused, Code: code, Text: text}
	}
	nearest := func(text string) (outcome, bool) {
		if passes {
			return outcome{Effect: imfake.Passed}, true
		}
		return refused(0, text), true
	}
	switch {
	case r.action == event.Deny:
		return refused(r.code, r.text), false
	case r.action == event.Drop && a.drop:
		return outcome{Effect: imfake.Dropped}, false
	case r.action == event.Drop:
		return nearest("")
	case r.action == event.Rewrite && a.all:
		return outcome{Effect: imfake.Changed, Field: string(r.part)}, false
	case r.action == event.Rewrite && a.carries(r):
		return outcome{Effect: imfake.Changed, Field: a.rewrites[r.part]}, false
	case r.action == event.Rewrite:
		return nearest("")
	case len(r.out) > 0 && len(r.out) == members:
		return refused(0, r.text), false
	case len(r.out) > 0 && a.members:
		return outcome{Effect: imfake.Passed, Out: r.out}, false
	case len(r.out) > 0:
		return nearest(r.text)
	}
	return outcome{Effect: imfake.Passed}, false
}

// proposal is one thing that a server asks about.
type proposal struct {
	req dialect.Request
	ev  *event.Event
	// out are the members who are to be refused.
	out []string
}

// server is one IM server: a dialect in a generation, and what it asks.
type server struct {
	dialect    dialect.Dialect
	generation string
	proposals  []proposal
}

func (s *server) name() string { return s.dialect.Spec().Name + s.generation }

func (p *proposal) String() string {
	if p.ev.Conversation == nil {
		return p.ev.Command
	}
	return p.ev.Command + " " + string(p.ev.Conversation.Kind)
}

// servers are all dialects in all generations, with a proposal for each before-command,
// type and kind of conversation; texts where it is about a message, and several members
// where the vendor asks about several.
func servers(t *testing.T, r *dialect.Registry) []server {
	t.Helper()
	var all []server
	for _, d := range r.All() {
		generations := d.Spec().Generations
		if len(generations) == 0 {
			generations = []string{""}
		}
		for i, generation := range generations {
			s := imfake.NewServer(d, "", imfake.ServerConfig{Credentials: credentials(d), Generation: generation, Seed: uint64(i)})
			all = append(all, server{d, generation, proposals(t, d, s, generation)})
			if len(all[len(all)-1].proposals) == 0 {
				t.Errorf("%s %s asks nothing", d.Spec().Name, generation)
			}
		}
	}
	return all
}

func proposals(t *testing.T, d dialect.Dialect, s *imfake.Server, generation string) []proposal {
	t.Helper()
	best := map[string]proposal{}
	var order []string
	for _, c := range d.Spec().Commands {
		for range 40 {
			if c.Phase != event.Before {
				break
			}
			req, err := s.Sample(c.Name)
			if errors.Is(err, dialect.ErrUntranslatable) {
				break // an older server does not ask this
			}
			if err != nil {
				t.Fatal(err)
			}
			evs, err := d.Decode(&req)
			if err != nil || len(evs) != 1 {
				t.Fatalf("%s: %d events, %v", c.Name, len(evs), err)
			}
			p := proposal{req: req, ev: evs[0]}
			p.ev.Generation = generation
			if !p.plain() {
				continue
			}
			key := string(p.ev.Type) + p.String()
			if old, ok := best[key]; !ok {
				order = append(order, key)
			} else if len(old.ev.Members) >= len(p.ev.Members) {
				continue
			}
			best[key] = p
		}
	}
	all := make([]proposal, len(order))
	for i, key := range order {
		all[i] = best[key]
	}
	return all
}

// plain reports whether every vendor could say what p is about.
func (p *proposal) plain() bool {
	m, u := p.ev.Message, p.ev.User
	switch partOf(p.ev.Type) {
	case aMessage:
		return m == nil || m.Kind == event.Text && m.Text != "" && len(m.Parts) == 0 && m.Mentions == nil
	case aUser:
		return u != nil && u.DisplayName != ""
	}
	return true
}

func credentials(d dialect.Dialect) dialect.Credentials {
	return config.SandboxCredentials(d.Spec())
}

// rewritten is the verdict that changes what partOf names.
func rewritten(ev *event.Event, long bool) event.Verdict {
	c := &event.Changes{}
	masked := masked
	if long {
		masked = strings.Repeat(masked, 500)
	}
	switch partOf(ev.Type) {
	case aGroup:
		c.Group = with(ev.Group, func(g *event.Group) { g.Name = masked })
	case aUser:
		c.User = with(ev.User, func(u *event.User) { u.DisplayName = masked })
	case aFriend:
		c.Friend = with(ev.Friend, func(f *event.Friend) { f.Alias = masked })
	case aPush:
		var p *event.Push
		if ev.Message != nil {
			p = ev.Message.Push
		}
		c.Push = with(p, func(p *event.Push) { p.Title = masked })
	default:
		c.Message = with(ev.Message, func(m *event.Message) { m.Text = masked })
	}
	return event.Verdict{Action: event.Rewrite, Changes: c}
}

func with[T any](p *T, change func(*T)) *T {
	var v T
	if p != nil {
		v = *p
	}
	change(&v)
	return &v
}

// verdict is what a hook says about ev.
func (b *behaviour) verdict(ev *event.Event, out map[string]bool) event.Verdict {
	if b.says.action == event.Rewrite {
		return rewritten(ev, b.says.long)
	}
	v := event.Verdict{Action: b.says.action, Code: b.says.code, Reason: b.says.text}
	for _, m := range ev.Members {
		if b.some && out[m.ID] {
			v.Refused = append(v.Refused, event.Refusal{ID: m.ID, Reason: notYou})
		}
	}
	return v
}

// want is what becomes of p, what is counted of the hook, and what instead.
func (b *behaviour) want(s *server, p *proposal, hook string) (o outcome, counted, downgraded string, err error) {
	members := len(p.ev.Members)
	source, ok := answerOf(s.dialect.Spec().Name, s.generation, p.ev.Command)
	if !ok {
		return o, "", "", fmt.Errorf("the table says nothing of %s %s", s.dialect.Spec().Name, p.ev.Command)
	}
	command, generation := p.ev.Command, s.generation
	if hook != s.dialect.Spec().Name {
		command, generation = said(p.ev, hook), ""
	}
	r, cause := b.says, b.cause
	r.part = partOf(p.ev.Type)
	if b.some {
		r.out = p.out
	}
	if command == "" {
		cause = "untranslatable"
	}
	switch {
	case cause == "":
		heard, ok := answerOf(hook, generation, command)
		if !ok {
			return o, "", "", fmt.Errorf("the table says nothing of %s %s", hook, command)
		}
		cause = "hook"
		r = through(heard, command, r, members)
	case b.denies:
		r = ruling{action: event.Deny, text: unchecked}
	default:
		r = ruling{action: event.Allow}
	}
	o, instead := told(source, r, members, b.passes)
	if instead {
		by := event.Deny
		if b.passes {
			by = event.Allow
		}
		downgraded = string(r.action) + " " + string(by)
	}
	return o, string(r.action) + " " + cause, downgraded, nil
}

// TestVerdicts_EveryCellComesOutAsTheServerUnderstandsIt asks, as every vendor's server
// in every generation and with every before-command, a gateway whose hook speaks every
// dialect, gives every verdict and fails in every way, and judges what the gateway
// answers as the vendor's own server does. What must come of it is made of the tables,
// and so is what the gateway must count.
func TestVerdicts_EveryCellComesOutAsTheServerUnderstandsIt(t *testing.T) {
	r := builtin.New()
	all := servers(t, r)
	out := map[string]bool{}
	for _, s := range all {
		for i := range s.proposals {
			if members := s.proposals[i].ev.Members; len(members) > 0 {
				out[members[0].ID] = true
			}
		}
	}
	for _, s := range all {
		for i := range s.proposals {
			p := &s.proposals[i]
			for _, m := range p.ev.Members {
				if out[m.ID] {
					p.out = append(p.out, m.ID)
				}
			}
			slices.Sort(p.out)
		}
	}
	for _, hook := range r.All() {
		t.Run("hook="+hook.Spec().Name, func(t *testing.T) {
			t.Parallel()
			m := startMatrix(t, r, hook, all, out)
			m.run(t)
		})
	}
}

// matrix is a gateway with an app for each server and behaviour of one dialect's hooks.
type matrix struct {
	*app.App
	hook       dialect.Dialect
	servers    []server
	behaviours []behaviour
	out        map[string]bool
}

func startMatrix(t *testing.T, r *dialect.Registry, hook dialect.Dialect, servers []server, out map[string]bool) *matrix {
	t.Helper()
	m := &matrix{hook: hook, servers: servers, behaviours: behaviours(), out: out}
	var b strings.Builder
	fmt.Fprintf(&b, "listen: 127.0.0.1:0\ndata_dir: %s\napps:\n", filepath.Join(t.TempDir(), "data"))
	for i := range m.behaviours {
		url := m.backend(t, &m.behaviours[i])
		for _, s := range servers {
			m.write(&b, &m.behaviours[i], &s, url)
		}
	}
	cfg, err := config.Parse("imhook.yaml", []byte(b.String()), config.Options{Registry: r})
	if err != nil {
		t.Fatal(err)
	}
	if m.App, err = app.New(app.Config{Config: cfg, Registry: r, Version: "test"}); err != nil {
		t.Fatal(err)
	}
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, m.App) })
	return m
}

// backend is the hook's other end; its URL.
func (m *matrix) backend(t *testing.T, b *behaviour) string {
	t.Helper()
	if b.cause != "" && b.fails == nil {
		var lc net.ListenConfig
		l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return "http://" + l.Addr().String()
	}
	backend := imfake.NewBackend(m.hook, imfake.Credentials(credentials(m.hook)), imfake.Keep(0))
	t.Cleanup(backend.Close)
	backend.Answer(func(_ int, req *imfake.Received) imfake.Reply {
		if b.fails != nil {
			return b.fails(m.hook.Spec().Name)
		}
		return imfake.Verdict(b.verdict(req.Events[0], m.out))
	})
	return backend.URL()
}

// write writes the app of a server and a behaviour.
func (m *matrix) write(w *strings.Builder, b *behaviour, s *server, url string) {
	name := b.name + "-" + unit(s)
	fmt.Fprintf(w, "  - name: %s\n    sources:\n      - {name: %s, dialect: %s, deadline: 1m, %s", name, name, s.dialect.Spec().Name, credentialKeys(s.dialect))
	if s.generation != "" {
		fmt.Fprintf(w, "generation: %q", s.generation)
	}
	timeout := b.timeout
	if timeout == 0 {
		timeout = patience
	}
	fmt.Fprintf(w, "}\n    hooks:\n      - {name: hook, dialect: %s, url: %q, %s timeout: %v, breaker: {off: true}", m.hook.Spec().Name, url, credentialKeys(m.hook), timeout)
	if b.denies {
		fmt.Fprint(w, ", on_timeout: deny, on_error: deny, on_bad_reply: deny, on_overload: deny, on_untranslatable: deny")
	}
	if b.passes {
		fmt.Fprint(w, ", downgrade: {rewrite: allow, drop: allow, partial: allow}")
	}
	fmt.Fprint(w, "}\n    endpoints:\n      - {name: inbox, builtin: inbox}\n")
}

// unit names a server in the configuration.
func unit(s *server) string { return strings.ReplaceAll(s.name(), ".", "") }

// credentialKeys are a dialect's credentials as YAML.
func credentialKeys(d dialect.Dialect) string {
	cred := credentials(d)
	var keys []string
	for _, k := range d.Spec().Credentials {
		v := cred.Get(k.Name)
		if k.Secret && k.Required {
			v = string(cred.Secrets[0].Value)
		}
		if v != "" {
			keys = append(keys, fmt.Sprintf("%s: %q", k.Name, v))
		}
	}
	if len(keys) == 0 {
		return ""
	}
	return "credentials: {" + strings.Join(keys, ", ") + "}, "
}

// run asks all, some at a time, and then reads the counters.
func (m *matrix) run(t *testing.T) {
	t.Helper()
	var mu sync.Mutex
	want := map[string]int{}
	cells := 0
	work := make(chan func(), 64)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for f := range work {
				f()
			}
		})
	}
	for i := range m.behaviours {
		for j := range m.servers {
			work <- func() {
				n, counted := m.ask(t, &m.behaviours[i], &m.servers[j])
				mu.Lock()
				defer mu.Unlock()
				cells += n
				for key, k := range counted {
					want[key] += k
				}
			}
		}
	}
	close(work)
	wg.Wait()
	if cells == 0 {
		t.Fatal("nothing was asked")
	}
	t.Logf("%d cells", cells)
	if d := cmp.Diff(want, m.counters(t)); d != "" {
		t.Errorf("the counters (-want +got):\n%s", d)
	}
}

// ask puts a server's questions to the gateway; it returns what must be counted.
func (m *matrix) ask(t *testing.T, b *behaviour, s *server) (cells int, counted map[string]int) {
	t.Helper()
	name := b.name + "-" + unit(s)
	fake := imfake.NewServer(s.dialect, "http://"+m.Addr()+"/in/"+name, imfake.ServerConfig{
		Credentials: credentials(s.dialect), Generation: s.generation, Wait: time.Minute,
	})
	defer fake.Close()
	counted = map[string]int{}
	for i := range s.proposals {
		p := &s.proposals[i]
		label := fmt.Sprintf("%s %s, hook %s, %s", s.name(), p, m.hook.Spec().Name, b.name)
		if testing.Short() && !sampled(label) {
			continue
		}
		cells++
		want, verdict, instead, err := b.want(s, p, m.hook.Spec().Name)
		if err != nil {
			t.Errorf("%s: %v", label, err)
			continue
		}
		counted["decision "+name+" "+verdict]++
		if instead != "" {
			counted["downgrade "+name+" "+instead]++
		}
		j, err := fake.AskRequest(context.WithoutCancel(t.Context()), p.req)
		if err != nil {
			t.Errorf("%s: %v", label, err)
			continue
		}
		if j.Failed != "" {
			t.Errorf("%s: the server takes the answer for none: %s\n%d %s", label, j.Failed, j.Answer.Response.Status, j.Answer.Response.Body)
			continue
		}
		if d := cmp.Diff(want, came(j)); d != "" {
			t.Errorf("%s (-want +got):\n%s\nanswer: %d %s", label, d, j.Answer.Response.Status, j.Answer.Response.Body)
		}
	}
	return cells, counted
}

// sampled picks one cell in sixty-four, always the same.
func sampled(label string) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(label))
	return h.Sum32()%64 == 0
}

// came is a judgement in the table's words.
func came(j imfake.Judgement) outcome {
	o := outcome{Effect: j.Effect, Code: j.Code, Text: j.Text}
	var fields []string
	for field, value := range j.Fields {
		if !strings.Contains(value, masked) {
			field += "=" + value
		}
		fields = append(fields, field)
	}
	slices.Sort(fields)
	o.Field = strings.Join(fields, " ")
	for _, r := range j.Members {
		o.Out = append(o.Out, r.ID)
	}
	slices.Sort(o.Out)
	return o
}

var (
	decisions  = regexp.MustCompile(`(?m)^imhook_decisions_total\{app="(.*?)",cause="(.*?)",hook="hook",verdict="(.*?)"\} (\d+)$`)
	downgrades = regexp.MustCompile(`(?m)^imhook_downgraded_total\{app="(.*?)",hook="hook",instead="(.*?)",verdict="(.*?)"\} (\d+)$`)
)

// counters are the gateway's own, in the table's words.
func (m *matrix) counters(t *testing.T) map[string]int {
	t.Helper()
	_, text := ask(t, "http://"+m.Addr()+"/metrics", "")
	got := map[string]int{}
	for _, c := range decisions.FindAllStringSubmatch(text, -1) {
		got["decision "+c[1]+" "+c[3]+" "+c[2]], _ = strconv.Atoi(c[4])
	}
	for _, c := range downgrades.FindAllStringSubmatch(text, -1) {
		got["downgrade "+c[1]+" "+c[3]+" "+c[2]], _ = strconv.Atoi(c[4])
	}
	return got
}
