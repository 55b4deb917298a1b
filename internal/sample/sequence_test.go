package sample_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/sample"
)

// TestPlay_EveryDialectTellsTheSameStory: what can be said is read again as the
// steps of the story, in their order, about one place.
func TestPlay_EveryDialectTellsTheSameStory(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	for _, d := range builtin.New().All() {
		for _, q := range sample.Sequences() {
			t.Run(d.Spec().Name+"/"+q.Name, func(t *testing.T) {
				t.Parallel()
				wish := sample.Wish{Command: q.Name, Seed: 7, Now: now, Credentials: credentials(d.Spec())}
				steps, err := sample.Play(d, wish)
				if err != nil {
					t.Fatal(err)
				}
				again, err := sample.Play(d, wish)
				if err != nil || !cmp.Equal(steps, again) {
					t.Errorf("the same seed tells another story: %v\n%s", err, cmp.Diff(steps, again))
				}
				var last time.Time
				for i, s := range steps {
					if s.Missing != "" {
						continue
					}
					evs, err := d.Decode(&s.Request)
					if err != nil {
						t.Fatalf("step %d, %s: %v", i, s.Type, err)
					}
					for _, ev := range evs {
						if ev.Type == event.VendorUnknown {
							t.Errorf("step %d, %s, is read as %s", i, s.Type, ev.Type)
						}
						if !ev.Time.IsZero() && ev.Time.Before(last.Truncate(time.Second)) {
							t.Errorf("step %d, %s, happens before the one before it", i, s.Type)
						}
						last = ev.Time
					}
				}
				if d.Spec().Name == "cloudevents" && slices.ContainsFunc(steps, func(s sample.Step) bool { return s.Missing != "" }) {
					t.Errorf("a step is missing from %v", steps)
				}
			})
		}
	}
}

func TestPlay_UnknownSequence(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"grup": `there is no sequence "grup"; did you mean group?`,
		"nope": `there is no sequence "nope"; there are login, group, chatroom, conference`,
	} {
		_, err := sample.Play(builtin.New().All()[0], sample.Wish{Command: command})
		if err == nil || err.Error() != want {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}

// credentials are what sources of a dialect have, with a secret where it signs.
func credentials(spec *dialect.Spec) dialect.Credentials {
	c := dialect.Credentials{Public: map[string]string{}}
	for _, k := range spec.Credentials {
		switch {
		case k.Secret:
			c.Secrets = []dialect.DatedSecret{{Value: "whsec_c2VxdWVuY2Utc2VjcmV0LXNlcXVlbmNl"}}
		case k.Sample != "":
			c.Public[k.Name] = k.Sample
		default:
			c.Public[k.Name] = "sample"
		}
	}
	return c
}
