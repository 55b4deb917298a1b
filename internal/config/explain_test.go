package config_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/config"
)

// others has the keys that cannot stand beside those of whole.
const others = `
listen: 127.0.0.1:8420
admin:
  listen: 127.0.0.1:8421
  tokens: [{value_env: RONG_SECRET, until: 2027-01-01}, {value: s-hidden}]
  tls: {cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt}
journal: {sync: interval}
apps:
  - name: shop
    sources:
      - {name: im, dialect: plain}
    hooks:
      - {name: mutual, url: "https://b", dialect: plain, generation: legacy, shadow: true, tls: {cert_file: client.crt, key_file: client.key}}
      - {name: words, enabled: false, builtin: wordlist, words: [bad]}
    endpoints:
      - {name: mutual, url: "https://b", dialect: plain, generation: legacy, tls: {cert_file: client.crt, key_file: client.key}}
      - {name: topic, kafka: {brokers: ["k1:9092"], topic: im, user: u, password: s-hidden, mechanism: plain}}
      - {name: subject, nats: {url: nats://n1, subject: "im.{type}", user: u, password: s-hidden}}
`

// signedIn are the ways to sign in that whole does not use.
var signedIn = []string{
	"journal: {url: nats://n1, credentials_file: user.creds}\napps: [{name: shop}]\n",
	"journal: {url: nats://n1, token_file: secret}\napps: [{name: shop}]\n",
	"apps: [{name: shop, endpoints: [{name: a, nats: {url: nats://n1, subject: im, token: s-hidden}}, {name: b, nats: {url: nats://n1, subject: im, credentials_file: user.creds}}]}]\n",
}

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("testdata/imhook.yaml", []byte(text), options())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func explain(t *testing.T, c *config.Config, under string) []config.Setting {
	t.Helper()
	all, err := c.Explain(under)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// keysOf are the keys of all fields below a type: "apps.*.endpoints.*.timeout".
func keysOf(t *testing.T, typ reflect.Type, path string) []string {
	t.Helper()
	switch {
	case typ == reflect.TypeFor[config.Start](), typ == reflect.TypeFor[dialect.Secret]():
		return []string{path}
	case typ == reflect.TypeFor[dialect.Credentials]():
		return []string{path + ".app_key", path + ".secrets"}
	case typ == reflect.TypeFor[[]dialect.DatedSecret]():
		return []string{path}
	case typ.Kind() == reflect.Pointer:
		return append(keysOf(t, typ.Elem(), path), path)
	case typ.Kind() == reflect.Map:
		return []string{path + ".message_sync"}
	case typ.Kind() == reflect.Slice && typ.Elem().Kind() == reflect.Struct && typ.Elem().NumField() > 0 && typ.Elem().Field(0).Name == "Name":
		return keysOf(t, typ.Elem(), path+".*")
	case typ.Kind() != reflect.Struct:
		return []string{path}
	}
	var all []string
	for f := range typ.Fields() {
		key, ok := f.Tag.Lookup("key")
		key, _, _ = strings.Cut(key, ",")
		switch {
		case !f.IsExported():
			continue
		case !ok || key == "":
			t.Errorf("%s.%s has no key: it is explained to nobody", typ.Name(), f.Name)
			continue
		case key == "-":
			if f.Name != "Sandbox" && f.Name != "FromAPI" {
				t.Errorf("%s.%s is left out: only what is no setting may be", typ.Name(), f.Name)
			}
			continue
		}
		all = append(all, keysOf(t, f.Type, strings.TrimPrefix(path+"."+key, "."))...)
	}
	return all
}

var (
	named  = regexp.MustCompile(`^(apps)\.[^.]+|(\.(?:sources|hooks|endpoints))\.[^.]+`)
	number = regexp.MustCompile(`\[\d+\]$`)
)

func TestExplain_ShowsEveryFieldWithThePlaceOfItsKey(t *testing.T) {
	t.Parallel()
	keys := keysOf(t, reflect.TypeFor[config.Config](), "")
	if len(keys) < 60 {
		t.Fatalf("found the keys %q: the walk is broken", keys)
	}
	shown, placed := map[string]bool{}, map[string]bool{}
	for _, text := range append([]string{whole, others}, signedIn...) {
		lines := strings.Split(text, "\n")
		for _, s := range explain(t, parse(t, text), "") {
			key := number.ReplaceAllString(s.Path, "")
			if rest, ok := strings.CutPrefix(s.Path, "apps."); ok && strings.Count(rest, ".") > 0 {
				key = number.ReplaceAllString(named.ReplaceAllString(s.Path, "$1$2.*"), "")
			}
			shown[key] = true
			if s.Origin.Kind == config.OriginDefault {
				continue
			}
			placed[key] = true
			last := key[strings.LastIndexByte(key, '.')+1:]
			if line := lines[s.Origin.Line-1]; !strings.Contains(line, strings.TrimSuffix(last, "s")) {
				t.Errorf("%s comes from %v, and that line is %q", s.Path, s.Origin, line)
			}
			if s.Origin.File != "testdata/imhook.yaml" || s.Origin.Column < 1 {
				t.Errorf("%s comes from %+v", s.Path, s.Origin)
			}
		}
	}
	for _, key := range keys {
		switch {
		case !shown[key]:
			t.Errorf("%s is not shown", key)
		case !placed[key]:
			t.Errorf("%s has no place, though a file gives it: its key is read by another name, or the tests' files lack it", key)
		}
	}
	for key := range shown {
		if !slices.Contains(keys, key) {
			t.Errorf("%s is shown and no field's key", key)
		}
	}
}

func TestExplain_SaysWhereValuesComeFrom(t *testing.T) {
	t.Parallel()
	o := options()
	o.Listen = "127.0.0.1:9"
	c, err := config.Parse("testdata/imhook.yaml", []byte(`admin: {token_file: secret}
data_dir: here
apps:
  - name: shop
    sources:
      - name: rong
        dialect: signed
        credentials: {app_key: k, secret_env: RONG_SECRET}
      - name: two
        dialect: signed
        credentials:
          app_key: k
          secrets:
            - {value: s-hidden, until: 2026-12-01}
            - value_env: RONG_SECRET
    endpoints:
      - name: backend
        url: http://b
        dialect: plain
        when: |
          a
            && b
        paths: {/im_event/message: /m}
`), o)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range explain(t, c, "") {
		got[s.Path] = s.Value + "  " + s.Origin.String()
	}
	for path, want := range map[string]string{
		"listen":                         "127.0.0.1:9  --listen flag",
		"data_dir":                       "here  testdata/imhook.yaml:2",
		"admin.token":                    "<redacted>  file secret (testdata/imhook.yaml:1)",
		"admin.listen":                   `""  default`,
		"admin.tls":                      "off  default",
		"journal.retain.age":             "72h0m0s  default",
		"journal.retain.bytes":           "20GiB  default",
		"trusted_proxies":                "[]  default",
		"apps.shop.sources.rong.max_age": "5m0s  default",
		"apps.shop.sources.rong.credentials.secrets[0]": "<redacted>  env RONG_SECRET (testdata/imhook.yaml:8)",
		"apps.shop.sources.rong.credentials.path_token": `""  default`,
		"apps.shop.sources.two.credentials.secrets[0]":  "<redacted> until 2026-12-01T00:00:00Z  testdata/imhook.yaml:14",
		"apps.shop.sources.two.credentials.secrets[1]":  "<redacted>  env RONG_SECRET (testdata/imhook.yaml:15)",
		"apps.shop.endpoints.backend.when":              `"a\n  && b\n"  testdata/imhook.yaml:20`,
		"apps.shop.endpoints.backend.paths.message":     "/m  testdata/imhook.yaml:23",
		"apps.shop.endpoints.backend.events":            "[**]  default",
		"apps.shop.endpoints.backend.retry.fast":        "[1s, 5s, 30s]  default",
		"apps.shop.endpoints.backend.start":             "now  default",
		"apps.shop.endpoints.backend.batch.bytes":       "1MiB  default",
	} {
		if got[path] != want {
			t.Errorf("%s = %s, want %s", path, got[path], want)
		}
	}
}

func TestExplain_NarrowsToAPath(t *testing.T) {
	t.Parallel()
	c := parse(t, whole)
	for under, want := range map[string][]string{
		"journal.retain":                      {"journal.retain.age", "journal.retain.bytes"},
		"apps[0].endpoints[0].retry.slow":     {"apps.shop.endpoints.backend.retry.slow.from", "apps.shop.endpoints.backend.retry.slow.to"},
		"apps.shop.endpoints.backend.timeout": {"apps.shop.endpoints.backend.timeout"},
		"apps.shop.sources.im.credentials":    {"apps.shop.sources.im.credentials.path_token"},
		"apps.shop.sources.im-2.credentials.path_tokens": {
			"apps.shop.sources.im-2.credentials.path_tokens[0]", "apps.shop.sources.im-2.credentials.path_tokens[1]",
		},
	} {
		var got []string
		for _, s := range explain(t, c, under) {
			got = append(got, s.Path)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Explain(%s) (-want +got):\n%s", under, diff)
		}
	}
	for under, want := range map[string]string{
		"apps.shop.endpoints.backand": `there is nothing at "apps.shop.endpoints.backand"; did you mean apps.shop.endpoints.backend?`,
		"journal.ret":                 `there is nothing at "journal.ret"`,
		"apps.shop.sources.im-":       `there is nothing at "apps.shop.sources.im-"`,
	} {
		if _, err := c.Explain(under); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Explain(%s) = %v, want %s", under, err, want)
		}
	}
}

func TestExplain_WhatNobodySaidIsADefault(t *testing.T) {
	t.Parallel()
	given := []string{"apps.shop.name", "apps.shop.endpoints.e.name", "apps.shop.endpoints.e.url", "apps.shop.endpoints.e.dialect"}
	for _, s := range explain(t, parse(t, "apps: [{name: shop, endpoints: [{name: e, url: \"http://b\", dialect: plain}]}]"), "") {
		if (s.Origin.Kind == config.OriginDefault) == slices.Contains(given, s.Path) {
			t.Errorf("%s comes from %v", s.Path, s.Origin)
		}
	}
	c := config.Sandbox(registry(), "d", "")
	c.SetToken("s-hidden", config.Origin{Kind: config.OriginEnv, Name: "IMHOOK_TOKEN"})
	for _, s := range explain(t, c, "") {
		want := "default"
		switch {
		case s.Path == "data_dir":
			want = "--data flag"
		case s.Path == "admin.token":
			want = "env IMHOOK_TOKEN"
		case strings.HasPrefix(s.Path, "apps."):
			want = "sandbox"
		}
		if s.Origin.String() != want {
			t.Errorf("the sandbox's %s comes from %v, want %s", s.Path, s.Origin, want)
		}
	}
}

func TestExplain_ShowsNoSecret(t *testing.T) {
	t.Parallel()
	for _, text := range []string{whole, others, signedIn[1]} {
		c := parse(t, text)
		settings := explain(t, c, "")
		b, err := json.Marshal(settings)
		if err != nil {
			t.Fatal(err)
		}
		secrets := 0
		for _, s := range settings {
			if s.Secret && strings.HasPrefix(s.Value, dialect.Redacted) {
				secrets++
			}
		}
		if secrets == 0 {
			t.Errorf("no secret among %v", settings)
		}
		for _, shown := range []string{string(b), fmt.Sprintf("%v %+v %#v", settings, settings, settings), fmt.Sprintf("%v %+v %#v", c.Inputs(), c.Inputs(), c.Inputs())} {
			for _, s := range []string{"s-hidden", "s-env-value", "s-file-value", "s-0123456789ab"} {
				if strings.Contains(shown, s) {
					t.Errorf("%q is shown in %s", s, shown)
				}
			}
		}
	}
}
