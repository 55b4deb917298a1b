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
	c := &cobra.Command{
		Use:   "listen DIALECT",
		Short: "Be a backend that verifies, decodes, prints and answers",
		Long: "Be a backend that verifies, decodes, prints and answers in a dialect. With --credential\n" +
			"a request whose signature does not fit is refused; without, signatures are not looked at.\n\n" +
			"--answer says what is answered: allow, deny or drop (after-callbacks are always thanked\n" +
			"for), timeout (no answer until the caller leaves), a status such as 500, or the name of a\n" +
			"file that is the body.",
		Example: "  imhook listen wildfirechat\n" +
			"  imhook listen rongcloud --credential app_key=k --credential app_secret_env=RONG_SECRET --answer 500",
		Args: exactArgs("DIALECT"),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return p.registry.Names(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
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
	return c
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
