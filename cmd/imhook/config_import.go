package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway/match"
	"github.com/imhook/imhook/internal/movein"
	"github.com/imhook/imhook/internal/suggest"
)

// maxImport is the largest file that is imported, in bytes. The servers' own have
// some ten thousand.
const maxImport = 1 << 20

// importer reads one vendor's file.
type importer struct {
	vendor string
	// file is what the vendor calls it, line says where it is.
	file, line string
	read       func(spec *dialect.Spec, name string, data []byte) (*movein.Found, error)
}

func importers() []importer {
	return []importer{
		{"openim", "webhooks.yml", "of an OpenIM server: config/webhooks.yml, or config.yaml with its callback before v3.7", movein.ReadOpenIM},
		{"wildfirechat", "wildfirechat.conf", "of a WildfireChat server", movein.ReadWildfireChat},
	}
}

// importFlags are the flags of config import.
type importFlags struct {
	out       string
	paste     string
	baseURL   string
	app       string
	source    string
	allowFrom []string
	force     bool
}

func (p *program) configImport() *cobra.Command {
	var f importFlags
	var lines, examples, vendors []string
	for _, i := range importers() {
		lines = append(lines, fmt.Sprintf("  %-13s %s", i.vendor, i.line))
		examples = append(examples, fmt.Sprintf("  imhook config import %s %s --out %s", i.vendor, i.file, defaultConfig))
		vendors = append(vendors, i.vendor)
	}
	c := &cobra.Command{
		Use:   "import VENDOR FILE",
		Short: "Make a configuration of where an IM server's callbacks go today",
		Long: "Read where callbacks go today out of the IM server's own file, and write the imhook.yaml\n" +
			"that puts imhook in between, and the lines to paste back into that file. VENDOR and FILE:\n\n" +
			strings.Join(lines, "\n") + "\n\n" +
			"Without --out the configuration goes to the standard output and the lines to the standard\n" +
			"error; with it the lines go to the standard output. What cannot be taken over is a warning\n" +
			"with its line; read them all. Nothing is overwritten without --force.",
		Example:   strings.Join(examples, "\n"),
		Args:      exactArgs("VENDOR", "FILE"),
		ValidArgs: vendors,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, i := range importers() {
				if i.vendor == args[0] {
					return p.runImport(cmd, &i, args[1], &f)
				}
			}
			return fmt.Errorf("there is no import of %q%s; there are %s", args[0], suggest.DidYouMean(args[0], vendors), strings.Join(vendors, " and "))
		},
	}
	flags := c.Flags()
	flags.StringVarP(&f.out, "out", "o", "", "`file` to write the configuration to (default: standard output, also -)")
	flags.StringVar(&f.paste, "paste", "", "`file` to write the lines for the IM server to")
	flags.StringVar(&f.baseURL, "base-url", "http://imhook:8420", "`URL` under which the IM server reaches imhook")
	flags.StringVar(&f.app, "app", "app", "`name` of the app")
	flags.StringVar(&f.source, "source", "", "`name` of the source (default: the vendor's)")
	flags.StringSliceVar(&f.allowFrom, "allow-from", nil, "`addresses` of the IM server, who alone may call: 10.1.2.3 or 10.0.0.0/8")
	flags.BoolVar(&f.force, "force", false, "overwrite files")
	return c
}

func (p *program) runImport(cmd *cobra.Command, i *importer, file string, f *importFlags) error {
	base, err := baseURL(f.baseURL)
	if err != nil {
		return err
	}
	d, err := p.registry.Get(i.vendor)
	if err != nil {
		return err
	}
	if err := f.room(); err != nil {
		return err
	}
	data, err := readImport(file)
	if err != nil {
		return err
	}
	found, err := i.read(d.Spec(), file, data)
	if err != nil {
		return listed(file, err)
	}
	plan := movein.NewPlan(found, movein.Options{
		BaseURL: base, App: f.app, Source: firstOf(f.source, i.vendor), AllowFrom: f.allowFrom, Condition: match.CheckCondition,
	})
	text := plan.Config()
	// What is written is right, whatever the file and the flags said.
	name := firstOf(f.file(), defaultConfig)
	c, err := config.Parse(name, []byte(text), p.options("", ""))
	if err != nil {
		return listed(name, err)
	}
	stderr := cmd.ErrOrStderr()
	for _, w := range plan.Warnings {
		fmt.Fprintln(stderr, printable(w.Warning(file)))
	}
	for _, w := range c.Warnings() {
		fmt.Fprintln(stderr, w.Warning(name))
	}
	tellPlan(stderr, file, plan)
	return f.write(cmd, text, plan.Paste())
}

// listed makes the problems of a file those of a command.
func listed(file string, err error) error {
	if e, ok := errors.AsType[*config.Error](err); ok {
		return &listedError{list: printable(e.Error()), err: fmt.Errorf("%s has %s", file, count(len(e.Problems), "problem"))}
	}
	return err
}

// baseURL reads the address of imhook as the IM server sees it.
func baseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || strings.ContainsAny(text, "# ?") {
		return nil, fmt.Errorf("--base-url %q is no address of imhook; write http://host:port", oneLine(text, 100))
	}
	return u, nil
}

// readImport reads a file of a reasonable size.
func readImport(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading the IM server's file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxImport+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the IM server's file: %w", err)
	case len(data) > maxImport:
		return nil, fmt.Errorf("%s is larger than 1MiB; name the IM server's configuration file", name)
	}
	return data, nil
}

// file is where the configuration goes, empty for the standard output.
func (f *importFlags) file() string {
	if f.out == "-" {
		return ""
	}
	return f.out
}

// room refuses to overwrite, before anything is written.
func (f *importFlags) room() error {
	if f.file() != "" && f.paste != "" && filepath.Clean(f.out) == filepath.Clean(f.paste) {
		return errors.New("--out and --paste name one file; name two")
	}
	for _, name := range []string{f.file(), f.paste} {
		if name == "" || f.force {
			continue
		}
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is there already; choose another name, or overwrite it with --force", name)
		}
	}
	return nil
}

// write puts both texts where they belong.
func (f *importFlags) write(cmd *cobra.Command, text, paste string) error {
	pasteTo := cmd.OutOrStdout()
	if f.file() == "" {
		if _, err := io.WriteString(cmd.OutOrStdout(), text); err != nil {
			return fmt.Errorf("writing the configuration: %w", err)
		}
		pasteTo = cmd.ErrOrStderr()
	} else if err := writeNew(f.file(), text, f.force); err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	if f.paste != "" {
		if err := writeNew(f.paste, paste, f.force); err != nil {
			return fmt.Errorf("writing the lines for the IM server: %w", err)
		}
		return nil
	}
	_, err := io.WriteString(pasteTo, paste)
	return err
}

// writeNew writes a file that only its owner reads: a backend's URL may hold a
// token.
func writeNew(name, text string, force bool) error {
	how := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		how = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(name, how, 0o600)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, text)
	return errors.Join(err, f.Close())
}

// tellPlan says in a few lines what the plan does.
func tellPlan(w io.Writer, file string, plan *movein.Plan) {
	fmt.Fprintf(w, "%s: %s\n", printable(file), plan.Found.Server)
	for _, e := range plan.Endpoints {
		fmt.Fprintf(w, "  endpoint %s: %s to %s\n", e.Name, count(len(e.Callbacks), "after-callback"), printable(e.Host))
	}
	for _, h := range plan.Hooks {
		then := "lets it happen"
		if h.Stops {
			then = "refuses it"
		}
		fmt.Fprintf(w, "  hook %s: %s to %s, %s; a failure %s\n", h.Name, count(len(h.Callbacks), "before-callback"), printable(h.Host), h.Timeout, then)
	}
}
