package send

import (
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

func TestSend_NotesWhichSecretSigned(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	secrets := []dialect.DatedSecret{
		{Value: "later-secret", From: at.Add(time.Hour)}, {Value: "present-secret", Until: at.Add(2 * time.Hour)}, {Value: "never-secret"},
	}
	for _, tt := range []struct {
		name string
		send func(s *Sender) gateway.Outcome
	}{
		{"one event", func(s *Sender) gateway.Outcome { return s.Send(t.Context(), said("ours", "1", "x"), 0) }},
		{"a batch", func(s *Sender) gateway.Outcome {
			return s.SendBatch(t.Context(), []*event.Event{said("ours", "1", "x"), said("ours", "2", "y")})[1]
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var uses dialect.SecretUses
			clock := at
			cfg := batchConfig(newBackend(t, nil).URL)
			cfg.Credentials.Secrets, cfg.Uses, cfg.Now = secrets, &uses, func() time.Time { return clock }
			s, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Close)
			for _, step := range []struct {
				after          time.Duration
				later, present time.Time
			}{
				{0, time.Time{}, at},
				{time.Hour, at.Add(time.Hour), at},
				{3 * time.Hour, at.Add(3 * time.Hour), at},
			} {
				clock = at.Add(step.after)
				if out := tt.send(s); out.Kind != gateway.Delivered {
					t.Fatalf("outcome = %+v", out)
				}
				if later, present := uses.Last("later-secret"), uses.Last("present-secret"); !later.Equal(step.later) || !present.Equal(step.present) {
					t.Errorf("after %v: used last %v and %v, want %v and %v", step.after, later, present, step.later, step.present)
				}
			}
			if last := uses.Last("never-secret"); !last.IsZero() {
				t.Errorf("a secret that is not the first valid one was used %v", last)
			}
		})
	}
}

func TestSend_WithoutValidSecretNotesNothing(t *testing.T) {
	t.Parallel()
	var uses dialect.SecretUses
	cfg := config(newBackend(t, nil).URL)
	cfg.Credentials.Secrets = []dialect.DatedSecret{{Value: "gone-secret", Until: time.Now().Add(-time.Hour)}}
	cfg.Uses = &uses
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if out := s.Send(t.Context(), said("ours", "1", "x"), 0); out.Kind != gateway.Misconfigured {
		t.Errorf("outcome = %+v, want misconfigured", out)
	}
	if last := uses.Last("gone-secret"); !last.IsZero() {
		t.Errorf("used last %v, want never", last)
	}
}
