package config_test

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/config"
)

var update = flag.Bool("update", false, "rewrite testdata/*.txt")

// secretWords occur as secrets in the files and must occur in no problem.
var secretWords = []string{"s-hidden", "hidden-too", "leak"}

// now is when the files are read.
var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// misplaced is what is wrong with a condition at a place in it.
type misplaced struct{ line, column int }

func (*misplaced) Error() string { return "this is not expected here" }

func (m *misplaced) Position() (line, column int) { return m.line, m.column }

func options() config.Options {
	return config.Options{
		Registry: registry(),
		Pattern: func(p string, _ event.Phase) error {
			if strings.Contains(p, " ") {
				return errors.New("a space; separate patterns with commas")
			}
			return nil
		},
		Matches: func(p string, _ event.Phase) func(*event.Event) bool {
			if strings.Contains(p, " ") {
				return nil
			}
			return func(ev *event.Event) bool {
				family, all := strings.CutSuffix(p, "*")
				return p == "**" || string(ev.Type) == p || all && strings.HasPrefix(string(ev.Type), family)
			}
		},
		Condition: func(text string) error {
			line, column := 1, 1
			for _, r := range text {
				if r == '!' {
					return &misplaced{line, column}
				}
				if column++; r == '\n' {
					line, column = line+1, 1
				}
			}
			if strings.HasSuffix(text, "&&") {
				return &misplaced{line, column}
			}
			if strings.HasPrefix(text, "?") {
				return errors.New("this is no condition; ask something")
			}
			return nil
		},
		Word: func(line string) error {
			if strings.HasPrefix(strings.TrimSpace(line), ".") {
				return errors.New("this is no word; write the letters alone")
			}
			return nil
		},
		Now: func() time.Time { return now },
		LookupEnv: func(key string) (string, bool) {
			v, ok := map[string]string{"RONG_SECRET": "s-env-value", "HISTORY_URL": "postgres://imhook:s-hidden@db/history", "EMPTY": ""}[key]
			return v, ok
		},
		ReadFile: func(name string) ([]byte, error) {
			if base, ok := strings.CutPrefix(name, "testdata"+string(filepath.Separator)); ok {
				if b, ok := testFiles()[base]; ok {
					return b, nil
				}
			}
			return nil, fmt.Errorf("open %s: %w", name, os.ErrNotExist)
		},
	}
}

func TestLoad_ReportsEveryProblemWithItsPlace(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files to check: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, err := config.Parse(filepath.ToSlash(file), data, options())
			got := "ok"
			if err == nil {
				for _, w := range c.Warnings() {
					got += "\n" + w.Warning(filepath.ToSlash(file))
				}
			} else {
				if _, ok := errors.AsType[*config.Error](err); !ok {
					t.Errorf("Parse(%s) = %T, want *config.Error", file, err)
				}
				got = err.Error()
			}
			got += "\n"
			for _, s := range secretWords {
				if strings.Contains(got, s) {
					t.Errorf("Parse(%s) prints the secret %q:\n%s", file, s, got)
				}
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("Parse(%s) (-want +got):\n%s", file, diff)
			}
		})
	}
}

const whole = `
listen: 0.0.0.0:8420
data_dir: /var/lib/imhook
tls: {cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt}
admin: {token_file: secret, listen: "127.0.0.1:8421", tls: {cert_file: server.crt, key_file: server.key}}
trusted_proxies: [10.0.0.1, "fd00::/8"]
egress: {allow: [198.18.0.0/15, "64:ff9b::/96"]}
tracing: {url: "http://collector:4318", sample: 5%}
journal:
  url: nats://n1:4222, nats://n2
  name: shop-1
  replicas: 3
  user: imhook
  password_env: RONG_SECRET
  tls: {ca_file: ca.crt, cert_file: client.crt, key_file: client.key, server_name: nats.example.com}
  when_full: drop_oldest
  retain: {age: 7d, bytes: 1.5GiB}
  decisions: {age: 12h, bytes: 64MiB}
  attempts: {age: 6h, bytes: 32MiB, sample: 10}
  max_body: 500KB
history: {url_env: HISTORY_URL, age: 14d, bytes: 2GiB, off: false}
apps:
  - name: shop
    sources:
      - {name: im, dialect: plain, generation: legacy, deadline: 2s, allow_from: [10.0.0.0/8], credentials: {path_token: s-0123456789ab}}
      - {name: im-2, dialect: plain, credentials: {path_tokens: [{value: s-0123456789ab, until: 2026-12-24}, {value: s-0123456789ac}]}}
      - name: rong
        dialect: signed
        max_age: 1m
        accept_unsigned: [reaction]
        credentials:
          app_key: 12345
          secrets: [{value_env: RONG_SECRET, until: 2026-12-01}, {value: s-hidden, from: 2026-11-20T08:00:00Z}]
    hooks:
      - name: moderation
        url: https://moderator:9000/before
        dialect: signed
        credentials: {app_key: k, secret_file: secret}
        events: ["friend.*"]
        sources: [im]
        when: event.message.kind == "text"
        paths: {message_sync: /sync}
        tls: {ca_file: ca.crt, server_name: moderator}
        canary: 5%
        timeout: 400ms
        concurrency: 7
        on_timeout: deny
        on_error: deny
        on_bad_reply: deny
        on_overload: deny
        on_untranslatable: deny
        vote: true
        downgrade: {rewrite: allow, drop: allow, partial: allow}
        breaker: {off: true, least: 3, within: 1m, pause: 2s}
      - {name: words, builtin: wordlist, file: words.txt, action: deny, mask: ＊, code: 7, reason: not here}
    endpoints:
      - name: backend
        url: https://backend:8080/callback
        dialect: signed
        credentials: {app_key: k, secret_file: secret}
        events: ["message.*"]
        sources: [rong]
        order: strict
        concurrency: 4
        timeout: 900ms
        retry: {fast: [1s], slow: {from: 1m, to: 2m}, max_age: 1h, max_attempts: 9}
        rate: 90/m
        bytes_in_flight: 2MiB
        breaker: {off: true, least: 3, pause: {from: 2s, to: 4s}}
        on_poison: block
        backlog: {age: 1h, bytes: 1GiB}
        paths: {message_sync: /sync}
        on_refusal: park
        echoes: true
        policy: imhook
        start: 24h
        when: event.message.kind == "text"
        tls: {ca_file: ca.crt, server_name: backend}
      - {name: batches, url: "https://b", dialect: own, credentials: {secret: s-hidden}, start: 2026-11-20, spread: 3, batch: {count: 100, bytes: 512KiB, linger: 50ms}, coalesce: 3s}
      - {name: seen, builtin: inbox}
`

func TestParse_FillsEveryField(t *testing.T) {
	t.Parallel()
	got, err := config.Parse("testdata/whole.yml", []byte(whole), options())
	if err != nil {
		t.Fatal(err)
	}
	day := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 0, 0, 0, 0, time.UTC) }
	in := func(name string) string { return filepath.Join("testdata", name) }
	defaults := config.Endpoint{
		Generation: "auto", Events: []string{"**"},
		Order: config.OrderConversation, Concurrency: 32, Spread: 1, Timeout: 5 * time.Second,
		Retry: config.Retry{
			Fast:     []time.Duration{time.Second, 5 * time.Second, 30 * time.Second},
			SlowFrom: 2 * time.Minute, SlowTo: time.Hour, MaxAge: 72 * time.Hour,
		},
		BacklogAge: 72 * time.Hour, BacklogBytes: 3 << 28, OnRefusal: config.RefusalIgnore, Policy: config.PolicyImhook,
		Batch: config.Batch{Count: 1, Bytes: 1 << 20}, BytesInFlight: 32 << 20, OnPoison: config.PoisonPark,
		Breaker: config.EndpointBreaker{Least: 10, From: time.Second, To: time.Minute},
	}
	seen, batches := defaults, defaults
	seen.Name, seen.Builtin = "seen", config.Inbox
	batches.Name, batches.URL, batches.Dialect = "batches", "https://b", "own"
	batches.Credentials.Secrets = []dialect.DatedSecret{{Value: "s-hidden"}}
	batches.Start.At, batches.Spread = day(time.November, 20), 3
	batches.Coalesce = 3 * time.Second
	batches.Batch = config.Batch{Count: 100, Bytes: 512 << 10, Linger: 50 * time.Millisecond}
	want := &config.Config{
		Listen: "0.0.0.0:8420", DataDir: "/var/lib/imhook",
		TLS: &config.ServerTLS{CertFile: in("server.crt"), KeyFile: in("server.key"), ClientCAFile: in("ca.crt")},
		Admin: config.Admin{
			Token: "s-file-value", Listen: "127.0.0.1:8421",
			TLS: &config.ServerTLS{CertFile: in("server.crt"), KeyFile: in("server.key")},
		},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("fd00::/8")},
		Egress:         config.Egress{Allow: []netip.Prefix{netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("64:ff9b::/96")}},
		Tracing:        config.Tracing{URL: "http://collector:4318", Sample: 0.05},
		Journal: config.Journal{
			URL: "nats://n1:4222,nats://n2", Name: "shop-1", Replicas: 3, User: "imhook", Password: "s-env-value",
			TLS:  &config.ClientTLS{CAFile: in("ca.crt"), CertFile: in("client.crt"), KeyFile: in("client.key"), ServerName: "nats.example.com"},
			Sync: config.SyncAlways, WhenFull: config.FullDropOldest,
			RetainAge: 7 * 24 * time.Hour, RetainBytes: 3 << 29, DecisionsAge: 12 * time.Hour, DecisionsBytes: 64 << 20,
			AttemptsAge: 6 * time.Hour, AttemptsBytes: 32 << 20, AttemptsSample: 10, MaxBody: 500_000,
		},
		History: config.History{URL: "postgres://imhook:s-hidden@db/history", Age: 14 * 24 * time.Hour, Bytes: 2 << 30},
		Apps: []config.App{{
			Name: "shop",
			Sources: []config.Source{
				{
					Name: "im", Dialect: "plain", Generation: "legacy", Deadline: 2 * time.Second, PathToken: "s-0123456789ab",
					AllowFrom: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
				},
				{
					Name: "im-2", Dialect: "plain", Generation: "auto",
					PathTokens: []dialect.DatedSecret{{Value: "s-0123456789ab", Until: day(time.December, 24)}, {Value: "s-0123456789ac"}},
				},
				{
					Name: "rong", Dialect: "signed", Generation: "auto", MaxAge: time.Minute, AcceptUnsigned: []string{"reaction"},
					Credentials: dialect.Credentials{
						Public: map[string]string{"app_key": "12345"},
						Secrets: []dialect.DatedSecret{
							{Value: "s-env-value", Until: day(time.December, 1)},
							{Value: "s-hidden", From: day(time.November, 20).Add(8 * time.Hour)},
						},
					},
				},
			},
			Hooks: []config.Hook{
				{
					Name: "moderation", Enabled: true, URL: "https://moderator:9000/before", Dialect: "signed", Generation: "auto",
					Credentials: dialect.Credentials{
						Public:  map[string]string{"app_key": "k"},
						Secrets: []dialect.DatedSecret{{Value: "s-file-value"}},
					},
					Action: config.WordMask, Mask: "*", Events: []string{"friend.*"}, Sources: []string{"im"}, When: `event.message.kind == "text"`,
					Paths: map[string]string{"message_sync": "/sync"}, TLS: &config.ClientTLS{CAFile: in("ca.crt"), ServerName: "moderator"},
					Canary: 0.05, Timeout: 400 * time.Millisecond, Concurrency: 7, Vote: true,
					OnTimeout: config.FailDeny, OnError: config.FailDeny, OnBadReply: config.FailDeny,
					OnOverload: config.FailDeny, OnUntranslatable: config.FailDeny,
					Downgrade: config.Downgrade{Rewrite: config.FailAllow, Drop: config.FailAllow, Partial: config.FailAllow},
					Breaker:   config.Breaker{Off: true, Least: 3, Within: time.Minute, Pause: 2 * time.Second},
				},
				{
					Name: "words", Enabled: true, Builtin: config.Wordlist, File: in("words.txt"), Action: config.WordDeny, Mask: "＊", Code: 7, Reason: "not here",
					Generation: "auto", Events: []string{"**"}, Canary: 1, Timeout: 500 * time.Millisecond, Concurrency: 256,
					OnTimeout: config.FailAllow, OnError: config.FailAllow, OnBadReply: config.FailAllow,
					OnOverload: config.FailAllow, OnUntranslatable: config.FailAllow,
					Downgrade: config.Downgrade{Rewrite: config.FailDeny, Drop: config.FailDeny, Partial: config.FailDeny},
					Breaker:   config.Breaker{Least: 5, Within: 10 * time.Second, Pause: 5 * time.Second},
				},
			},
			Endpoints: []config.Endpoint{
				{
					Name: "backend", URL: "https://backend:8080/callback", Dialect: "signed", Generation: "auto",
					Credentials: dialect.Credentials{
						Public:  map[string]string{"app_key": "k"},
						Secrets: []dialect.DatedSecret{{Value: "s-file-value"}},
					},
					Events: []string{"message.*"}, Sources: []string{"rong"}, Order: config.OrderStrict,
					Concurrency: 4, Spread: 1, Timeout: 900 * time.Millisecond,
					Retry: config.Retry{Fast: []time.Duration{time.Second}, SlowFrom: time.Minute, SlowTo: 2 * time.Minute, MaxAge: time.Hour, MaxAttempts: 9},
					Rate:  1.5, BytesInFlight: 2 << 20, OnPoison: config.PoisonBlock,
					Breaker:    config.EndpointBreaker{Off: true, Least: 3, From: 2 * time.Second, To: 4 * time.Second},
					BacklogAge: time.Hour, BacklogBytes: 1 << 30,
					Paths: map[string]string{"message_sync": "/sync"}, OnRefusal: config.RefusalPark, Echoes: true, Policy: config.PolicyImhook,
					Start: config.Start{At: now.Add(-24 * time.Hour), Ago: 24 * time.Hour},
					When:  `event.message.kind == "text"`, Batch: defaults.Batch,
					TLS: &config.ClientTLS{CAFile: in("ca.crt"), ServerName: "backend"},
				},
				batches,
				seen,
			},
		}},
	}
	if len(got.Warnings()) > 0 {
		t.Errorf("warnings: %v", got.Warnings())
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{}), cmpopts.IgnoreUnexported(config.Config{})); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
}

func TestParse_FlagsWinOverTheFile(t *testing.T) {
	t.Parallel()
	const file = "listen: 127.0.0.1:1\ndata_dir: a\napps: [{name: shop}]\n"
	o := options()
	o.Listen, o.DataDir = "[::1]:2", "b"
	c, err := config.Parse("f.yaml", []byte(file), o)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "[::1]:2" || c.DataDir != "b" {
		t.Errorf("Parse = %s, %s; want the flags' [::1]:2, b", c.Listen, c.DataDir)
	}
	o.Listen = ":8420"
	if _, err = config.Parse("f.yaml", []byte(file), o); err == nil || !strings.Contains(err.Error(), "--listen: :8420 is reachable from outside and the API is open; set admin.token") {
		t.Errorf("Parse with an open flag address = %v, want it refused", err)
	}
}

func TestParse_SaysWhatIsNoYAML(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                "f.yaml: the file is empty",
		"# nothing\n":                     "f.yaml: the file is empty",
		"a: [1\nb: 2":                     "f.yaml:2:",
		"apps:\n\t- name: a":              "f.yaml:2:1: this is no YAML: found character that cannot start any token; check quotes and indentation, by spaces",
		"admin: {token: *leak}":           "f.yaml:1:16: unknown anchor; put quotes",
		"apps: [{name: a}]\n---\nb: 2":    "f.yaml:",
		"- a\n":                           "f.yaml:1:1: must be a mapping of keys to values, not a list",
		"x: &a [*a]":                      "f.yaml:1:1: apps is missing",
		"apps: &a [{name: b, hooks: *a}]": "f.yaml:1:",
	} {
		_, err := config.Parse("f.yaml", []byte(text), options())
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, want %s…", text, err, want)
		} else if strings.Contains(err.Error(), "leak") {
			t.Errorf("Parse(%q) prints the secret: %v", text, err)
		}
	}
}

func TestLoad_MissingFileIsNoProblemOfItsContent(t *testing.T) {
	t.Parallel()
	_, err := config.Load("nowhere.yaml", options())
	if _, ok := errors.AsType[*config.Error](err); ok || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Load = %v, want os.ErrNotExist", err)
	}
}

func TestConfig_PrintsNoSecret(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("testdata/whole.yml", []byte(whole), options())
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		text := fmt.Sprintf(format, c.Admin) + fmt.Sprintf(format, c.Apps)
		for _, s := range []string{"s-hidden", "s-env-value", "s-file-value", "s-0123456789ab"} {
			if strings.Contains(text, s) {
				t.Errorf("printing with %s shows the secret %q", format, s)
			}
		}
	}
}

func TestSandbox_IsWhatItsDocumentationSays(t *testing.T) {
	t.Parallel()
	c := config.Sandbox(registry(), "", "")
	if err := c.CheckListen(); err != nil {
		t.Fatal(err)
	}
	if !c.Sandbox || c.Listen != config.DefaultListen || c.DataDir != config.DefaultDataDir {
		t.Errorf("Sandbox = %+v, want the defaults", c)
	}
	app, s, ok := c.Source("signed")
	if !ok || app != config.SandboxApp || s.Credentials.Get("app_key") != "sandbox" {
		t.Errorf("Source(signed) = %s, %+v, %v; want the well-known credentials", app, s, ok)
	}
	if secret, _ := s.Credentials.Signing(time.Now()); secret != "sandbox-secret" {
		t.Errorf("the secret of signed is %q, want sandbox-secret", secret)
	}
	if _, s, _ := c.Source("own"); len(s.Credentials.Secrets) != 0 {
		t.Error("own needs no secret and got one")
	}
	if _, _, ok := c.Source("nobody"); ok {
		t.Error("Source(nobody) found something")
	}
	if e := c.Apps[0].Endpoints; len(e) != 1 || e[0].Builtin != config.Inbox || e[0].Concurrency == 0 {
		t.Errorf("endpoints = %+v, want one inbox with defaults", e)
	}

	c = config.Sandbox(registry(), "d", "0.0.0.0:1")
	if err := c.CheckListen(); err == nil {
		t.Error("an open address without a token was taken")
	}
	c.Admin.Token = "t"
	if err := c.CheckListen(); err != nil {
		t.Errorf("an open address with a token was refused: %v", err)
	}
}
