package settings

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/gateway"
)

var errChanged = errors.New("changed")

// memory is a store that several books share.
type memory struct {
	mu       sync.Mutex
	values   map[string][]byte
	revision uint64
	broken   error
}

func (m *memory) All(context.Context) (map[string][]byte, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.values), m.revision, m.broken
}

func (m *memory) Revision(context.Context) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.revision, m.broken
}

func (m *memory) Put(_ context.Context, revision uint64, key string, value []byte) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.broken != nil:
		return 0, m.broken
	case revision != m.revision:
		return 0, errChanged
	}
	if m.values == nil {
		m.values = map[string][]byte{}
	}
	if delete(m.values, key); len(value) > 0 {
		m.values[key] = value
	}
	m.revision++
	return m.revision, nil
}

func open(t *testing.T, m *memory) *Book {
	t.Helper()
	b, err := Open(t.Context(), Config{Store: m, Changed: errChanged})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pass lets so much of a bubble's time go by.
func pass(d time.Duration) { <-time.After(d) }

// What one gateway is told another one knows within a second, and both may change
// things at the same time.
func TestBook_GatewaysShareOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		one, two := open(t, m), open(t, m)
		secret, made, err := one.CreateToken(t.Context(), Token{Name: "a", Role: "viewer"})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := one.FindToken(t.Context(), secret.Reveal()); !ok {
			t.Error("who made it does not know it")
		}
		pass(Lag)
		if got, ok := two.FindToken(t.Context(), secret.Reveal()); !ok || got.Name != "a" || got.Role != "viewer" {
			t.Errorf("the other knows %+v, %v", got, ok)
		}
		// Behind its back: it is made again on what there is.
		if _, _, err := one.CreateToken(t.Context(), Token{Name: "b", Role: "viewer"}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := two.CreateToken(t.Context(), Token{Name: "b", Role: "admin"}); !errors.Is(err, ErrTaken) {
			t.Errorf("two tokens of one name: %v", err)
		}
		if _, err := two.RevokeToken(t.Context(), made.ID); err != nil {
			t.Fatal(err)
		}
		pass(Lag)
		if _, ok := one.FindToken(t.Context(), secret.Reveal()); ok {
			t.Error("a token that was revoked elsewhere is taken")
		}
	})
}

func TestBook_ChangesTogetherLoseNothing(t *testing.T) {
	t.Parallel()
	m := &memory{}
	var wg sync.WaitGroup
	for n := range 4 {
		b := open(t, m)
		wg.Go(func() {
			for i := range 3 {
				for {
					err := b.Define(t.Context(), Definition{Section: "endpoints", App: "a", Name: fmt.Sprintf("e%d-%d", n, i), YAML: "x"}, "", "me")
					if err == nil {
						break
					}
					if !errors.Is(err, errChanged) {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if got := len(open(t, m).Definitions(t.Context())); got != 12 {
		t.Errorf("there are %d definitions, want 12", got)
	}
}

func TestBook_GoesOnWhileTheStoreIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		b := open(t, m)
		secret, _, err := b.CreateToken(t.Context(), Token{Name: "a", Role: "viewer"})
		if err != nil {
			t.Fatal(err)
		}
		m.broken = gateway.ErrUnavailable
		pass(2 * Lag)
		if _, ok := b.FindToken(t.Context(), secret.Reveal()); !ok {
			t.Error("a token is not taken while the store is away")
		}
		if _, _, err := b.CreateToken(t.Context(), Token{Name: "b", Role: "viewer"}); !Unavailable(err) {
			t.Errorf("a token without a store: %v", err)
		}
	})
}

func TestOpen_LooksAgainWhereTheStoreWasAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		if err := open(t, m).Define(t.Context(), Definition{Section: "hooks", App: "a", Name: "h", YAML: "1"}, "", "ann"); err != nil {
			t.Fatal(err)
		}
		m.broken = gateway.ErrUnavailable
		b, err := Open(t.Context(), Config{Store: m, Changed: errChanged})
		if !Unavailable(err) || b == nil {
			t.Fatalf("a book without a store: %v, %v", b, err)
		}
		if err := b.Define(t.Context(), Definition{Section: "hooks", App: "a", Name: "h", YAML: "2"}, "", "bob"); !Unavailable(err) {
			t.Errorf("a change without a store: %v", err)
		}
		m.broken = nil
		pass(Lag)
		if all := b.Definitions(t.Context()); len(all) != 1 || all[0].YAML != "1" {
			t.Errorf("once the store is back there are %+v", all)
		}
	})
}

func TestDefinitions_RememberWhoMadeThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, &memory{})
		d := Definition{Section: "hooks", App: "a", Name: "second", YAML: "1"}
		begin := time.Now().UTC()
		if err := b.Define(t.Context(), Definition{Section: "hooks", App: "a", Name: "z-first", YAML: "0"}, "", "ann"); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour)
		was := ""
		for i, by := range []string{"ann", "bob"} {
			d.YAML = fmt.Sprint(i)
			if err := b.Define(t.Context(), d, was, by); err != nil {
				t.Fatal(err)
			}
			// Whoever looked before that does not undo it.
			if err := b.Define(t.Context(), d, was, by); !errors.Is(err, ErrOther) {
				t.Errorf("a change of what it was before = %v", err)
			}
			was = d.YAML
			pass(time.Hour)
		}
		want := []Definition{
			{Section: "hooks", App: "a", Name: "z-first", YAML: "0", CreatedAt: begin, CreatedBy: "ann"},
			{Section: "hooks", App: "a", Name: "second", YAML: "1", CreatedAt: begin.Add(time.Hour), CreatedBy: "ann", ChangedAt: begin.Add(2 * time.Hour), ChangedBy: "bob"},
		}
		if diff := cmp.Diff(want, b.Definitions(t.Context())); diff != "" {
			t.Errorf("definitions (-want +got):\n%s", diff)
		}
		if err := b.Undefine(t.Context(), "hooks", "a", "second"); err != nil {
			t.Fatal(err)
		}
		if err := b.Undefine(t.Context(), "hooks", "a", "second"); !errors.Is(err, ErrNone) {
			t.Errorf("again: %v", err)
		}
	})
}

func TestSessions_AreBounded(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("makes as many sessions as there may be, one after another; runs without -short, as CI does")
	}
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		b := open(t, m)
		var first string
		for n := range maxSessions + 5 {
			cookie, _, err := b.BeginSession(t.Context(), Session{Name: "a", Role: "viewer", Expires: time.Now().Add(time.Hour + time.Duration(n)*time.Second)}, "s")
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				first = cookie.Reveal()
			}
		}
		if n := len(m.values); n != maxSessions {
			t.Errorf("%d sessions are kept, want %d", n, maxSessions)
		}
		if _, ok := b.FindSession(t.Context(), first, []dialect.Secret{"s"}); ok {
			t.Error("the oldest one is still there")
		}
		pass(2 * time.Hour)
		if _, _, err := b.BeginSession(t.Context(), Session{Name: "a", Role: "viewer", Expires: time.Now().Add(time.Hour)}, "s"); err != nil {
			t.Fatal(err)
		}
		if n := len(m.values); n != 1 {
			t.Errorf("%d sessions are kept after all but one have expired", n)
		}
	})
}
