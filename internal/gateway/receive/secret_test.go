package receive

import (
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
)

// rotatingSource has an old secret and an old path token, which end an hour from
// now, and their successors, which begin now.
func rotatingSource(uses *dialect.SecretUses) Source {
	return Source{
		Name: "rot", App: "shop", Dialect: newFake(), Uses: uses,
		Credentials: dialect.Credentials{Secrets: []dialect.DatedSecret{
			{Value: "old-secret", Until: now.Add(time.Hour)}, {Value: "new-secret", From: now}, {Value: "later-secret", From: now.Add(24 * time.Hour)},
		}},
		PathTokens: []dialect.DatedSecret{{Value: "old-token", Until: now.Add(time.Hour)}, {Value: "new-token", From: now}},
	}
}

func TestServeHTTP_NotesWhichSecretsWereUsed(t *testing.T) {
	t.Parallel()
	var uses dialect.SecretUses
	r := newRig(t, func(c *Config) { c.Sources = []Source{rotatingSource(&uses)} })
	used := func() (all []string) {
		for _, s := range []dialect.Secret{"old-secret", "new-secret", "later-secret", "old-token", "new-token"} {
			if at := uses.Last(s); !at.IsZero() {
				if !at.Equal(now) {
					t.Errorf("%s was used %v, want %v", s.Reveal(), at, now)
				}
				all = append(all, s.Reveal())
			}
		}
		return all
	}
	for _, step := range []struct {
		token, secret, body string
		status              int
		want                string
	}{
		{"wrong-token", "new-secret", "[]", 404, ""},
		{"old-token", "wrong-secret", "[]", 401, ""}, // the token alone proves nothing
		{"old-token", "later-secret", "[]", 401, ""},
		{"old-token", "new-secret", "no list", 400, "new-secret old-token"}, // verified, if not understood
		{"new-token", "new-secret", "[]", 200, "new-secret old-token new-token"},
		{"new-token", "old-secret", "[]", 200, "old-secret new-secret old-token new-token"},
	} {
		w := r.post("/in/rot/"+step.token, step.body, "X-Sign", step.secret)
		if got := strings.Join(used(), " "); w.Code != step.status || got != step.want {
			t.Errorf("%s with %s: %d, used are %q; want %d and %q", step.token, step.secret, w.Code, got, step.status, step.want)
		}
	}
}

func TestServeHTTP_RemindsOfSecretsThatExpireSoon(t *testing.T) {
	t.Parallel()
	clock := now
	source := Source{
		Name: "rot", App: "shop", Dialect: newFake(),
		Credentials: dialect.Credentials{Secrets: []dialect.DatedSecret{
			{Value: "old-secret", Until: now.Add(8 * 24 * time.Hour)}, {Value: "new-secret"},
		}},
	}
	r := newRig(t, func(c *Config) {
		c.Now = func() time.Time { return clock }
		c.Sources = []Source{source}
	})
	reminders := func() int { return strings.Count(r.log.String(), "expires soon") }
	for _, step := range []struct {
		name   string
		after  time.Duration
		secret string
		want   int
	}{
		{"more than a week before", 23 * time.Hour, "old-secret", 0},
		{"a week before", 24*time.Hour + 1, "old-secret", 1},
		{"again at once", 24*time.Hour + 2, "old-secret", 1},
		{"its successor", 25*time.Hour + 1, "new-secret", 1},
		{"an hour later", 25*time.Hour + 1, "old-secret", 2},
	} {
		clock = now.Add(step.after)
		if w := r.post("/in/rot", "[]", "X-Sign", step.secret); w.Code != 200 || reminders() != step.want {
			t.Errorf("%s: %d, %d reminders, want 200 and %d", step.name, w.Code, reminders(), step.want)
		}
	}
	if want := `source=rot key=secret place=1 until=2026-11-28T08:00:00.123Z`; !strings.Contains(r.log.String(), want) {
		t.Errorf("the log does not say %s:\n%s", want, r.log)
	}

	// A reload does not say it again: in another place and with another end.
	source.Credentials.Secrets = []dialect.DatedSecret{{Value: "new-secret"}, {Value: "old-secret", Until: now.Add(3 * 24 * time.Hour)}}
	if err := r.Set([]Source{source}); err != nil {
		t.Fatal(err)
	}
	if w := r.post("/in/rot", "[]", "X-Sign", "old-secret"); w.Code != 200 || reminders() != 2 {
		t.Errorf("after a reload: %d, %d reminders, want 200 and 2", w.Code, reminders())
	}
	if strings.Contains(r.log.String(), "-secret") {
		t.Errorf("the log holds a secret:\n%s", r.log)
	}
}

func TestServeHTTP_RefusalSaysWhichSecretIsNotValid(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, token, secret, want string }{
		{"expired", "new-token", "old-secret", `reason=signature .*signed_with="secret 1, which expired at 2026-11-20T09:00:00Z"`},
		{"not yet", "new-token", "later-secret", `reason=signature .*signed_with="secret 3, which is not valid before 2026-11-21T08:00:00Z"`},
		{"none of ours", "new-token", "guess", ""},
		{"token expired", "old-token", "new-secret", `reason=path_token .*called_with="path_token 1, which expired at 2026-11-20T09:00:00Z"`},
		{"token unknown", "guess", "new-secret", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var uses dialect.SecretUses
			r := newRig(t, func(c *Config) {
				c.Now = func() time.Time { return now.Add(2 * time.Hour) }
				c.Sources = []Source{rotatingSource(&uses)}
			})
			w := r.post("/in/rot/"+tt.token, "[]", "X-Sign", tt.secret)
			// Whoever calls reads the same as with any other secret.
			other := r.post("/in/rot/"+map[bool]string{true: tt.token, false: "other"}[w.Code == 401], "[]", "X-Sign", "other")
			if w.Code < 400 || w.Code != other.Code || w.Body.String() != other.Body.String() {
				t.Errorf("answered %d %s, and another %d %s", w.Code, w.Body, other.Code, other.Body)
			}
			line, _, _ := strings.Cut(r.log.String(), "\n")
			if tt.want == "" {
				if strings.Contains(line, "_with=") {
					t.Errorf("the log says that it was one of ours: %s", line)
				}
				return
			}
			reason, with, _ := strings.Cut(tt.want, ".*")
			if !strings.Contains(line, reason) || !strings.Contains(line, with) {
				t.Errorf("the log says %s, want %s", line, tt.want)
			}
			if at := uses.Last(dialect.Secret(tt.secret)); !at.IsZero() {
				t.Errorf("a refused request counts as use, at %v", at)
			}
		})
	}
}
