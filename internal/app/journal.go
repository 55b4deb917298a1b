package app

import (
	"context"
	"fmt"

	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway/journal"
)

// JournalConfig is the journal of a configuration.
func JournalConfig(c *config.Config) journal.Config {
	j := c.Journal
	cfg := journal.Config{
		Dir: c.DataDir, Sync: journal.Sync(j.Sync), WhenFull: journal.WhenFull(j.WhenFull),
		RetainAge: j.RetainAge, RetainBytes: j.RetainBytes, MaxBody: j.MaxBody,
		TrailAge: j.DecisionsAge, TrailBytes: j.DecisionsBytes,
		AttemptsAge: j.AttemptsAge, AttemptsBytes: j.AttemptsBytes,
	}
	if j.URL == "" {
		return cfg
	}
	cfg.Dir, cfg.URL, cfg.Name, cfg.Replicas = "", j.URL, j.Name, j.Replicas
	cfg.CredentialsFile, cfg.User, cfg.Password, cfg.Token = j.CredentialsFile, j.User, j.Password, j.Token
	if t := j.TLS; t != nil {
		cfg.TLS = &journal.TLS{CAFile: t.CAFile, CertFile: t.CertFile, KeyFile: t.KeyFile, ServerName: t.ServerName}
	}
	return cfg
}

// openJournal opens the journal, and ends the app when another gateway takes it
// over: what this one knows of endpoints is out of date then, and a start finds
// out whether the other one is still there.
func (a *App) openJournal(ctx context.Context) (*journal.Journal, error) {
	cfg := JournalConfig(a.cfg.Config)
	cfg.Log, cfg.Now, cfg.Aged, cfg.Version = a.cfg.Log, a.cfg.Now, a.aged, a.cfg.Version
	cfg.Join = cfg.URL != ""
	j, err := journal.Open(ctx, cfg)
	if err != nil {
		if cfg.URL == "" {
			return nil, fmt.Errorf("opening the journal in %s: %w", cfg.Dir, err)
		}
		return nil, fmt.Errorf("opening the journal %q: %w", cfg.Name, err)
	}
	stopped := make(chan struct{})
	go func() {
		select {
		case <-j.Lost():
			a.fail(j.Taken())
		case <-stopped:
		}
	}()
	a.onStop("watching the journal", func(context.Context) error {
		close(stopped)
		return nil
	})
	return j, nil
}
