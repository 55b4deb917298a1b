package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/client/admin"
	"github.com/imhook/imhook/internal/suggest"
)

// doctorFlags are the flags of doctor.
type doctorFlags struct {
	sources   []string
	endpoints []string
	noSend    bool
	timeout   time.Duration
	json      bool
}

func (p *program) doctor() *cobra.Command {
	var f doctorFlags
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Find out what is wrong, and say what to do",
		Long: "Ask a gateway for everything that can be wrong, and say of each finding what it is,\n" +
			"why, and what to do. Each source is called with a harmless event, signed as its server\n" +
			"would (a user called imhook-doctor comes online), which is followed to every endpoint\n" +
			"that gets it; each hook is asked whether that user may write to himself.\n\n" +
			"It exits with 1 when something is wrong. With --no-send it looks and sends nothing.",
		Example: "  imhook doctor\n" +
			"  imhook doctor --source openim-prod --endpoint shop/backend --timeout 10s\n" +
			"  imhook doctor --no-send --json",
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.timeout <= 0 || f.timeout > maxDoctor {
				return fmt.Errorf("--timeout is %v; write up to %v", f.timeout, maxDoctor)
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			c.http.Timeout = max(c.http.Timeout, f.timeout+apiTimeout/4)
			d := &doctor{client: c, doctorFlags: f, now: time.Now()}
			if !f.json {
				d.out = cmd.OutOrStdout()
			}
			err = d.run(cmd.Context())
			if f.json {
				err = errors.Join(writeLine(cmd.OutOrStdout(), d.report()), err)
			}
			return err
		},
	}
	flags := c.Flags()
	flags.StringSliceVar(&f.sources, "source", nil, "only this `source`; may be given several times")
	flags.StringSliceVar(&f.endpoints, "endpoint", nil, "only this `[app/]endpoint`; may be given several times")
	flags.BoolVar(&f.noSend, "no-send", false, "look only: call no source and ask no hook")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "how long to follow one event")
	flags.BoolVar(&f.json, "json", false, "print all findings as one line of JSON")
	return c
}

// maxDoctor is how long the gateway follows an event at most.
const maxDoctor = 5 * time.Minute

// run makes the checks in their order. The first one that nothing can be asked behind
// ends them.
func (d *doctor) run(ctx context.Context) error {
	if d.reach(ctx) {
		if err := d.narrow(ctx); err != nil {
			return err
		}
		for _, check := range []func(context.Context) error{
			d.checkGateway, d.checkCluster, d.checkHistory, d.checkSources, d.checkEndpoints, d.checkHooks, d.checkSecrets, d.checkLedger,
		} {
			if err := check(ctx); err != nil {
				return err
			}
		}
	}
	if d.wrong > 0 {
		return fmt.Errorf("%s", sick(d.wrong))
	}
	if d.out != nil {
		_, err := fmt.Fprintln(d.out, "\nnothing is wrong")
		return err
	}
	return nil
}

func sick(n int) string {
	if n == 1 {
		return "1 thing is wrong"
	}
	return fmt.Sprintf("%d things are wrong", n)
}

// narrow reads what there is, and refuses names that there are not.
func (d *doctor) narrow(ctx context.Context) error {
	sources, err := d.client.Sources(ctx)
	if err != nil {
		return explain(err)
	}
	var names []string
	for _, s := range sources.Sources {
		names = append(names, s.Name)
		if len(d.sources) == 0 || slices.Contains(d.sources, s.Name) {
			d.haveSources = append(d.haveSources, s)
		}
	}
	for _, want := range d.sources {
		if !slices.Contains(names, want) {
			return fmt.Errorf("--source %s: there is none%s", want, suggest.DidYouMean(want, names))
		}
	}
	ends, err := d.readEndpoints(ctx)
	if err != nil {
		return err
	}
	names = nil
	for _, e := range ends {
		names = append(names, e.App+"/"+e.Name)
	}
	for i, want := range d.endpoints {
		var fit []string
		for _, id := range names {
			if _, name, _ := strings.Cut(id, "/"); id == want || name == want {
				fit = append(fit, id)
			}
		}
		switch len(fit) {
		case 0:
			return fmt.Errorf("--endpoint %s: there is none%s", want, suggest.DidYouMean(want, names))
		case 1:
			d.endpoints[i] = fit[0]
		default:
			return fmt.Errorf("--endpoint %s: there are several, %s; write one of them", want, strings.Join(fit, ", "))
		}
	}
	return nil
}

func (d *doctor) readEndpoints(ctx context.Context) ([]admin.Endpoint, error) {
	answer, err := d.client.Endpoints(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return answer.Endpoints, nil
}

// wants reports whether somebody wants to know of an endpoint (app/name).
func (d *doctor) wants(id string) bool {
	return len(d.endpoints) == 0 || slices.Contains(d.endpoints, id)
}
