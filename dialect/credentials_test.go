package dialect_test

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
)

const word = "a-word-that-nobody-may-read"

func TestSecret_NeverPrints(t *testing.T) {
	t.Parallel()
	secret := dialect.Secret(word)
	cred := dialect.Credentials{Secrets: []dialect.DatedSecret{{Value: secret}}}
	byName := map[string]dialect.Secret{"key": secret}
	for _, v := range []any{secret, &secret, cred, &cred, cred.Secrets, byName, struct{ S dialect.Secret }{secret}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%10.3s"} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, word) {
				t.Errorf("%s of %T prints it: %s", verb, v, text)
			}
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("text", "value", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "value", v)
		if strings.Contains(log.String(), word) {
			t.Errorf("logging %T prints it: %s", v, &log)
		}
		std, err := stdjson.Marshal(v)
		if err != nil || strings.Contains(string(std), word) {
			t.Errorf("encoding/json of %T: %s, %v", v, std, err)
		}
		own, err := json.Marshal(v)
		if err != nil || strings.Contains(string(own), word) {
			t.Errorf("the tree's JSON of %T: %s, %v", v, own, err)
		}
	}
	if secret.String() != dialect.Redacted || secret.Reveal() != word {
		t.Errorf("String is %q, Reveal does not give the secret: %t", secret.String(), secret.Reveal() != word)
	}
}

func TestCredentials_LiveAtTheirBounds(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	cred := dialect.Credentials{Secrets: []dialect.DatedSecret{
		{Value: "old", Until: at},
		{Value: "always"},
		{Value: "new", From: at},
		{Value: "both", From: at.Add(-time.Hour), Until: at.Add(time.Hour)},
	}}
	type place struct {
		I      int
		Secret string
	}
	live := func(t time.Time) (all []place) {
		for i, s := range cred.Live(t) {
			all = append(all, place{i, s})
		}
		return all
	}
	for _, tt := range []struct {
		name string
		at   time.Time
		want []place
	}{
		{"before", at.Add(-time.Nanosecond), []place{{0, "old"}, {1, "always"}, {3, "both"}}},
		{"at", at, []place{{1, "always"}, {2, "new"}, {3, "both"}}},
		{"after", at.Add(time.Hour), []place{{1, "always"}, {2, "new"}}},
	} {
		if diff := cmp.Diff(tt.want, live(tt.at)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if got, ok := cred.Signing(tt.at); !ok || got != tt.want[0].Secret {
			t.Errorf("%s: signing with %q, %t; want %q, the first that is live", tt.name, got, ok, tt.want[0].Secret)
		}
	}
	for range cred.Live(at) {
		break // stopping early must not panic
	}
	if got, ok := (dialect.Credentials{}).Signing(at); ok || got != "" {
		t.Errorf("signing without secrets: %q, %t", got, ok)
	}
	if got := (dialect.Credentials{}).Get("app_key"); got != "" {
		t.Errorf("Get of no keys = %q", got)
	}
}
