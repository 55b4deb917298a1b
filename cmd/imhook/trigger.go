package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/sample"
)

// triggerFlags are the flags of trigger.
type triggerFlags struct {
	to          string
	source      string
	sequence    string
	set         []string
	credentials []string
	count       int
	rate        float64
	seed        uint64
	timeout     time.Duration
	list        bool
	dryRun      bool
	json        bool
}

// errRefused ends trigger when the other side did not take what was sent.
var errRefused = errors.New("refused")

// errStopped ends trigger when whoever started it stops it.
var errStopped = errors.New("stopped")

func (p *program) trigger() *cobra.Command {
	var f triggerFlags
	c := &cobra.Command{
		Use:   "trigger DIALECT COMMAND | trigger DIALECT --sequence NAME | trigger [DIALECT] --list",
		Short: "Send exactly what the vendor's server would send, signed",
		Long: "Send exactly what the vendor's server would send, signed: to the gateway's source of the\n" +
			"dialect, or with --to straight to a backend. Prints request and answer; fails when the\n" +
			"answer is not 2xx.\n\n" +
			"--set changes a value: message.text=hello in JSON, userIds.0=u1 in an array,\n" +
			"query.CallbackCommand=… in the query. What is JSON (7, true, null, {…}, […], \"7\") is\n" +
			"typed, everything else is text. JSON that is a text, as OpenIM's content, has its quotes:\n" +
			"'content=\"{\\\"content\\\":\\\"hi\\\"}\"'.\n\n" +
			"--sequence tells a story of several callbacks about the same people:\n" + sequenceLines(),
		Example: "  imhook trigger wildfirechat --list\n" +
			"  imhook trigger wildfirechat message --set payload.searchableContent=hello\n" +
			"  imhook trigger wildfirechat message --to http://127.0.0.1:9000\n" +
			"  imhook trigger wildfirechat --sequence group",
		Args: func(cmd *cobra.Command, args []string) error {
			if f.list {
				return nil
			}
			if f.sequence != "" {
				return exactArgs("DIALECT")(cmd, args)
			}
			if len(args) == 1 {
				return fmt.Errorf("COMMAND is missing; imhook trigger %s --list names them", args[0])
			}
			return exactArgs("DIALECT", "COMMAND")(cmd, args)
		},
		ValidArgsFunction: p.completeTrigger,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.list && len(args) == 0 {
				return listCommands(cmd.OutOrStdout(), p.registry.All(), f.json)
			}
			d, err := p.dialect(args[0])
			if err != nil {
				return err
			}
			if f.list {
				return listCommands(cmd.OutOrStdout(), []dialect.Dialect{d}, f.json)
			}
			if !cmd.Flags().Changed("seed") {
				f.seed = rand.Uint64()
			}
			if f.sequence != "" {
				return p.runSequence(cmd, d, &f)
			}
			return p.runTrigger(cmd, d, args[1], &f)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.to, "to", "", "base `URL` of a backend, below which the dialect's path is appended")
	flags.StringVar(&f.source, "source", "", "`name` of the gateway's source (default: the one of the dialect)")
	flags.StringVar(&f.sequence, "sequence", "", "`name` of a story of several callbacks, instead of COMMAND")
	flags.StringArrayVar(&f.set, "set", nil, "`path=value` to change in the request")
	flags.StringArrayVar(&f.credentials, "credential", nil, credentialUsage+"; with --to")
	flags.IntVar(&f.count, "count", 1, "how many to send")
	flags.Float64Var(&f.rate, "rate", 0, "how many a second at most (default: as fast as they are answered)")
	flags.Uint64Var(&f.seed, "seed", 0, "draw the same values again, but for the time (default: new ones each time)")
	flags.DurationVar(&f.timeout, "timeout", 10*time.Second, "how long to wait for an answer, with --to")
	flags.BoolVar(&f.list, "list", false, "list the commands of DIALECT, or of all")
	flags.BoolVar(&f.dryRun, "print", false, "print the request, signed with --credential, and send nothing")
	flags.BoolVar(&f.json, "json", false, "print JSON, one line for each request")
	c.MarkFlagsMutuallyExclusive("to", "source", "print")
	c.MarkFlagsMutuallyExclusive("sequence", "set")
	c.MarkFlagsMutuallyExclusive("sequence", "list")
	return c
}

func (p *program) completeTrigger(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var all []string
	switch len(args) {
	case 0:
		all = p.registry.Names()
	case 1:
		if d, err := p.registry.Get(args[0]); err == nil {
			for _, c := range d.Spec().Commands {
				all = append(all, c.Name+"\t"+c.Line)
			}
		}
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}

func (p *program) runTrigger(cmd *cobra.Command, d dialect.Dialect, command string, f *triggerFlags) error {
	switch {
	case f.count < 1:
		return fmt.Errorf("--count is %d; write at least 1", f.count)
	case f.rate < 0:
		return fmt.Errorf("--rate is %g; write how many a second", f.rate)
	case f.to == "" && !f.dryRun && len(f.credentials) > 0:
		return errors.New("--credential goes with --to or --print: the gateway signs with the source's own")
	}
	if _, ok := d.Spec().Command(command); !ok {
		return fmt.Errorf("%w; imhook trigger %s --list names them", sample.UnknownCommand(d.Spec(), command), d.Spec().Name)
	}
	var edits []sample.Edit
	for _, s := range f.set {
		e, err := sample.ParseEdit(s)
		if err != nil {
			return fmt.Errorf("--set: %w", err)
		}
		edits = append(edits, e)
	}
	if f.dryRun {
		return f.printOnly(cmd, d, command, edits)
	}
	send, err := p.sender(cmd, d, command, edits, f)
	if err != nil {
		return err
	}
	return f.run(cmd, send)
}

// send sends n requests, drawn from seed on.
type send func(ctx context.Context, seed uint64, n int) ([]exchange, error)

// maxAtOnce is how many the gateway is asked to send in one go.
const maxAtOnce = 100

// run sends as many as asked, as fast as asked, and prints them.
func (f *triggerFlags) run(cmd *cobra.Command, send send) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	var tick <-chan time.Time
	atOnce := maxAtOnce
	if f.rate > 0 {
		t := time.NewTicker(max(time.Duration(float64(time.Second)/f.rate), time.Microsecond))
		defer t.Stop()
		tick, atOnce = t.C, 1
	}
	done, refused := 0, 0
	// Whoever breaks off needs to know how far it came.
	stopped := func(err error) error {
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%w: %d of %d sent, %d refused", errStopped, done, f.count, refused)
		case f.count > 1:
			return fmt.Errorf("%d of %d sent, %d refused; then: %w", done, f.count, refused, err)
		}
		return err
	}
	for done < f.count {
		if tick != nil && done > 0 {
			select {
			case <-tick:
			case <-ctx.Done():
				return stopped(ctx.Err())
			}
		}
		xs, err := send(ctx, f.seed+uint64(done), min(atOnce, f.count-done))
		if err != nil {
			return stopped(err)
		}
		for _, x := range xs {
			if !x.taken() {
				refused++
			}
			if err := f.print(out, x); err != nil {
				return err
			}
		}
		done += len(xs)
	}
	if f.count > 1 && !f.json {
		_, _ = fmt.Fprintf(out, "%d sent, %d refused\n", f.count, refused)
	}
	if refused > 0 {
		return fmt.Errorf("%w: %d of %d", errRefused, refused, f.count)
	}
	return nil
}

// print shows one exchange: whole when it is the only one.
func (f *triggerFlags) print(w io.Writer, x exchange) error {
	if f.json {
		return writeLine(w, x)
	}
	if f.count > 1 {
		_, err := fmt.Fprintf(w, "%d %s\n", x.Response.Status, x.Request.target())
		return err
	}
	_, err := io.WriteString(w, x.text())
	return err
}

// exchange is one request and its answer, as the API tells it.
type exchange struct {
	Type     event.Type  `json:"type,omitzero"`
	Missing  string      `json:"missing,omitzero"`
	Request  sentRequest `json:"request"`
	Response gotResponse `json:"response"`
}

type sentRequest struct {
	Method      string      `json:"method"`
	Path        string      `json:"path"`
	Query       string      `json:"query,omitzero"`
	ContentType string      `json:"contentType,omitzero"`
	Header      http.Header `json:"header,omitzero"`
	Body        string      `json:"body"`
}

type gotResponse struct {
	Status      int    `json:"status"`
	ContentType string `json:"contentType,omitzero"`
	Body        string `json:"body"`
}

// taken reports whether the other side took it.
func (x exchange) taken() bool { return x.Response.Status >= 200 && x.Response.Status <= 299 }

// target is the request's first line.
func (r sentRequest) target() string {
	s := r.Method + " " + r.Path
	if r.Query != "" {
		s += "?" + r.Query
	}
	return printable(s)
}

// text is the exchange for a person.
func (x exchange) text() string {
	var b strings.Builder
	b.WriteString(x.Request.target() + "\n")
	if x.Request.ContentType != "" {
		b.WriteString("Content-Type: " + printable(x.Request.ContentType) + "\n")
	}
	var header []string
	for name, values := range x.Request.Header {
		for _, v := range values {
			header = append(header, name+": "+printable(v)+"\n")
		}
	}
	slices.Sort(header)
	b.WriteString(strings.Join(header, ""))
	b.WriteString("\n" + readable(x.Request.ContentType, x.Request.Body) + "\n\n")
	b.WriteString(strings.TrimSpace(fmt.Sprintf("%d %s", x.Response.Status, http.StatusText(x.Response.Status))) + "\n")
	if x.Response.Body != "" {
		b.WriteString(readable(x.Response.ContentType, x.Response.Body) + "\n")
	}
	return b.String()
}
