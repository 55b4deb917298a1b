package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/app"
	"github.com/imhook/imhook/internal/config"
)

// stopTimeout is how long attempts in flight may take to end.
const stopTimeout = 20 * time.Second

// serveFlags are the flags of serve.
type serveFlags struct {
	config   string
	dataDir  string
	listen   string
	logLevel slog.Level
}

func (p *program) serve() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the gateway; without a configuration file, as a sandbox",
		Args:  exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.configure(&f, cmd.Flags().Changed("token"))
			if err != nil {
				return err
			}
			return p.runServe(cmd, c, &f)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.config, "config", "", "configuration `file`; without one, a sandbox with a source for each dialect")
	flags.StringVar(&f.dataDir, "data", "", "data `directory` (default "+config.DefaultDataDir+")")
	flags.StringVar(&f.listen, "listen", "", "`host:port` to listen on (default "+config.DefaultListen+")")
	flags.TextVar(&f.logLevel, "log-level", slog.LevelInfo, "debug, info, warn or error")
	return c
}

// configure reads the file, or makes the sandbox. The sandbox has no file to set
// a token in: --token is its own. With a file the flag would be without effect,
// which whoever wants the API closed must not find out later; IMHOOK_TOKEN is no
// such wish, for it serves the other commands.
func (p *program) configure(f *serveFlags, tokenGiven bool) (*config.Config, error) {
	if f.config != "" {
		if tokenGiven {
			return nil, errors.New("--token is the sandbox's; with --config write admin.token_env into the file")
		}
		return p.load(f.config, f.listen, f.dataDir)
	}
	c := config.Sandbox(p.registry, f.dataDir, f.listen)
	c.Admin.Token = dialect.Secret(p.token)
	if err := c.CheckListen(); err != nil {
		return nil, fmt.Errorf("--listen: %w (--token, IMHOOK_TOKEN)", err)
	}
	return c, nil
}

func (p *program) runServe(cmd *cobra.Command, c *config.Config, f *serveFlags) error {
	ctx := cmd.Context()
	log := newLog(cmd.ErrOrStderr(), f.logLevel)
	c.LogWarnings(log)
	a, err := app.New(app.Config{
		Config: c, Registry: p.registry, Log: log, Version: buildVersion(),
		Parse: func(data []byte) (*config.Config, error) { return p.parse(f, data) },
		Extend: func(base *config.Config, all []config.Addition) (*config.Config, []config.Added) {
			return config.Extend(base, p.options("", ""), all)
		},
	})
	if err != nil {
		return err
	}
	// From here to the end, so that one that comes early or late ends nothing.
	hups := make(chan os.Signal, 1)
	if f.config != "" {
		signal.Notify(hups, syscall.SIGHUP)
		defer signal.Stop(hups)
	}
	if err := a.Start(ctx); err != nil {
		return err
	}
	greet(cmd.OutOrStdout(), c, p.registry, a.Addr(), a.AdminAddr())
	notify(log, daemon.SdNotifyReady)
	following := make(chan struct{})
	if f.config == "" {
		close(following)
	} else {
		go func() {
			defer close(following)
			p.follow(ctx, a, f, hups)
		}()
	}
	select {
	case <-ctx.Done():
		log.Info("stopping: attempts in flight end, positions are saved; once more stops at once")
	case <-a.Failed():
	}
	notify(log, daemon.SdNotifyStopping)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err = errors.Join(a.Err(), a.Stop(stopping))
	if ctx.Err() != nil {
		<-following
	}
	return err
}

// follow applies the file again when it changes, and at once when a signal comes.
func (p *program) follow(ctx context.Context, a *app.App, f *serveFlags, hups <-chan os.Signal) {
	again := make(chan struct{}, 1)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-hups:
				select {
				case again <- struct{}{}:
				default: // one is waiting
				}
			}
		}
	}()
	a.Follow(ctx, func() (*config.Config, error) {
		return config.Load(f.config, p.options(f.listen, f.dataDir))
	}, again)
}

// parse reads a configuration that would take the place of the running one.
func (p *program) parse(f *serveFlags, data []byte) (*config.Config, error) {
	name := f.config
	if name == "" {
		name = defaultConfig
	}
	return config.Parse(name, data, p.options(f.listen, f.dataDir))
}

// newLog writes text to a terminal and JSON to everything else.
func newLog(w io.Writer, level slog.Level) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return slog.New(slog.NewTextHandler(w, o))
		}
	}
	// As text writes it: a bare number says nothing of its unit.
	o.ReplaceAttr = func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindDuration {
			a.Value = slog.StringValue(a.Value.Duration().String())
		}
		return a
	}
	return slog.New(slog.NewJSONHandler(w, o))
}
