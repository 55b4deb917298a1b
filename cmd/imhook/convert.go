package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// convertFlags are the flags of convert.
type convertFlags struct {
	wire        wireFlags
	from, to    string
	generation  string
	credentials []string
	json        bool
	now         func() time.Time
}

// errUntranslated ends convert when nothing, or not all, could be said.
var errUntranslated = errors.New("not everything could be said")

func (p *program) convert() *cobra.Command {
	f := convertFlags{now: time.Now}
	c := &cobra.Command{
		Use:   "convert --from DIALECT --to DIALECT [FILE]",
		Short: "Say a callback in another dialect",
		Long: "Say a callback in another dialect, as the gateway would to an endpoint that speaks it: what\n" +
			"the other dialect cannot express is named and left out. Signed with --credential.\n\n" + wireHelp,
		Example: "  imhook convert --from wildfirechat --to cloudevents --command message body.json\n" +
			"  imhook trigger wildfirechat message --print | imhook convert --from wildfirechat --to cloudevents",
		Args: upTo(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.from == "" || f.to == "" {
				return errors.New("--from and --to are missing; imhook convert --from wildfirechat --to cloudevents FILE")
			}
			return p.runConvert(cmd, args, &f)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.from, "from", "", "`dialect` that the callback speaks")
	flags.StringVar(&f.to, "to", "", "`dialect` to say it in")
	flags.StringVar(&f.generation, "generation", "", "wire `generation` to write (default: the newest)")
	flags.StringArrayVar(&f.credentials, "credential", nil, credentialUsage+"; of the dialect that is written")
	flags.BoolVar(&f.json, "json", false, "print one line of JSON for each request")
	f.wire.add(flags)
	p.completeDialects(c, "from", "to")
	return c
}

// completeDialects completes flags that take a dialect.
func (p *program) completeDialects(c *cobra.Command, flags ...string) {
	for _, name := range flags {
		// It fails for flags that there are not, which the tests would show.
		_ = c.RegisterFlagCompletionFunc(name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return p.registry.Names(), cobra.ShellCompDirectiveNoFileComp
		})
	}
}

// generationWords lists what may be chosen, for a person.
func generationWords(all []string) string {
	if len(all) == 0 {
		return "one generation only: leave it out"
	}
	return strings.Join(all, ", ")
}

func (p *program) runConvert(cmd *cobra.Command, args []string, f *convertFlags) error {
	from, err := p.dialect(f.from)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	to, err := p.dialect(f.to)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	if all := to.Spec().Generations; f.generation != "" && f.generation != "auto" && !slices.Contains(all, f.generation) {
		return fmt.Errorf("--generation %s: %s has %s", f.generation, to.Spec().Name, generationWords(all))
	}
	cred, err := parseCredentials(to.Spec(), f.credentials)
	if err != nil {
		return err
	}
	req, err := f.wire.read(cmd.InOrStdin(), args, from.Spec())
	if err != nil {
		return err
	}
	evs, err := from.Decode(&req)
	if err != nil {
		return fmt.Errorf("reading the callback: %w", err)
	}
	c := converter{to: to, cred: cred, generation: strings.TrimPrefix(f.generation, "auto"), now: f.now(), json: f.json, out: cmd.OutOrStdout(), notes: cmd.ErrOrStderr()}
	failed := 0
	for _, ev := range evs {
		if err := c.say(ev); err != nil {
			failed++
			_, _ = fmt.Fprintf(c.notes, "imhook: %s/%s (%s): %v\n", ev.Dialect, ev.Command, ev.Type, err)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%w: %d of %s", errUntranslated, failed, count(len(evs), "event"))
	}
	return nil
}

// converter says events in one dialect.
type converter struct {
	to         dialect.Dialect
	cred       dialect.Credentials
	generation string
	now        time.Time
	json       bool
	out, notes io.Writer
	said       int
	warned     bool
}

func (c *converter) say(ev *event.Event) error {
	if ev.ID == "" {
		ev.ID = event.NewID()
		if ev.Dedupe != "" {
			ev.ID = event.DeriveID("convert", ev.Command, ev.Dedupe)
		}
	}
	ev.App, ev.Source = "imhook", "convert"
	if ev.Time.IsZero() {
		ev.Time = c.now.UTC().Truncate(time.Millisecond)
	}
	if ev.Type == event.VendorUnknown && ev.Dialect != c.to.Spec().Name {
		return dialect.Untranslatable("nobody knows what it says")
	}
	reqs := []dialect.Request{dialect.RawRequest(ev)}
	if ev.Dialect != c.to.Spec().Name || c.generation != "" && ev.Generation != "" && c.generation != ev.Generation {
		var err error
		if reqs, err = c.to.Encode(ev, dialect.Target{Generation: c.generation, Credentials: c.cred, Now: c.now}); err != nil {
			return err
		}
	}
	for i := range reqs {
		id := reqs[i].ID
		if id == "" {
			id = ev.ID
		}
		if err := c.sign(&reqs[i], id); err != nil {
			return err
		}
		if err := c.write(&reqs[i]); err != nil {
			return err
		}
	}
	return nil
}

// sign signs where there is something to sign with.
func (c *converter) sign(req *dialect.Request, id string) error {
	err := c.to.Sign(req, c.cred, id, c.now)
	if !errors.Is(err, dialect.ErrNoSecret) {
		return err
	}
	if !c.warned {
		c.warned = true
		_, _ = fmt.Fprintf(c.notes, "imhook: not signed: %s signs with %s, give --credential\n", c.to.Spec().Name, credentialNames(c.to.Spec()))
	}
	return nil
}

func (c *converter) write(req *dialect.Request) error {
	defer func() { c.said++ }()
	if c.json {
		return writeLine(c.out, sentRequest{
			Method: "POST", Path: req.Path, Query: req.Query, ContentType: req.ContentType, Header: req.Header, Body: string(req.Body),
		})
	}
	if c.said > 0 {
		_, _ = io.WriteString(c.out, "\n\n")
	}
	// No line break behind it: where bodies are signed it would be one of theirs.
	return writeWire(c.out, req)
}
