package dialect_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
)

func TestSecretUses_KeepsTheLastTimeOfEach(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 8, 0, 0, 5, time.UTC)
	var u dialect.SecretUses
	for _, step := range []struct {
		note     dialect.Secret
		after    time.Duration
		one, two time.Time
	}{
		{"two", 0, time.Time{}, at},
		{"one", time.Minute, at.Add(time.Minute), at},
		{"two", time.Second - 1, at.Add(time.Minute), at}, // too soon to be written
		{"two", time.Second, at.Add(time.Minute), at.Add(time.Second)},
		{"two", -time.Hour, at.Add(time.Minute), at.Add(time.Second)}, // the clock was set back
		{"", 2 * time.Second, at.Add(time.Minute), at.Add(time.Second)},
	} {
		u.Note(step.note, at.Add(step.after))
		if one, two := u.Last("one"), u.Last("two"); !one.Equal(step.one) || !two.Equal(step.two) {
			t.Errorf("after %q at %v: one was used %v and two %v, want %v and %v", step.note.Reveal(), step.after, one, two, step.one, step.two)
		}
	}
	if got := u.Last("three"); !got.IsZero() {
		t.Errorf("a secret that nobody used was used %v", got)
	}
}

func TestSecretUses_NilNotesNothing(t *testing.T) {
	t.Parallel()
	var u *dialect.SecretUses
	u.Note("one", time.Now())
	if got := u.Last("one"); !got.IsZero() {
		t.Errorf("last = %v, want zero", got)
	}
}

func TestSecretUses_HoldsNoSecret(t *testing.T) {
	t.Parallel()
	var u dialect.SecretUses
	u.Note(word, time.Now())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if text := fmt.Sprintf(verb, &u); strings.Contains(text, word) || strings.Contains(text, fmt.Sprintf("%x", word)) {
			t.Errorf("%s prints the secret: %s", verb, text)
		}
	}
}

func TestSecretUses_NoteOfAKnownSecretAllocatesNothing(t *testing.T) {
	// Not parallel: other tests' allocations would count.
	var u dialect.SecretUses
	now := time.Now()
	secret := dialect.Secret(strings.Repeat("long", 30))
	u.Note(secret, now)
	if n := testing.AllocsPerRun(1000, func() {
		now = now.Add(300 * time.Millisecond)
		u.Note(secret, now)
	}); n != 0 {
		t.Errorf("%v allocations a note, want none", n)
	}
}

func TestSecretUses_ManyAtOnce(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	var u dialect.SecretUses
	var wg sync.WaitGroup
	const secrets, rounds = 50, 200
	for w := range 8 {
		wg.Go(func() {
			for i := range rounds {
				for k := range secrets {
					u.Note(dialect.Secret(fmt.Sprint("secret ", (k+w)%secrets)), at.Add(time.Duration(i)*2*time.Second))
				}
			}
		})
	}
	wg.Wait()
	for k := range secrets {
		if got, want := u.Last(dialect.Secret(fmt.Sprint("secret ", k))), at.Add((rounds-1)*2*time.Second); !got.Equal(want) {
			t.Fatalf("secret %d was used last %v, want %v", k, got, want)
		}
	}
}

func BenchmarkSecretUses_Note(b *testing.B) {
	var u dialect.SecretUses
	now := time.Now()
	u.Note(word, now)
	b.ReportAllocs()
	for b.Loop() {
		u.Note(word, now)
	}
}
