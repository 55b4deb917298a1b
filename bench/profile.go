package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// profile asks the gateway for a CPU profile of the time that follows, while it is
// posted to. Calling what it returns waits for the profile and keeps it in dir,
// under the side's name.
func profile(ctx context.Context, s *side, dir string, conns int, d time.Duration) (wait func() error) {
	seconds := max(1, int(d.Round(time.Second).Seconds()))
	done := make(chan error, 1)
	go func() { done <- fetchProfile(ctx, s, dir, conns, seconds) }()
	return func() error { return <-done }
}

func fetchProfile(ctx context.Context, s *side, dir string, conns, seconds int) error {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", s.addr, seconds)
	client := &http.Client{Timeout: time.Duration(seconds)*time.Second + readyWithin}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("profiling %s: %w", s.name, err)
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("profiling %s: %w", s.name, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("profiling %s: %s %.200s (%w)", s.name, res.Status, body, err)
	}
	if err := os.WriteFile(filepath.Join(dir, profileName(s, conns)), body, 0o600); err != nil {
		return fmt.Errorf("keeping the profile: %w", err)
	}
	return nil
}

// profileName is the file for a side's profile. Of what is asked before there are
// several by one name.
func profileName(s *side, conns int) string {
	name := strings.NewReplacer(" ", "-", ",", "").Replace(s.name) + ".pprof"
	if s.asks != nil {
		name = fmt.Sprintf("%s-%d-%s", s.asks.name, conns, name)
	}
	return name
}
