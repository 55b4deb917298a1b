package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/sample"
)

// letterFlags narrow the dead letters that are meant.
type letterFlags struct {
	endpoint, conversation, when, since, until string
	reasons, types, sources                    []string
}

func (f *letterFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.endpoint, "endpoint", "", "only of this `endpoint`: APP/NAME")
	flags.StringSliceVar(&f.reasons, "reason", nil, "only parked for this `reason`: 4xx, max_age, max_attempts, encode, vendor, …; may be repeated")
	flags.StringArrayVar(&f.types, "type", nil, "only `types` that match: message.send, group.**; may be repeated")
	flags.StringArrayVar(&f.sources, "source", nil, "only of this `source`; may be repeated")
	flags.StringVar(&f.conversation, "conversation", "", "only of this `conversation`: group:g1, direct:alice|bob")
	flags.StringVar(&f.when, "when", "", "only where this `condition` holds: event.message.kind == \"text\"")
	flags.StringVar(&f.since, "since", "", "only parked since then: a `time`, or how long ago: 1h")
	flags.StringVar(&f.until, "until", "", "only parked before then: a `time`, or how long ago")
}

// query is the flags as the API's parameters.
func (f *letterFlags) query() url.Values {
	v := url.Values{}
	for key, s := range map[string]string{"endpoint": f.endpoint, "conversation": f.conversation, "when": f.when, "since": f.since, "until": f.until} {
		if s != "" {
			v.Set(key, s)
		}
	}
	for key, all := range map[string][]string{"reason": f.reasons, "type": f.types, "source": f.sources} {
		if len(all) > 0 {
			v[key] = all
		}
	}
	return v
}

// wish is the flags as a request.
func (f *letterFlags) wish(ids []string) map[string]any {
	w := map[string]any{}
	for key, s := range map[string]string{"endpoint": f.endpoint, "conversation": f.conversation, "when": f.when, "since": f.since, "until": f.until} {
		if s != "" {
			w[key] = s
		}
	}
	for key, all := range map[string][]string{"reasons": f.reasons, "types": f.types, "sources": f.sources, "ids": ids} {
		if len(all) > 0 {
			w[key] = all
		}
	}
	return w
}

const lettersPath = "/api/v1/deadletters"

func (p *program) deadletters() *cobra.Command {
	c := p.deadletterList("deadletters")
	c.Short = "Look into what could not be delivered, deliver it again, or take it away"
	c.Long = "Show what could not be delivered and was set aside, so that its conversation could go\n" +
		"on, the newest last. The commands below take the same flags to narrow what they do."
	c.Example = "  imhook deadletters --reason max_age --since 1h\n" +
		"  imhook deadletters show 17\n" +
		"  imhook deadletters requeue --endpoint shop/backend --reason max_age"
	c.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return fmt.Errorf("unknown command %q; there are %s", args[0], strings.Join(names(cmd.Commands()), ", "))
	}
	list := p.deadletterList("list")
	list.Short, list.Args = "Show dead letters, the newest last", exactArgs()
	c.AddCommand(list, p.deadletterShow(), p.deadletterRequeue(), p.deadletterResend(), p.deadletterExport(), p.deadletterPurge())
	return c
}

func (p *program) deadletterList(use string) *cobra.Command {
	var (
		f      letterFlags
		limit  int
		asJSON bool
	)
	c := &cobra.Command{
		Use: use,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			l := listing{
				client: c, path: lettersPath, key: "deadletters", limit: limit, interval: time.Second,
				none: "there are no such dead letters", quiet: asJSON, notes: cmd.ErrOrStderr(),
				show: showEach(cmd.OutOrStdout(), asJSON, "a dead letter", func(l *letterRow) string { return l.line(time.Now()) }),
			}
			return l.run(cmd.Context(), f.query())
		},
	}
	f.add(c)
	c.Flags().IntVar(&limit, "limit", 20, "how many at most")
	c.Flags().BoolVar(&asJSON, "json", false, "print the gateway's JSON, one dead letter a line")
	return c
}

// letterRow is a dead letter as the gateway shows it.
type letterRow struct {
	ID       string            `json:"id"`
	Endpoint string            `json:"endpoint"`
	Event    *event.Event      `json:"event"`
	Reason   gateway.Reason    `json:"reason"`
	Detail   string            `json:"detail"`
	Attempts int               `json:"attempts"`
	FirstAt  time.Time         `json:"firstAt"`
	At       time.Time         `json:"at"`
	Repeat   event.Repeat      `json:"repeat"`
	Exchange *gateway.Exchange `json:"exchange"`
	Raw      struct {
		Path        string `json:"path"`
		Query       string `json:"query"`
		ContentType string `json:"contentType"`
		Body        string `json:"body"`
	} `json:"raw"`
}

// line is a dead letter on one line: its number, when it was parked, whose, why, and
// the event.
func (l *letterRow) line(now time.Time) string {
	words := []string{l.ID, clock(l.At, now), oneLine(l.Endpoint, idWidth), string(l.Reason), count(l.Attempts, "attempt")}
	if ev := l.Event; ev != nil {
		words = append(words, string(ev.Type), firstOf(oneLine(string(ev.Lane), 80), "-"))
		if s := about(ev); s != "" {
			words = append(words, fmt.Sprintf("%q", oneLine(s, textWidth)))
		}
		words = append(words, oneLine(ev.ID, idWidth))
	}
	return strings.Join(words, "  ")
}

// text is all of a dead letter.
func (l *letterRow) text(now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "dead letter %s of %s\n", l.ID, oneLine(l.Endpoint, idWidth))
	field(&b, "reason", string(l.Reason))
	field(&b, "detail", l.Detail)
	field(&b, "attempts", fmt.Sprint(l.Attempts))
	field(&b, "first tried", clock(l.FirstAt, now))
	field(&b, "parked", clock(l.At, now))
	field(&b, "was", string(l.Repeat))
	b.WriteString(exchangeText(l.Exchange))
	if l.Event != nil {
		if v, err := json.Marshal(l.Event, jsontext.AllowInvalidUTF8(true)); err == nil {
			b.WriteString("\nevent\n" + readable("application/json", string(v)) + "\n")
		}
	}
	if l.Raw.Body != "" {
		fmt.Fprintf(&b, "\nfrom the wire: %s\n%s\n",
			sentRequest{Method: "POST", Path: l.Raw.Path, Query: l.Raw.Query}.target(), readable(l.Raw.ContentType, l.Raw.Body))
	}
	return b.String()
}

func (p *program) deadletterShow() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "show ID",
		Short:   "Show one whole: why, the last request and its answer, the event",
		Example: "  imhook deadletters show 17",
		Args:    exactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return tellPath(p, cmd, lettersPath+"/"+url.PathEscape(args[0]), asJSON, inWords(func(l *letterRow) string { return l.text(time.Now()) }))
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the gateway's JSON")
	return c
}

func (p *program) deadletterRequeue() *cobra.Command {
	var (
		f                letterFlags
		all, dry, asJSON bool
		wait             bool
		perSecond        string
	)
	c := &cobra.Command{
		Use:   "requeue [ID…]",
		Short: "Deliver dead letters again to the endpoint that did not take them",
		Long: "Deliver dead letters again to the endpoint that did not take them: in the order in\n" +
			"which their events came, per conversation, under the same id, and marked as\n" +
			"requeued. What was done is listed by imhook replay list. A dead letter stays until\n" +
			"its event has arrived; one that fails again is parked anew.",
		Example: "  imhook deadletters requeue 17 18\n" +
			"  imhook deadletters requeue --endpoint shop/backend --reason max_age --dry-run\n" +
			"  imhook deadletters requeue --all --rate 100/s --wait",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			wish := f.wish(args)
			if wish["rate"], err = parseRate(perSecond); err != nil {
				return err
			}
			wish["all"], wish["dryRun"] = all, dry
			var answer jsontext.Value
			if err := c.post(cmd.Context(), lettersPath+"/requeue", wish, &answer); err != nil {
				return err
			}
			done, err := readAnswer[requeued](answer)
			if err != nil {
				return err
			}
			if len(done.Runs) == 0 && len(args) > 0 {
				return notThere(args)
			}
			if err := tellAnswer(cmd.OutOrStdout(), answer, asJSON, inWords((*requeued).text)); err != nil {
				return err
			}
			if !wait || dry {
				return nil
			}
			for _, r := range done.Runs {
				if err := p.await(cmd, c, r.ID, asJSON); err != nil {
					return err
				}
			}
			return nil
		},
	}
	f.add(c)
	flags := c.Flags()
	flags.BoolVar(&all, "all", false, "all of them, of every endpoint")
	flags.StringVar(&perSecond, "rate", "", "at most so `many`: 100/s, 600/m; as fast as the endpoint lets it by default")
	flags.BoolVar(&dry, "dry-run", false, "count and do nothing")
	flags.BoolVar(&wait, "wait", false, "wait until all are through, and fail if one was parked again")
	flags.BoolVar(&asJSON, "json", false, "print the gateway's JSON")
	return c
}

// requeued is what the gateway says about a requeue.
type requeued struct {
	Letters int  `json:"letters"`
	DryRun  bool `json:"dryRun"`
	Runs    []struct {
		gateway.RunStatus
		Letters int `json:"letters"`
	} `json:"runs"`
}

func (r *requeued) text() string {
	if len(r.Runs) == 0 {
		return "there are no such dead letters\n"
	}
	var b strings.Builder
	for _, one := range r.Runs {
		if r.DryRun {
			fmt.Fprintf(&b, "would requeue %s to %s\n", count(one.Letters, "dead letter"), one.Endpoint)
			continue
		}
		fmt.Fprintf(&b, "requeueing %s to %s as run %s\n", count(one.Letters, "dead letter"), one.Endpoint, one.ID)
	}
	return b.String()
}

func (p *program) deadletterResend() *cobra.Command {
	var (
		sets              []string
		bodyFile          string
		keep, dry, asJSON bool
	)
	c := &cobra.Command{
		Use:   "resend ID",
		Short: "Edit one and send it as a new event",
		Long: "Make a new event of a dead letter's, edited if you say so. It has an id of its own\n" +
			"and a link to the old one (resent:ID), is kept in the journal, and goes wherever the\n" +
			"rules say: to every endpoint that picks it, not only to the one that did not take it.\n" +
			"The dead letter is taken away then.",
		Example: "  imhook deadletters resend 17 --set payload.searchableContent=hello --dry-run\n" +
			"  imhook deadletters resend 17 --body fixed.json",
		Args: exactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			var edits []sample.Edit
			for _, s := range sets {
				e, err := sample.ParseEdit(s)
				if err != nil {
					return fmt.Errorf("--set: %w", err)
				}
				edits = append(edits, e)
			}
			set, err := wireEdits(edits)
			if err != nil {
				return err
			}
			wish := map[string]any{"keep": keep, "dryRun": dry}
			if set != nil {
				wish["set"] = set
			}
			if bodyFile != "" {
				b, err := os.ReadFile(bodyFile)
				if err != nil {
					return fmt.Errorf("--body: %w", err)
				}
				wish["body"] = string(b)
			}
			var answer jsontext.Value
			if err := c.post(cmd.Context(), lettersPath+"/"+url.PathEscape(args[0])+"/resend", wish, &answer); err != nil {
				return err
			}
			return tellAnswer(cmd.OutOrStdout(), answer, asJSON, resentText)
		},
	}
	flags := c.Flags()
	flags.StringArrayVar(&sets, "set", nil, "change what came over the wire: `path=value`, as imhook trigger has it; may be repeated")
	flags.StringVar(&bodyFile, "body", "", "the whole body, from a `file`")
	flags.BoolVar(&keep, "keep", false, "leave the dead letter where it is")
	flags.BoolVar(&dry, "dry-run", false, "show the event and keep nothing")
	flags.BoolVar(&asJSON, "json", false, "print the gateway's JSON")
	return c
}

// resent is what the gateway answers to a dead letter that is sent as a new event.
type resent struct {
	Event   jsontext.Value `json:"event"`
	DryRun  bool           `json:"dryRun"`
	Removed bool           `json:"removed"`
}

func resentText(w io.Writer, a *resent) error {
	ev, err := readAnswer[event.Event](a.Event)
	if err != nil {
		return err
	}
	text := "sent as event " + oneLine(ev.ID, idWidth)
	switch {
	case a.DryRun:
		text = "would send this\n" + readable("application/json", string(a.Event))
	case !a.Removed:
		text += "; the dead letter is still there"
	}
	_, err = fmt.Fprintln(w, text)
	return err
}

func (p *program) deadletterExport() *cobra.Command {
	var (
		f   letterFlags
		out string
	)
	c := &cobra.Command{
		Use:   "export",
		Short: "Write dead letters out, one CloudEvent a line",
		Long: "Write dead letters out, the oldest first, one CloudEvent a line, with the reason, the\n" +
			"last request and its answer, and what came over the wire, in attributes of their own\n" +
			"(imreason, imendpoint, imrequest, imresponse, imrawbody, …). A cloudevents source takes\n" +
			"the lines again: curl -T FILE -H 'Content-Type: application/x-ndjson' URL.",
		Example: "  imhook deadletters export --endpoint shop/backend --out letters.ndjson",
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			c, err := p.client()
			if err != nil {
				return err
			}
			w := cmd.OutOrStdout()
			if out != "" {
				// What was said is in it: it is the owner's alone, as the data directory is.
				file, err := os.OpenFile(out, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
				if err != nil {
					return fmt.Errorf("--out: %w", err)
				}
				lines := &lineCounter{Writer: file}
				w = lines
				defer func() {
					if err = errors.Join(err, file.Close()); err == nil {
						fmt.Fprintf(cmd.ErrOrStderr(), "exported %s to %s\n", count(lines.n, "dead letter"), out)
					}
				}()
			}
			return c.download(cmd.Context(), lettersPath+"/export", f.query(), w)
		},
	}
	f.add(c)
	c.Flags().StringVar(&out, "out", "", "the `file` to write; standard output by default")
	return c
}

// lineCounter counts the lines that go through it.
type lineCounter struct {
	io.Writer
	n int
}

// Write passes b on.
func (l *lineCounter) Write(b []byte) (int, error) {
	n, err := l.Writer.Write(b)
	l.n += bytes.Count(b[:n], []byte("\n"))
	return n, err
}

// notThere says that none of the dead letters that somebody named is there (or none of
// them fits what narrows).
func notThere(ids []string) error {
	if len(ids) == 1 {
		return fmt.Errorf("there is no such dead letter: %s; it was delivered, resent or purged, or is past its time", ids[0])
	}
	return fmt.Errorf("there are no such dead letters: %s; they were delivered, resent or purged, or are past their time", strings.Join(ids, ", "))
}

func (p *program) deadletterPurge() *cobra.Command {
	var (
		f                letterFlags
		all, dry, asJSON bool
	)
	c := &cobra.Command{
		Use:     "purge [ID…]",
		Short:   "Take dead letters away for good",
		Example: "  imhook deadletters purge --reason 4xx --until 720h --dry-run",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			wish := f.wish(args)
			wish["all"], wish["dryRun"] = all, dry
			n, err := purge(cmd.Context(), c, wish)
			if err != nil {
				return err
			}
			if n == 0 && len(args) > 0 {
				return notThere(args)
			}
			if asJSON {
				return writeLine(cmd.OutOrStdout(), map[string]any{"purged": n, "dryRun": dry})
			}
			did := "purged "
			if dry {
				did = "would purge "
			}
			fmt.Fprintln(cmd.OutOrStdout(), did+count(n, "dead letter"))
			return nil
		},
	}
	f.add(c)
	c.Flags().BoolVar(&all, "all", false, "all of them, of every endpoint")
	c.Flags().BoolVar(&dry, "dry-run", false, "count and do nothing")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// purge asks until all is done: one answer does what it can in its time.
func purge(ctx context.Context, c *client, wish map[string]any) (n int, err error) {
	for {
		var answer struct {
			Purged int    `json:"purged"`
			Next   uint64 `json:"next"`
		}
		if err := c.post(ctx, lettersPath+"/purge", wish, &answer); err != nil {
			return n, err
		}
		n += answer.Purged
		if answer.Next == 0 {
			return n, nil
		}
		wish["from"] = answer.Next
	}
}
