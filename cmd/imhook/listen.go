package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/dialect"
)

// listenFlags are the flags of listen.
type listenFlags struct {
	addr        string
	base        string
	answer      string
	credentials []string
	json        bool
}

func (p *program) listen() *cobra.Command {
	var f listenFlags
	var from fromFlags
	c := &cobra.Command{
		Use:   "listen DIALECT | listen --from URL --endpoint NAME --forward URL",
		Short: "Be a backend that verifies, decodes, prints and answers; or an endpoint on this machine",
		Long: "Be a backend that verifies, decodes, prints and answers in a dialect. With --credential\n" +
			"a request whose signature does not fit is refused; without, signatures are not looked at.\n\n" +
			"--answer says what is answered: allow, deny or drop (after-callbacks are always thanked\n" +
			"for), timeout (no answer until the caller leaves), a status such as 500, or the name of a\n" +
			"file that is the body.\n\n" +
			"With --from, be an endpoint of a gateway elsewhere (one with url: listen) on this machine:\n" +
			"its events, and what hooks with url: listen are asked, are posted to --forward as the gateway\n" +
			"would, signed, and what is answered there is the answer. While nobody listens the gateway\n" +
			"keeps the events in order. When the gateway cannot be heard for --deaf it ends with an error.",
		Example: "  imhook listen wildfirechat\n" +
			"  imhook listen rongcloud --credential app_key=k --credential app_secret_env=RONG_SECRET --answer 500\n" +
			"  imhook listen --from https://gateway.example --endpoint dev --forward http://localhost:3000 --since 10m",
		Args: func(cmd *cobra.Command, args []string) error {
			if from.gateway != "" {
				return exactArgs()(cmd, args)
			}
			return exactArgs("DIALECT")(cmd, args)
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return p.registry.Names(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.either(cmd, &from); err != nil {
				return err
			}
			if from.gateway != "" {
				from.json = f.json
				return from.run(cmd.Context(), p, cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			d, err := p.dialect(args[0])
			if err != nil {
				return err
			}
			b, err := f.backend(d)
			if err != nil {
				return err
			}
			b.out, b.notes = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return f.serve(cmd, b)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.addr, "addr", ":9000", "`host:port` to listen on; 127.0.0.1:9000 for this machine only")
	flags.StringVar(&f.base, "base", "", "`path` before the dialect's own, as in the endpoint's url")
	flags.StringVar(&f.answer, "answer", "allow", "allow, deny, drop, timeout, a status, or a `file`")
	flags.StringArrayVar(&f.credentials, "credential", nil, credentialUsage)
	flags.BoolVar(&f.json, "json", false, "print one line of JSON for each event")
	flags.StringVar(&from.gateway, "from", "", "`URL` of a gateway to be an endpoint of")
	flags.StringVar(&from.endpoint, "endpoint", "", "with --from: which `endpoint`, one with url: listen")
	flags.StringArrayVar(&from.hooks, "hook", nil, "with --from: which `hook`, one with url: listen (default all of the endpoint's app)")
	flags.StringVar(&from.forward, "forward", "", "with --from: `URL` that requests are posted to, below which the dialect's paths are")
	flags.StringVar(&from.since, "since", "", "with --from: first deliver again what came since then: a `time`, or how long ago: 10m")
	flags.DurationVar(&from.deaf, "deaf", time.Minute, "with --from: how long a gateway that went away is asked for")
	return c
}

// either refuses flags of the other way to listen.
func (f *listenFlags) either(cmd *cobra.Command, from *fromFlags) error {
	own, other := []string{"addr", "base", "answer", "credential"}, []string{"endpoint", "hook", "forward", "since", "deaf"}
	why := "goes with a DIALECT; with --from the gateway's endpoint says it"
	if from.gateway == "" {
		own, why = other, "goes with --from"
	}
	for _, name := range own {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s %s", name, why)
		}
	}
	return nil
}

func (f *listenFlags) backend(d dialect.Dialect) (*backend, error) {
	cred, err := parseCredentials(d.Spec(), f.credentials)
	if err != nil {
		return nil, err
	}
	if len(f.credentials) > 0 && len(cred.Secrets) == 0 {
		return nil, fmt.Errorf("--credential gives no secret, and nothing could be verified; %s has %s", d.Spec().Name, credentialNames(d.Spec()))
	}
	answer, err := parseAnswer(f.answer)
	if err != nil {
		return nil, err
	}
	base := strings.TrimSuffix(f.base, "/")
	if base != "" && base[0] != '/' {
		return nil, fmt.Errorf("--base %q does not begin with /", f.base)
	}
	return &backend{dialect: d, cred: cred, verify: len(f.credentials) > 0, base: base, answer: answer, json: f.json}, nil
}

// serve listens until the context ends.
func (f *listenFlags) serve(cmd *cobra.Command, b *backend) error {
	ctx := cmd.Context()
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", f.addr)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	srv := &http.Server{Handler: b, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute}
	if !f.json {
		_, _ = fmt.Fprintf(b.out, "backend listens on http://%s%s for %s\n", l.Addr(), b.base, b.dialect.Spec().Name)
	}
	// What waits for its caller to leave must not hold up the end.
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}
