package receive

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// unbalanced says in words that an account does not add up; empty when it does.
func unbalanced(a Account) string {
	if out := a.Journaled + a.Duplicates + a.Refused + a.Answered + a.UnderWay; a.Received != out {
		return fmt.Sprintf("the account does not add up: %d received, %d are told: %+v", a.Received, out, a)
	}
	return ""
}

func (r *rig) account(t *testing.T, name string) Account {
	t.Helper()
	for _, a := range r.Accounts() {
		if a.Name == name {
			return a
		}
	}
	t.Fatalf("there is no account of %s in %+v", name, r.Accounts())
	return Account{}
}

func TestAccounts_EverythingReceivedHasItsPlace(t *testing.T) {
	t.Parallel()
	held, goOn := make(chan struct{}), make(chan struct{})
	r := newRig(t, nil)
	r.post("/in/open", `[{"type":"group.create","dedupe":"a"},{"type":"group.create","dedupe":"b"}]`)
	r.post("/in/open", `[{"type":"group.create","dedupe":"a"}]`)
	r.post("/in/open", `[{"type":"message.send","before":true}]`)
	r.post("/in/open", `not even decoded`)
	r.journal.err = gateway.ErrFull
	r.post("/in/open", `[{"type":"group.create"}]`)
	r.journal.err = nil
	want := Account{App: "shop", Name: "open", Received: 5, Journaled: 2, Duplicates: 1, Refused: 1, Answered: 1}
	if diff := cmp.Diff(want, r.account(t, "open")); diff != "" {
		t.Errorf("account (-want +got):\n%s", diff)
	}

	r.journal.hold = func(context.Context) { close(held); <-goOn }
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.post("/in/open", `[{"type":"group.create"},{"type":"group.create"}]`)
	}()
	<-held
	want.Received, want.UnderWay = 7, 2
	if diff := cmp.Diff(want, r.account(t, "open")); diff != "" {
		t.Errorf("account while the journal writes (-want +got):\n%s", diff)
	}
	close(goOn)
	<-done
	want.UnderWay, want.Journaled = 0, 4
	if diff := cmp.Diff(want, r.account(t, "open")); diff != "" {
		t.Errorf("account (-want +got):\n%s", diff)
	}

	// A source that is taken out and comes back goes on with its account.
	if err := r.Set(r.cfg.Sources[:1]); err != nil {
		t.Fatal(err)
	}
	if err := r.Set(r.cfg.Sources); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, r.account(t, "open")); diff != "" {
		t.Errorf("account of a source that came back (-want +got):\n%s", diff)
	}
}

// forgetful is a journal that says it kept what it did not.
type forgetful struct{}

func (forgetful) Append(context.Context, gateway.Arrival) (gateway.Kept, error) {
	return gateway.Kept{}, nil
}

func TestAccounts_TellWhatWasAnsweredAndIsNowhere(t *testing.T) {
	t.Parallel()
	r := &rig{}
	var cfg Config
	_ = newRig(t, func(c *Config) { cfg = *c })
	cfg.Journal, cfg.Metrics = forgetful{}, nil
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Handler = h
	if w := r.post("/in/open", `[{"type":"group.create"}]`); w.Code != 200 {
		t.Fatalf("answer = %d", w.Code)
	}
	if a := r.account(t, "open"); unbalanced(a) == "" || a.UnderWay != 0 {
		t.Errorf("account = %+v, want one event missing", a)
	}
}

// What met a defect of ours was not kept, and its sender was told.
func TestAccounts_PanicIsRefusedAndCounted(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) {
		c.Decider = deciderFunc(func(context.Context, *event.Event) event.Verdict { panic("odd") })
	})
	if w := r.post("/in/open", `[{"type":"message.send","before":true}]`); !strings.Contains(w.Body.String(), "internal error") {
		t.Fatalf("answer = %d %s", w.Code, w.Body)
	}
	want := Account{App: "shop", Name: "open", Received: 1, Refused: 1}
	if diff := cmp.Diff(want, r.account(t, "open")); diff != "" {
		t.Errorf("account (-want +got):\n%s", diff)
	}
}
