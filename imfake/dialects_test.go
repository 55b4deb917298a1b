package imfake_test

import (
	"testing"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/imfake"
)

// credentials fit any dialect: each reads the keys that it has.
func credentials(d dialect.Dialect) dialect.Credentials {
	cred := secret("whsec_aW1mYWtlLXRlc3Qtc2lnbmluZy1rZXktMDAx")
	cred.Public = make(map[string]string)
	for _, k := range d.Spec().Credentials {
		if !k.Secret {
			cred.Public[k.Name] = "1400000001"
		}
	}
	return cred
}

func TestServer_BackendOfItsDialectTakesEverySample(t *testing.T) {
	t.Parallel()
	for _, d := range builtin.New().All() {
		t.Run(d.Spec().Name, func(t *testing.T) {
			t.Parallel()
			b := imfake.NewBackend(d, imfake.Credentials(credentials(d)))
			t.Cleanup(b.Close)
			s := imfake.NewServer(d, b.URL(), imfake.ServerConfig{Credentials: credentials(d), Strict: true})
			t.Cleanup(s.Close)
			for i, c := range d.Spec().Commands {
				a, err := s.Post(t.Context(), c.Name)
				if err != nil || !a.Taken || a.Attempts != 1 {
					t.Errorf("%s: taken %t after %d attempts, %v", c.Name, a.Taken, a.Attempts, err)
				}
				received := b.Received()
				if len(received) != i+1 {
					t.Fatalf("%s: %d requests arrived, want %d", c.Name, len(received), i+1)
				}
				if r := received[i]; r.VerifyErr != nil || r.DecodeErr != nil || len(r.Events) == 0 || r.Events[0].Command != c.Name {
					t.Errorf("%s: arrived as %d events (%v, %v), want the same command", c.Name, len(r.Events), r.VerifyErr, r.DecodeErr)
				}
			}
		})
	}
}

func TestLoad_MarksSurviveEveryDialect(t *testing.T) {
	t.Parallel()
	for _, d := range builtin.New().All() {
		t.Run(d.Spec().Name, func(t *testing.T) {
			t.Parallel()
			b := imfake.NewBackend(d, imfake.Credentials(credentials(d)))
			t.Cleanup(b.Close)
			s := imfake.NewServer(d, b.URL(), imfake.ServerConfig{Credentials: credentials(d)})
			t.Cleanup(s.Close)
			run := s.Start(t.Context(), imfake.Load{Lanes: 3, Workers: 1, Count: 30}) // one that is starved would leave its lanes out
			if err := run.Wait(); err != nil {
				if d.Spec().Name == "rongcloud" {
					t.Skip("rongcloud cannot say a group message yet:", err)
				}
				t.Fatal(err)
			}
			if err := b.Tally().Check(run.Accepted()); err != nil {
				t.Error(err)
			}
			if b.Tally().Distinct() != 30 || b.Events() != 30 {
				t.Errorf("%d marks, %d events; want 30", b.Tally().Distinct(), b.Events())
			}
			if len(b.FirstSightings()) != 3 {
				t.Errorf("lanes %v, want 3", b.FirstSightings())
			}
		})
	}
}
