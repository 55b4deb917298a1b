package movein_test

import (
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway/match"
	"github.com/imhook/imhook/internal/movein"
)

var update = flag.Bool("update", false, "rewrite the golden outputs")

// spec is that of a vendor's dialect.
func spec(tb testing.TB, reg *dialect.Registry, name string) *dialect.Spec {
	tb.Helper()
	d, err := reg.Get(name)
	if err != nil {
		tb.Fatal(err)
	}
	return d.Spec()
}

// read reads a file as the vendor's.
func read(tb testing.TB, reg *dialect.Registry, vendor, name string, data []byte) (*movein.Found, error) {
	tb.Helper()
	if vendor == "openim" {
		return movein.ReadOpenIM(spec(tb, reg, vendor), name, data)
	}
	return movein.ReadWildfireChat(spec(tb, reg, vendor), name, data)
}

func options(tb testing.TB, base string) movein.Options {
	tb.Helper()
	u, err := url.Parse(base)
	if err != nil {
		tb.Fatal(err)
	}
	return movein.Options{BaseURL: u, App: "shop", Source: "im", Condition: match.CheckCondition}
}

// parse reads what was written as a gateway does.
func parse(reg *dialect.Registry, text string) (*config.Config, error) {
	return config.Parse("imhook.yaml", []byte(text), config.Options{
		Registry: reg, Condition: match.CheckCondition,
		Pattern: func(pattern string, phase event.Phase) error {
			_, err := match.Compile(match.Rule{App: "shop", Phase: phase, Events: []string{pattern}}, reg)
			return err
		},
	})
}

// plan imports text and fails when that is not possible.
func plan(tb testing.TB, reg *dialect.Registry, vendor, text string) *movein.Plan {
	tb.Helper()
	found, err := read(tb, reg, vendor, "conf", []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return movein.NewPlan(found, options(tb, "http://imhook:8420"))
}

// matcher is the rule of the endpoint, or the hook, of that name.
func matcher(tb testing.TB, reg *dialect.Registry, target *movein.Target, phase event.Phase) *match.Matcher {
	tb.Helper()
	var events []string
	for _, c := range target.Callbacks {
		events = append(events, c.Names...)
	}
	m, err := match.Compile(match.Rule{
		App: "shop", Phase: phase, Events: events, Sources: []string{"im"}, When: strings.Join(target.When, " && "),
		Failed: func(ev *event.Event, err error) { tb.Errorf("%s: %v", ev.Command, err) },
	}, reg)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// problems are the lines of an import that is refused.
func problems(t *testing.T, vendor, text string) string {
	t.Helper()
	reg := builtin.New()
	_, err := read(t, reg, vendor, "conf", []byte(text))
	if err == nil {
		t.Fatal("the file was read")
	}
	return err.Error()
}

func warnings(p *movein.Plan) string {
	var b strings.Builder
	for _, w := range p.Warnings {
		b.WriteString(w.Warning("conf") + "\n")
	}
	return b.String()
}

// TestPlan_Golden writes out what becomes of one file of each generation. The
// files have the forms of the vendors' and values of their own.
func TestPlan_Golden(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ vendor, file string }{
		{"openim", "openim-v38.yml"},
		{"openim", "openim-v36.yaml"},
		{"openim", "openim-v32.yaml"},
		{"openim", "openim-v2.yaml"},
		{"wildfirechat", "wildfirechat.conf"},
	} {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			reg := builtin.New()
			data, err := os.ReadFile(filepath.Join("testdata", tt.file))
			if err != nil {
				t.Fatal(err)
			}
			found, err := read(t, reg, tt.vendor, tt.file, data)
			if err != nil {
				t.Fatal(err)
			}
			p := movein.NewPlan(found, options(t, "http://imhook:8420"))
			var b strings.Builder
			for _, w := range p.Warnings {
				b.WriteString(w.Warning(tt.file) + "\n")
			}
			got := p.Config() + "--- paste\n" + p.Paste() + "--- warnings\n" + b.String()
			for _, secret := range []string{"hunter2", "tuoyun", "not-to-be-repeated"} {
				if strings.Contains(got, secret) {
					t.Errorf("%s of another setting is repeated", secret)
				}
			}
			golden := filepath.Join("testdata", tt.file+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("differs from %s (-want +got):\n%s", golden, diff)
			}
			c, err := parse(reg, p.Config())
			if err != nil {
				t.Fatalf("the configuration is not right:\n%v", err)
			}
			if ws := c.Warnings(); len(ws) > 0 {
				t.Errorf("the configuration has warnings: %v", ws)
			}
			checkHooks(t, reg, p, c)
		})
	}
}

// checkHooks compares the hooks that a gateway reads with the plan, and compiles their
// rules.
func checkHooks(t *testing.T, reg *dialect.Registry, p *movein.Plan, c *config.Config) {
	t.Helper()
	app := c.Apps[0]
	if len(app.Hooks) != len(p.Hooks) || len(p.Hooks) == 0 != (len(p.Before()) == 0) {
		t.Fatalf("%d hooks are written, want %d", len(app.Hooks), len(p.Hooks))
	}
	named := 0
	for i, h := range app.Hooks {
		want := config.FailAllow
		if p.Hooks[i].Stops {
			want = config.FailDeny
		}
		if h.Timeout != p.Hooks[i].Timeout || h.OnTimeout != want || h.OnError != want || h.OnBadReply != want || h.OnOverload != want {
			t.Errorf("hook %s is %+v, want %+v", h.Name, h, p.Hooks[i])
		}
		if app.Sources[0].Deadline <= h.Timeout {
			t.Errorf("hook %s has %s, and the server waits %s", h.Name, h.Timeout, app.Sources[0].Deadline)
		}
		named += len(h.Events)
		matcher(t, reg, &p.Hooks[i], event.Before)
	}
	if named < len(p.Before()) {
		t.Errorf("%d patterns for %d before-callbacks", named, len(p.Before()))
	}
}

func TestPlan_ListensWhereTheServerReachesIt(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	for _, tt := range []struct{ base, listen, admin, source string }{
		{"http://imhook:8420", "0.0.0.0:8420", "127.0.0.1:8421", "http://imhook:8420/in/im"},
		{"http://10.0.0.7:8421/", "0.0.0.0:8421", "127.0.0.1:8420", "http://10.0.0.7:8421/in/im"},
		{"http://localhost:9000", "127.0.0.1:9000", "", "http://localhost:9000/in/im"},
		{"http://[::1]:9000", "127.0.0.1:9000", "", "http://[::1]:9000/in/im"},
		{"https://hooks.example.com/callbacks", "0.0.0.0:8420", "127.0.0.1:8421", "https://hooks.example.com/callbacks/in/im"},
	} {
		found, err := read(t, reg, "wildfirechat", "conf", []byte("message.forward.url http://127.0.0.1:9/m\n"))
		if err != nil {
			t.Fatal(err)
		}
		o := options(t, tt.base)
		o.AllowFrom = []string{"10.0.0.0/8", "192.168.1.9"}
		p := movein.NewPlan(found, o)
		c, err := parse(reg, p.Config())
		if err != nil {
			t.Errorf("%s: %v", tt.base, err)
			continue
		}
		if c.Listen != tt.listen || c.Admin.Listen != tt.admin || p.SourceURL() != tt.source {
			t.Errorf("%s: listens on %s, API on %q, source at %s", tt.base, c.Listen, c.Admin.Listen, p.SourceURL())
		}
		if got := len(c.Apps[0].Sources[0].AllowFrom); got != 2 {
			t.Errorf("%s: %d addresses may call, want 2", tt.base, got)
		}
		if warned := strings.Contains(warnings(p), "is the IM server's own machine"); warned == (tt.admin == "") {
			t.Errorf("%s: warned of the backend on loopback: %t", tt.base, warned)
		}
		if !strings.Contains(p.Paste(), tt.source+"/im_event/message\n") {
			t.Errorf("%s: the lines to paste are\n%s", tt.base, p.Paste())
		}
	}
}

// decoded is one event as a gateway has it when it matches.
func decoded(tb testing.TB, d dialect.Dialect, req *dialect.Request) []*event.Event {
	tb.Helper()
	evs, err := d.Decode(req)
	if err != nil {
		tb.Fatal(err)
	}
	for _, ev := range evs {
		ev.App, ev.Source = "shop", "im"
	}
	return evs
}

// picked reports whether the rule picks all events of the request; it must not
// pick some of them only.
func picked(tb testing.TB, m *match.Matcher, evs []*event.Event) bool {
	tb.Helper()
	n := len(slices.DeleteFunc(slices.Clone(evs), func(ev *event.Event) bool { return !m.Match(ev) }))
	if n != 0 && n != len(evs) {
		tb.Errorf("%d of %d events are picked", n, len(evs))
	}
	return n > 0
}
