package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/internal/config"
)

// extend reads a file and adds to it.
func extend(t *testing.T, file string, all ...config.Addition) (*config.Config, []config.Added) {
	t.Helper()
	o := config.Options{
		Registry: registry(), Now: func() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) },
		ReadFile: func(name string) ([]byte, error) {
			t.Errorf("%s was read", name)
			return nil, fmt.Errorf("no %s", name)
		},
		LookupEnv: func(key string) (string, bool) { t.Errorf("%s was looked up", key); return "", false },
	}
	base, err := config.Parse("imhook.yaml", []byte(file), o)
	if err != nil {
		t.Fatal(err)
	}
	return config.Extend(base, o, all)
}

const small = `
egress: {allow: [10.1.0.0/16]}
apps:
  - name: shop
    sources: [{name: im, dialect: plain}]
    hooks: [{name: words, builtin: wordlist, words: [bad]}]
    endpoints: [{name: backend, url: "http://backend:8080", dialect: plain}]
`

func TestExtend_PutsAdditionsBesideTheFile(t *testing.T) {
	t.Parallel()
	c, added := extend(t, small,
		config.Addition{config.SectionEndpoints, "shop", "far", "url: https://far.example\ndialect: plain\nsources: [late]\ntimeout: 9s\n"},
		config.Addition{config.SectionEndpoints, "other", "inbox", "builtin: inbox"},
		config.Addition{config.SectionHooks, "shop", "asked", "url: https://asked.example\ndialect: plain\n"},
		config.Addition{config.SectionSources, "shop", "late", "dialect: signed\ncredentials: {app_key: k, app_secret: s-hush}\n"},
	)
	for _, a := range added {
		if len(a.Problems) > 0 {
			t.Errorf("%s %s: %v", a.Section, a.ID(), a.Problems)
		}
	}
	var got []string
	for _, a := range c.Apps {
		for _, s := range a.Sources {
			got = append(got, a.Name+" source "+s.Name)
		}
		for _, h := range a.Hooks {
			got = append(got, fmt.Sprintf("%s hook %s guarded=%v", a.Name, h.Name, h.FromAPI))
		}
		for _, e := range a.Endpoints {
			got = append(got, fmt.Sprintf("%s endpoint %s guarded=%v", a.Name, e.Name, e.FromAPI))
		}
	}
	want := []string{
		"shop source im", "shop source late", "shop hook words guarded=false", "shop hook asked guarded=true",
		"shop endpoint backend guarded=false", "shop endpoint far guarded=true", "other endpoint inbox guarded=true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	if g := c.Calls(true); g.AllowPrivate || len(g.Allow) != 1 || g.Allow[0].String() != "10.1.0.0/16" {
		t.Errorf("it may call %+v", g)
	}
	all, err := c.Explain("apps.shop.endpoints.far.timeout")
	if err != nil || len(all) != 1 || all[0].Value != "9s" || all[0].Origin.String() != "api" {
		t.Errorf("timeout = %+v, %v", all, err)
	}
	all, err = c.Explain("apps.shop.endpoints.far.order")
	if err != nil || all[0].Origin.Kind != config.OriginDefault {
		t.Errorf("order = %+v, %v", all, err)
	}
}

// The name of a source is in its path: it is one for all apps, whoever has it.
func TestExtend_SourceOfAnotherApp(t *testing.T) {
	t.Parallel()
	c, added := extend(t, small,
		config.Addition{config.SectionSources, "shop", "late", "dialect: plain\n"}, config.Addition{config.SectionSources, "other", "late", "dialect: plain\n"},
	)
	if len(added[0].Problems) > 0 || len(added[1].Problems) != 1 || added[1].Shadowed || !strings.Contains(added[1].Problems[0].Text, "a source late already, in another app") {
		t.Errorf("became %+v", added)
	}
	if app, _, ok := c.Source("late"); !ok || app != "shop" {
		t.Errorf("late is of %q", app)
	}
}

func TestExtend_RefusesInTheWordsOfTheFile(t *testing.T) {
	t.Parallel()
	const url = "url: https://b.example\n"
	for _, tt := range []struct {
		name string
		a    config.Addition
		want []string // the problems: line key: beginning
	}{
		{"unknown key", config.Addition{config.SectionEndpoints, "shop", "x", url + "dialect: plain\nconcurency: 3\n"}, []string{`3 concurency: unknown key; did you mean "concurrency"?`}},
		{"no dialect", config.Addition{config.SectionEndpoints, "shop", "x", url}, []string{"1 : dialect is missing"}},
		{"unknown source", config.Addition{config.SectionEndpoints, "shop", "x", url + "dialect: plain\nsources: [imm]\n"}, []string{`3 sources[0]: this app has no source "imm"; did you mean im?`}},
		{"the file wins", config.Addition{config.SectionEndpoints, "shop", "backend", url + "dialect: plain\n"}, []string{"0 name: the configuration file defines the endpoint backend, and the file wins"}},
		{"in another app", config.Addition{config.SectionSources, "other", "im", "dialect: plain"}, []string{"0 name: the configuration file defines the source im"}},
		{"a hook of the file", config.Addition{config.SectionHooks, "shop", "words", url + "dialect: plain"}, []string{"0 name: the configuration file defines the hook words"}},
		{"a bad name", config.Addition{config.SectionEndpoints, "shop", "a b", url + "dialect: plain\n"}, []string{`1 name: "a b" cannot be a name`}},
		{"a bad app", config.Addition{config.SectionEndpoints, "a/b", "x", url + "dialect: plain\n"}, []string{`1 : "a/b" cannot be the name of an app`}},
		{"a file", config.Addition{config.SectionEndpoints, "shop", "x", url + "dialect: own\ncredentials:\n  secret_file: /etc/shadow\n"}, []string{"4 credentials.secret_file: names something of the gateway's machine"}},
		{"an environment variable", config.Addition{config.SectionEndpoints, "shop", "x", url + "dialect: own\ncredentials: {secrets: [{value_env: HOME}]}\n"}, []string{"3 credentials.secrets[0].value_env: names something"}},
		{"certificates", config.Addition{config.SectionHooks, "shop", "x", url + "dialect: plain\ntls: {ca_file: ca.pem}\n"}, []string{"3 tls.ca_file: names something"}},
		{"a word list's file", config.Addition{config.SectionHooks, "shop", "x", "builtin: wordlist\nfile: /etc/passwd\n"}, []string{"2 file: names something"}},
		{"an alias", config.Addition{config.SectionHooks, "shop", "x", "url: &u https://b.example\ndialect: plain\nwhen: *u\n"}, []string{"3 when: is an alias"}},
		{"loopback", config.Addition{config.SectionEndpoints, "shop", "x", "url: http://127.0.0.1:9/\ndialect: plain\n"}, []string{"1 url: address may not be called: 127.0.0.1 is"}},
		{"loopback by name", config.Addition{config.SectionHooks, "shop", "x", "url: http://LocalHost:9/\ndialect: plain\n"}, []string{"1 url: address may not be called: 127.0.0.1 is private"}},
		{"loopback in IPv6", config.Addition{config.SectionEndpoints, "shop", "x", "url: http://[::ffff:127.0.0.1]:9/\ndialect: plain\n"}, []string{"1 url: address may not be called: 127.0.0.1 is private"}},
		{"private", config.Addition{config.SectionEndpoints, "shop", "x", "url: http://10.2.0.1/\ndialect: plain\n"}, []string{"1 url: address may not be called: 10.2.0.1 is"}},
		{"metadata", config.Addition{config.SectionEndpoints, "shop", "x", "url: http://169.254.169.254/\ndialect: plain\n"}, []string{"1 url: address may not be called: 169.254.169.254 is"}},
		{"a private broker", config.Addition{config.SectionEndpoints, "shop", "x", "kafka: {brokers: ['10.2.0.1:9092'], topic: im}\n"}, []string{"1 kafka.brokers[0]: address may not be called: 10.2.0.1 is"}},
		{"private, and allowed", config.Addition{config.SectionEndpoints, "shop", "x", "url: http://10.1.2.3/\ndialect: plain\n"}, nil},
		{"public", config.Addition{config.SectionEndpoints, "shop", "x", "url: http://93.184.215.14/\ndialect: plain\n"}, nil},
		{"paths may be called anything", config.Addition{config.SectionEndpoints, "shop", "x", url + "dialect: plain\npaths: {message: /file}\n"}, nil},
		{"a list", config.Addition{config.SectionEndpoints, "shop", "x", "- a\n"}, []string{"1 : must be a mapping"}},
		{"no YAML", config.Addition{config.SectionEndpoints, "shop", "x", "{"}, []string{"2 : this is no YAML"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, added := extend(t, small, tt.a)
			var got []string
			for i, p := range added[0].Problems {
				line := fmt.Sprintf("%d %s: %s", p.Line, p.Path, p.Text)
				if i < len(tt.want) && strings.HasPrefix(line, tt.want[i]) {
					line = tt.want[i]
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			n := 0
			for _, a := range c.Apps {
				n += len(a.Sources) + len(a.Hooks) + len(a.Endpoints)
			}
			if want := 3 + 1 - min(1, len(tt.want)); n != want {
				t.Errorf("the configuration has %d things, want %d", n, want)
			}
		})
	}
}

func TestExtend_OneThatIsWrongDisturbsNoOther(t *testing.T) {
	t.Parallel()
	c, added := extend(t, small,
		config.Addition{config.SectionSources, "shop", "late", "dialect: none"},
		config.Addition{config.SectionEndpoints, "shop", "needs", "builtin: inbox\nsources: [late]\n"},
		config.Addition{config.SectionEndpoints, "shop", "fine", "builtin: inbox\n"},
		config.Addition{config.SectionEndpoints, "shop", "fine", "builtin: inbox\n"},
	)
	if n := len(c.Apps[0].Endpoints); n != 2 {
		t.Errorf("there are %d endpoints, want the file's and the one that is fine", n)
	}
	for i, want := range []bool{true, true, false, true} {
		if got := len(added[i].Problems) > 0; got != want {
			t.Errorf("addition %d is wrong: %v (%v), want %v", i, got, added[i].Problems, want)
		}
	}
}

func TestExtend_LeavesTheFileAlone(t *testing.T) {
	t.Parallel()
	o := config.Options{Registry: registry()}
	base, err := config.Parse("imhook.yaml", []byte(small), o)
	if err != nil {
		t.Fatal(err)
	}
	before := fmt.Sprintf("%+v", base.Apps)
	c, _ := config.Extend(base, o, []config.Addition{{config.SectionEndpoints, "shop", "x", "builtin: inbox"}})
	if fmt.Sprintf("%+v", base.Apps) != before {
		t.Error("the file's own configuration was changed")
	}
	if diff := config.Diff(base, c); len(diff) != 1 || diff[0].String() != "endpoint shop/x added" {
		t.Errorf("difference = %v", diff)
	}
	if again, _ := config.Extend(base, o, nil); again != base {
		t.Error("nothing to add makes another configuration")
	}
}
