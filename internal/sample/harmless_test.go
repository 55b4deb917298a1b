package sample_test

import (
	"errors"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/sample"
)

// Every dialect has a callback that doctor may send.
func TestHarmless_IsAboutAUserWhomNobodyKnows(t *testing.T) {
	t.Parallel()
	r := builtin.New()
	for _, name := range r.Names() {
		d, err := r.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(10) {
			req, command, err := sample.Harmless(d, sample.Wish{Seed: seed, Now: time.Now()})
			if err != nil && !errors.Is(err, sample.ErrUnsigned) {
				t.Fatalf("%s, seed %d: %v", name, seed, err)
			}
			evs, err := d.Decode(&req)
			if err != nil || len(evs) != 1 {
				t.Fatalf("%s, seed %d: %s is %d events, %v:\n%s", name, seed, command, len(evs), err, req.Body)
			}
			ev := evs[0]
			if ev.Phase != event.After || ev.Type != event.UserOnline && ev.Type != event.UserOffline || ev.Actor == nil || ev.Actor.ID != sample.TestUser {
				t.Errorf("%s, seed %d: %s is %s %s of %+v, want that %s came or went", name, seed, command, ev.Phase, ev.Type, ev.Actor, sample.TestUser)
			}
		}
	}
}

func TestHarmless_IsSignedWithTheSourcesOwnSecret(t *testing.T) {
	t.Parallel()
	d, err := builtin.New().Get("rongcloud")
	if err != nil {
		t.Fatal(err)
	}
	cred := dialect.Credentials{Public: map[string]string{"app_key": "k"}, Secrets: []dialect.DatedSecret{{Value: "s"}}}
	now := time.Now()
	req, _, err := sample.Harmless(d, sample.Wish{Seed: 1, Now: now, Credentials: cred})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Verify(&req, cred, dialect.Verification{Now: now, MaxAge: time.Minute}); err != nil {
		t.Errorf("the source would refuse it: %v", err)
	}
}
