package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway/match"
	"github.com/imhook/imhook/internal/wordlist"
)

// defaultConfig is the name that a configuration usually has.
const defaultConfig = "imhook.yaml"

func (p *program) config() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Look at a configuration file, and change what the API defined",
		Args:  exactArgs("a command (check, explain, diff, import, put, delete, rotate, export)"),
		RunE: func(_ *cobra.Command, args []string) error {
			return fmt.Errorf("unknown command %q; there are check, explain, diff, import, put, delete, rotate and export", args[0])
		},
	}
	c.AddCommand(p.configCheck(), p.configExplain(), p.configDiff(), p.configImport(),
		p.configPut(), p.configDelete(), p.configRotate(), p.configExport())
	return c
}

func (p *program) configCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Say everything that is wrong with a configuration file",
		Long: "Say everything that is wrong with a configuration file, each problem with its line, and\n" +
			"warn of what is probably not meant or will soon be wrong.\n" +
			"Secrets are looked up, so check where they are: in the environment of serve.",
		Args: upTo(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := defaultConfig
			if len(args) > 0 {
				file = args[0]
			}
			c, err := p.load(file, "", "")
			if err != nil {
				return err
			}
			sources, hooks, endpoints := 0, 0, 0
			for _, a := range c.Apps {
				sources += len(a.Sources)
				hooks += len(a.Hooks)
				endpoints += len(a.Endpoints)
			}
			for _, w := range c.Warnings() {
				fmt.Fprintln(cmd.ErrOrStderr(), w.Warning(file))
			}
			warned := ""
			if n := len(c.Warnings()); n > 0 {
				warned = ", " + count(n, "warning")
			}
			asked := ""
			if hooks > 0 {
				asked = ", " + count(hooks, "hook")
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: ok: %s, %s%s, %s%s\n", file,
				count(len(c.Apps), "app"), count(sources, "source"), asked, count(endpoints, "endpoint"), warned)
			return err
		},
	}
}

// load reads a configuration; its problems come as a listedError.
func (p *program) load(file, listen, dataDir string) (*config.Config, error) {
	c, err := config.Load(file, p.options(listen, dataDir))
	if e, ok := errors.AsType[*config.Error](err); ok {
		return nil, &listedError{list: e.Error(), err: fmt.Errorf("%s has %s", file, count(len(e.Problems), "problem"))}
	}
	return c, err
}

func (p *program) options(listen, dataDir string) config.Options {
	return config.Options{
		Registry: p.registry, Pattern: p.checkPattern, Matches: p.matches, Condition: match.CheckCondition, WordFile: wordlist.CheckFile, Word: wordlist.CheckWord,
		Listen: listen, DataDir: dataDir,
	}
}

// checkPattern says what is wrong with a pattern of events.
func (p *program) checkPattern(pattern string, phase event.Phase) error {
	_, err := match.Compile(match.Rule{App: "check", Phase: phase, Events: []string{pattern}}, p.registry)
	for range 2 {
		// The two outer sentences say that it is a pattern of a rule: so does the
		// place in the file.
		if inner := errors.Unwrap(err); inner != nil {
			err = inner
		}
	}
	return err
}

// matches returns what a pattern matches in any app, nil for a wrong one.
func (p *program) matches(pattern string, phase event.Phase) func(*event.Event) bool {
	const app = "check"
	m, err := match.Compile(match.Rule{App: app, Phase: phase, Events: []string{pattern}}, p.registry)
	if err != nil {
		return nil
	}
	return func(ev *event.Event) bool {
		one := *ev
		one.App = app
		return m.Match(&one)
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
