package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/internal/config"
)

const diffBase = `
listen: 127.0.0.1:8420
apps:
  - name: shop
    sources:
      - {name: im, dialect: plain}
      - {name: rong, dialect: signed, credentials: {app_key: k, secret: s-hidden}}
    endpoints:
      - {name: backend, url: "http://b", dialect: plain, start: 24h}
      - {name: seen, builtin: inbox}
`

func TestDiff(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		// edit are pairs of what is replaced by what.
		edit    []string
		want    []string
		restart bool
	}{
		{"nothing", nil, nil, false},
		{"the order", []string{
			"      - {name: im, dialect: plain}\n", "",
			"    endpoints:", "      - {name: im, dialect: plain}\n    endpoints:",
		}, nil, false},
		{"a duration in another unit", []string{"start: 24h", "start: 1d"}, nil, false},
		{"values", []string{`"http://b", dialect: plain`, `"http://c", dialect: plain, timeout: 10s, paths: {message: /m}, retry: {fast: []}`}, []string{
			"endpoint shop/backend changed: url http://b → http://c, timeout 5s → 10s, retry.fast [1s, 5s, 30s] → [], paths.message added: /m",
		}, false},
		{"a secret", []string{"s-hidden", "s-other"}, []string{"source shop/rong changed: credentials.secrets[0] changed"}, false},
		{"a secret's time", []string{"secret: s-hidden", "secrets: [{value: s-hidden, until: 2027-01-01}, {value: s-new}]"}, []string{
			"source shop/rong changed: credentials.secrets[0] <redacted> → <redacted> until 2027-01-01T00:00:00Z, credentials.secrets[1] added: <redacted>",
		}, false},
		{"gone and come", []string{"name: seen", "name: saw", "{name: im, dialect: plain}", "{name: im-2, dialect: plain}"}, []string{
			"source shop/im-2 added", "endpoint shop/saw added", "source shop/im removed", "endpoint shop/seen removed",
		}, false},
		{"another app", []string{"name: shop", "name: mall"}, []string{
			"app mall added", "source mall/im added", "source mall/rong added", "endpoint mall/backend added", "endpoint mall/seen added",
			"app shop removed", "source shop/im removed", "source shop/rong removed", "endpoint shop/backend removed", "endpoint shop/seen removed",
		}, false},
		{"start", []string{"start: 24h", "start: beginning"}, []string{
			"endpoint shop/backend changed: start 24h0m0s ago (2026-11-20T12:00:00Z) → beginning (has no effect: the endpoint has begun)",
		}, false},
		{"the gateway", []string{"listen: 127.0.0.1:8420", "listen: 127.0.0.1:8421\ndata_dir: d\njournal: {sync: interval, retain: {age: 1h}}"}, []string{
			"gateway changed: listen 127.0.0.1:8420 → 127.0.0.1:8421 (needs a restart), data_dir ./imhook-data → d (needs a restart), " +
				"journal.sync always → interval (needs a restart), journal.retain.age 72h0m0s → 1h0m0s (needs a restart)",
		}, true},
		{"TLS comes", []string{"listen:", "tls: {cert_file: server.crt, key_file: server.key}\nlisten:"}, []string{
			"gateway changed: tls off → on (needs a restart), tls.cert_file added: testdata/server.crt, tls.key_file added: testdata/server.key, tls.client_ca_file added: \"\"",
		}, true},
		{"an endpoint's TLS comes", []string{`"http://b", dialect: plain`, `"https://b", dialect: plain, tls: {server_name: x}`}, []string{
			"endpoint shop/backend changed: url http://b → https://b, tls off → on, tls.ca_file added: \"\", tls.cert_file added: \"\", tls.key_file added: \"\", tls.server_name added: x",
		}, false},
		{"the API's token", []string{"listen:", "admin: {token: s-hidden}\nlisten:"}, []string{
			"gateway changed: admin.token \"\" → <redacted>",
		}, false},
		{"the API's address", []string{"listen:", "admin: {listen: \"127.0.0.1:1\"}\nlisten:"}, []string{
			"gateway changed: admin.listen \"\" → 127.0.0.1:1 (needs a restart)",
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			changes := config.Diff(parse(t, diffBase), parse(t, strings.NewReplacer(tt.edit...).Replace(diffBase)))
			var got []string
			restart := false
			for _, c := range changes {
				got = append(got, c.String())
				restart = restart || c.Restart()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Diff (-want +got):\n%s", diff)
			}
			if restart != tt.restart {
				t.Errorf("needs a restart = %v, want %v", restart, tt.restart)
			}
			b, err := json.Marshal(changes)
			if err != nil {
				t.Fatal(err)
			}
			if shown := string(b) + fmt.Sprintf("%v %+v %#v", changes, changes, changes); strings.Contains(shown, "s-hidden") || strings.Contains(shown, "s-other") {
				t.Errorf("a secret is shown in %s", shown)
			}
		})
	}
}

// TestDiff_TheOrderOfHooksIsThatOfTheQuestions: a file in which nothing but it is
// different changes something.
func TestDiff_TheOrderOfHooksIsThatOfTheQuestions(t *testing.T) {
	t.Parallel()
	parse := func(names ...string) *config.Config {
		text := strings.Replace(diffBase, "    endpoints:", "    hooks:\n    endpoints:", 1)
		for _, n := range names {
			text = strings.Replace(text, "    endpoints:", "      - {name: "+n+", builtin: wordlist, words: [x]}\n    endpoints:", 1)
		}
		c, err := config.Parse("imhook.yaml", []byte(text), options())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, tt := range []struct {
		old, next []string
		want      []string
	}{
		{[]string{"a", "b", "c"}, []string{"a", "b", "c"}, nil},
		{[]string{"a", "b", "c"}, []string{"a", "c", "b"}, []string{"app shop changed: hooks a, b, c → a, c, b"}},
		{[]string{"a", "b", "c"}, []string{"a", "c"}, []string{"hook shop/b removed"}},
		{[]string{"a", "b"}, []string{"c", "b", "a"}, []string{"app shop changed: hooks a, b → b, a", "hook shop/c added"}},
	} {
		var got []string
		for _, c := range config.Diff(parse(tt.old...), parse(tt.next...)) {
			got = append(got, c.String())
			if c.Restart() {
				t.Errorf("%s needs a restart", c)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%v → %v (-want +got):\n%s", tt.old, tt.next, diff)
		}
	}
}

func TestDiff_StartThatLongAgoIsTheSameWishLater(t *testing.T) {
	t.Parallel()
	o := options()
	o.Now = func() time.Time { return now.Add(time.Hour) }
	later, err := config.Parse("testdata/imhook.yaml", []byte(diffBase), o)
	if err != nil {
		t.Fatal(err)
	}
	if changes := config.Diff(parse(t, diffBase), later); len(changes) > 0 {
		t.Errorf("read an hour later it differs: %v", changes)
	}
}

func TestDiff_AgainstTheSandbox(t *testing.T) {
	t.Parallel()
	changes := config.Diff(config.Sandbox(registry(), "", ""), parse(t, diffBase))
	if len(changes) != 11 { // shop with four, the sandbox with three sources, its hook and its inbox
		t.Errorf("%d changes: %v", len(changes), changes)
	}
}
