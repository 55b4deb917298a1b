package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imhook/imhook/internal/config"
)

// FuzzLoad checks that no file panics, that what is refused names a place or the
// whole file, and that what is taken is complete.
func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	if len(files) == 0 {
		f.Fatal("no seeds")
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(whole))
	f.Add([]byte(others))
	f.Add([]byte("apps: &a [{name: b, sources: *a, endpoints: *a}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse("fuzz.yaml", data, options())
		if err != nil {
			e, ok := errors.AsType[*config.Error](err)
			if !ok || c != nil || len(e.Problems) == 0 {
				t.Fatalf("Parse = %v, %T; want nothing and a *config.Error", c, err)
			}
			// Carriage returns and other breaks end lines of YAML too.
			lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + strings.Count(string(data), "\u0085") +
				strings.Count(string(data), "\u2028") + strings.Count(string(data), "\u2029") + 2
			for _, p := range e.Problems {
				if p.Line < 0 || p.Line > lines || (p.Line == 0) != (p.Column == 0) {
					t.Errorf("problem %+v is nowhere in the file", p)
				}
				if p.Text == "" || !strings.Contains(p.Text, " ") {
					t.Errorf("problem %+v says nothing", p)
				}
			}
			return
		}
		settings, err := c.Explain("")
		if err != nil || len(settings) < 20 {
			t.Errorf("Explain = %d settings, %v", len(settings), err)
		}
		again, err := config.Parse("fuzz.yaml", data, options())
		if err != nil {
			t.Fatalf("Parse again = %v", err)
		}
		if changes := config.Diff(c, again); len(changes) > 0 {
			t.Errorf("the same file read twice differs: %v", changes)
		}
		for _, a := range c.Apps {
			for _, s := range a.Sources {
				if s.Name == "" || s.Dialect == "" || s.Generation == "" {
					t.Errorf("source %+v is not complete", s)
				}
			}
			for _, e := range a.Endpoints {
				if e.Name == "" || e.URL == "" && e.Builtin == "" || e.Concurrency < 1 || e.Timeout <= 0 ||
					e.Rate < 0 || e.BytesInFlight <= 0 || e.Breaker.Least < 1 || e.Breaker.From <= 0 || e.Breaker.To < e.Breaker.From || e.OnPoison == "" ||
					e.Retry.SlowFrom <= 0 || e.Retry.SlowTo < e.Retry.SlowFrom || e.BacklogBytes <= 0 && c.Journal.RetainBytes > 1 {
					t.Errorf("endpoint %+v is not complete", e)
				}
			}
		}
	})
}
