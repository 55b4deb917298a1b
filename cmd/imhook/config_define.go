package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/client/admin"
)

// defineFlags are those of what changes a definition.
type defineFlags struct {
	file   string
	dryRun bool
	asJSON bool
}

func (f *defineFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what it would do, and do nothing")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print the gateway's JSON")
}

// definitionArgs are the kind and the name of what is defined.
func definitionArgs(args []string) (s admin.Section, app, name string, err error) {
	kinds := map[string]admin.Section{
		"source": admin.Sources, "sources": admin.Sources, "hook": admin.Hooks, "hooks": admin.Hooks,
		"endpoint": admin.Endpoints, "endpoints": admin.Endpoints,
	}
	s, ok := kinds[args[0]]
	if !ok {
		return "", "", "", fmt.Errorf("%q is none; write source, hook or endpoint", args[0])
	}
	app, name, ok = strings.Cut(args[1], "/")
	if !ok || app == "" || name == "" {
		return "", "", "", fmt.Errorf("%q names no app; write APP/NAME", args[1])
	}
	return s, app, name, nil
}

// showDefined says what a change did, or would do.
func showDefined(w io.Writer, d *admin.Defined, asJSON bool) error {
	if asJSON {
		return writeLine(w, d)
	}
	for _, p := range d.Problems {
		_, _ = fmt.Fprintln(w, problemLine(p, "wrong"))
	}
	for _, p := range d.Warnings {
		_, _ = fmt.Fprintln(w, problemLine(p, "warning"))
	}
	if len(d.Problems) > 0 {
		return errors.New("it would be refused")
	}
	verb := ""
	if d.DryRun {
		verb = "would be: "
	}
	for _, c := range d.Changes {
		_, _ = fmt.Fprintln(w, verb+oneLine(c.Text, 4*idWidth))
	}
	for _, e := range d.Effects {
		_, _ = fmt.Fprintf(w, "endpoint %s %s\n", e.Endpoint, e.Text)
	}
	if len(d.Changes) == 0 {
		_, _ = fmt.Fprintln(w, "nothing changes")
	}
	if d.Secret != "" {
		_, _ = fmt.Fprintf(w, "new secret, not shown again: %s\n", d.Secret)
	}
	return nil
}

func problemLine(p admin.Problem, what string) string {
	at := ""
	if p.Line > 0 {
		at = fmt.Sprintf("line %d: ", p.Line)
	}
	if p.Key != "" {
		at += p.Key + ": "
	}
	return what + ": " + oneLine(at+p.Message, 4*idWidth)
}

func (p *program) configPut() *cobra.Command {
	var (
		f     defineFlags
		patch bool
	)
	c := &cobra.Command{
		Use:   "put source|hook|endpoint APP/NAME",
		Short: "Define a source, hook or endpoint through the API, at once",
		Long: "Define a source, hook or endpoint through the API, with the keys of the configuration\n" +
			"file. It is checked in the same words, kept beside the journal, and in force at once\n" +
			"and after a restart. What the file defines is changed there: the file wins.",
		Example: "  imhook config put endpoint shop/archive --file archive.yaml --dry-run\n" +
			"  echo 'timeout: 10s' | imhook config put endpoint shop/archive --patch",
		Args: exactArgs("KIND", "APP/NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			section, app, name, err := definitionArgs(args)
			if err != nil {
				return err
			}
			text, err := readAll(cmd, f.file)
			if err != nil {
				return err
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			change := c.PutDefinition
			if patch {
				change = c.PatchDefinition
			}
			d, err := change(cmd.Context(), section, app, name, text, admin.DefineOptions{DryRun: f.dryRun})
			if err != nil {
				return explain(err)
			}
			return showDefined(cmd.OutOrStdout(), d, f.asJSON)
		},
	}
	f.add(c)
	c.Flags().StringVar(&f.file, "file", "", "YAML or JSON from a `file`; standard input by default")
	c.Flags().BoolVar(&patch, "patch", false, "change these keys alone; null takes one away")
	return c
}

// readAll reads a file, or standard input.
func readAll(cmd *cobra.Command, file string) ([]byte, error) {
	if file == "" {
		b, err := io.ReadAll(cmd.InOrStdin())
		if err != nil {
			return nil, fmt.Errorf("reading standard input: %w", err)
		}
		return b, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--file: %w", err)
	}
	return b, nil
}

func (p *program) configDelete() *cobra.Command {
	var f defineFlags
	c := &cobra.Command{
		Use:     "delete source|hook|endpoint APP/NAME",
		Short:   "Take away what the API defined",
		Example: "  imhook config delete endpoint shop/archive --dry-run",
		Args:    exactArgs("KIND", "APP/NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			section, app, name, err := definitionArgs(args)
			if err != nil {
				return err
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			d, err := c.DeleteDefinition(cmd.Context(), section, app, name, admin.DefineOptions{DryRun: f.dryRun})
			if err != nil {
				return explain(err)
			}
			return showDefined(cmd.OutOrStdout(), d, f.asJSON)
		},
	}
	f.add(c)
	return c
}

func (p *program) configRotate() *cobra.Command {
	var (
		f         defineFlags
		r         admin.Rotation
		pathToken bool
		fromStdin bool
	)
	c := &cobra.Command{
		Use:   "rotate source|hook|endpoint APP/NAME",
		Short: "Replace a secret of what the API defined, with an overlap",
		Long: "Replace a secret of what the API defined. The new one stands behind the present one,\n" +
			"which is valid for the overlap: what comes in may be signed with either, what goes out\n" +
			"is signed with the present one until it ends.",
		Example: "  imhook config rotate endpoint shop/archive --overlap 7d\n" +
			"  imhook config rotate source shop/rong --secret-stdin < secret",
		Args: exactArgs("KIND", "APP/NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			section, app, name, err := definitionArgs(args)
			if err != nil {
				return err
			}
			if pathToken {
				r.Key = "path_token"
			}
			if fromStdin {
				b, err := readAll(cmd, "")
				if err != nil {
					return err
				}
				r.Secret = strings.TrimRight(string(b), "\r\n")
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			d, err := c.RotateSecret(cmd.Context(), section, app, name, r, admin.DefineOptions{DryRun: f.dryRun})
			if err != nil {
				return explain(err)
			}
			return showDefined(cmd.OutOrStdout(), d, f.asJSON)
		},
	}
	f.add(c)
	c.Flags().StringVar(&r.Overlap, "overlap", "", "for how `long` the present one is still valid (default 24h)")
	c.Flags().BoolVar(&fromStdin, "secret-stdin", false, "read the new secret from standard input; otherwise the gateway makes one")
	c.Flags().BoolVar(&pathToken, "path-token", false, "the secret segment of a source's path instead")
	return c
}

func (p *program) configExport() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "export",
		Short: "Write what the API defined as a configuration file, without its secrets",
		Args:  exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			text, err := c.ExportConfig(cmd.Context())
			if err != nil {
				return explain(err)
			}
			if out != "" {
				if err := os.WriteFile(out, text, 0o600); err != nil {
					return fmt.Errorf("--out: %w", err)
				}
				return nil
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	c.Flags().StringVar(&out, "out", "", "the `file` to write; standard output by default")
	return c
}
