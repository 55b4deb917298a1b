package main

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSoak_LosesNothingAndDrawsWhatItSaw runs a soak of some seconds.
func TestSoak_LosesNothingAndDrawsWhatItSaw(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg, err := parse([]string{"-soak", "3s", "-live-rate", "100", "-lanes", "64", "-soak-out", filepath.Join(dir, "seen")}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.binary, err = build(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := soak(t.Context(), cfg, dir, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "none lost, none out of order") {
		t.Errorf("it says %q", out.String())
	}
	table, err := os.Open(filepath.Join(dir, "seen.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = table.Close() }()
	rows, err := csv.NewReader(table).ReadAll() // each as long as the first
	if err != nil || len(rows) < 2 {
		t.Errorf("%d rows, %v; want some samples", len(rows), err)
	}
}

func TestDrawSamples_IsAPictureOfThem(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	samples := []sample{
		{at: 5 * time.Second, in: 100, out: 90, p50: time.Millisecond, p99: 3 * time.Millisecond, rss: 50 << 20, disk: 1 << 20, dead: 500},
		{at: 10 * time.Second, in: 110, out: 120, p50: time.Millisecond, p99: 4 * time.Millisecond, rss: 60 << 20, disk: 2 << 20, dead: 1000},
	}
	if err := drawSamples(&out, config{Soak: 10 * time.Second, LiveRate: 100}, samples); err != nil {
		t.Fatal(err)
	}
	lines := 0
	for d := xml.NewDecoder(&out); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		e, ok := token.(xml.StartElement)
		if !ok || e.Name.Local != "polyline" {
			continue
		}
		lines++
		for _, a := range e.Attr {
			if a.Name.Local == "points" && len(strings.Fields(a.Value)) != len(samples) {
				t.Errorf("a line has the points %q, want %d", a.Value, len(samples))
			}
		}
	}
	if want := 9; lines != want {
		t.Errorf("%d lines are drawn, want %d", lines, want)
	}
}

func TestRoundUp(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]float64{0: 1, 0.3: 0.5, 1: 1, 1.1: 2, 4: 5, 51: 100, 99_000: 100_000} {
		if got := roundUp(v); got != want {
			t.Errorf("roundUp(%v) = %v, want %v", v, got, want)
		}
	}
}
