package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/gateway/journal"
)

func (p *program) journal() *cobra.Command {
	c := &cobra.Command{
		Use:   "journal",
		Short: "Move the journal of a gateway that is stopped",
		Args:  exactArgs("a command (copy)"),
		RunE: func(_ *cobra.Command, args []string) error {
			return fmt.Errorf("unknown command %q; there is copy", args[0])
		},
	}
	c.AddCommand(p.journalCopy())
	return c
}

// copyFlags are the flags of journal copy.
type copyFlags struct {
	from, to, name                           string
	replicas                                 int
	credentials, user, passwordEnv, tokenEnv string
	tlsCA, tlsCert, tlsKey, tlsServer        string
	quiet                                    bool
}

func (p *program) journalCopy() *cobra.Command {
	var f copyFlags
	c := &cobra.Command{
		Use:   "copy --from DIRECTORY --to nats://HOST:4222",
		Short: "Copy a journal from a data directory to NATS, or back",
		Long: "Copy a journal from a data directory to a NATS server or cluster, or the other way\n" +
			"with the ends swapped: events with their numbers, positions of endpoints, dead\n" +
			"letters. Decisions, what imhook decisions lists, stay behind. Stop the gateway\n" +
			"before. The target must be empty; a copy that was interrupted is gone on with by the\n" +
			"same command. The copy is read back and compared before a gateway can use it. The\n" +
			"source is not changed.\n\n" +
			"  imhook journal copy --from ./imhook-data --to nats://nats-1:4222,nats://nats-2:4222 --replicas 3 --credentials imhook.creds\n\n" +
			"Then set journal.url in the configuration and start the gateway.",
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := c.Flags()
	flags.StringVar(&f.from, "from", "", "what is copied: a data `directory`, or the URL of a NATS server")
	flags.StringVar(&f.to, "to", "", "where to: the `URL` of a NATS server (several of a cluster separated by commas), or a data directory")
	flags.StringVar(&f.name, "name", journal.DefaultName, "`name` of the journal on NATS, as journal.name has it")
	flags.IntVar(&f.replicas, "replicas", 1, "replicas of the streams on NATS, as journal.replicas has them")
	flags.StringVar(&f.credentials, "credentials", "", "NATS credentials `file`")
	flags.StringVar(&f.user, "user", "", "`user` on NATS")
	flags.StringVar(&f.passwordEnv, "password-env", "", "environment `variable` that holds the password of --user")
	flags.StringVar(&f.tokenEnv, "token-env", "", "environment `variable` that holds a NATS token")
	flags.StringVar(&f.tlsCA, "tls-ca", "", "`file` with the authorities that NATS's certificate is trusted by")
	flags.StringVar(&f.tlsCert, "tls-cert", "", "`file` with a certificate to show to NATS")
	flags.StringVar(&f.tlsKey, "tls-key", "", "`file` with the key of --tls-cert")
	flags.StringVar(&f.tlsServer, "tls-server-name", "", "`name` that NATS's certificate must have instead of the URL's host")
	flags.BoolVar(&f.quiet, "quiet", false, "do not tell how far it is")
	return c
}

func (f *copyFlags) run(cmd *cobra.Command) error {
	switch {
	case f.from == "" || f.to == "":
		return fmt.Errorf("--from and --to are both needed; see %s --help", cmd.CommandPath())
	case isURL(f.from) == isURL(f.to):
		return errors.New("one of --from and --to is a data directory, the other the URL of a NATS server (nats://host:4222)")
	}
	for flag, place := range map[string]string{"from": f.from, "to": f.to} {
		if holdsUser(place) {
			return fmt.Errorf("--%s holds a user or password, which would be printed; write --user and --password-env, or --token-env", flag)
		}
	}
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	from, err := f.end(f.from, log)
	if err != nil {
		return err
	}
	to, err := f.end(f.to, log)
	if err != nil {
		return err
	}
	progress := func(c journal.Copied) {
		if !f.quiet {
			_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%d of about %d pages, %d events, %s\n", c.Pages, c.Last+1-c.First, c.Events, mebibytes(c.Bytes))
		}
	}
	done, err := journal.Copy(cmd.Context(), from, to, progress)
	if err != nil {
		return fmt.Errorf("copying the journal: %w", err)
	}
	return f.say(cmd.OutOrStdout(), done)
}

func (f *copyFlags) say(w io.Writer, c journal.Copied) error {
	var b strings.Builder
	if c.Resumed {
		b.WriteString("went on with a copy that was not finished\n")
	}
	fmt.Fprintf(&b, "copied %s from %s to %s\n", count(int(c.Events), "event"), f.from, f.to)
	fmt.Fprintf(&b, "  pages         %d to %d: %d, %s", c.First, c.Last, c.Pages, mebibytes(c.Bytes))
	if missing := c.Last + 1 - c.First - c.Pages; missing > 0 {
		fmt.Fprintf(&b, " (%s without a page, as in the source)", count(int(missing), "number"))
	}
	fmt.Fprintf(&b, "\n  positions     %d\n  dead letters  %d\n", c.Positions, c.DeadLetters-c.DeadLettersLeftBehind)
	if n := c.DeadLettersLeftBehind; n > 0 {
		fmt.Fprintf(&b, "  the oldest %s did not fit and stayed behind\n", count(int(n), "dead letter"))
	}
	fmt.Fprintf(&b, "  read back and compared: sha256 %s\n", c.Sum)
	if isURL(f.to) {
		fmt.Fprintf(&b, "The gateway uses it with journal: {url: %q, name: %s, replicas: %d}.\n", f.to, f.name, f.replicas)
	} else {
		fmt.Fprintf(&b, "The gateway uses it with data_dir: %s and no journal.url.\n", f.to)
	}
	b.WriteString("The source was not changed; do not start a gateway on it again.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// end is the journal at one end.
func (f *copyFlags) end(place string, log *slog.Logger) (journal.Config, error) {
	c := journal.Config{Log: log, Version: buildVersion()}
	if !isURL(place) {
		c.Dir = place
		return c, nil
	}
	c.URL, c.Name, c.Replicas, c.CredentialsFile, c.User = place, f.name, f.replicas, f.credentials, f.user
	for _, s := range []struct {
		flag, variable string
		to             *dialect.Secret
	}{{"password-env", f.passwordEnv, &c.Password}, {"token-env", f.tokenEnv, &c.Token}} {
		if s.variable == "" {
			continue
		}
		value, ok := os.LookupEnv(s.variable)
		if !ok || value == "" {
			return c, fmt.Errorf("--%s: the environment has no %s", s.flag, s.variable)
		}
		*s.to = dialect.Secret(value)
	}
	if f.tlsCA != "" || f.tlsCert != "" || f.tlsKey != "" || f.tlsServer != "" {
		c.TLS = &journal.TLS{CAFile: f.tlsCA, CertFile: f.tlsCert, KeyFile: f.tlsKey, ServerName: f.tlsServer}
	}
	return c, nil
}

func isURL(place string) bool { return strings.Contains(place, "://") }

// holdsUser reports whether one of the URLs names who asks.
func holdsUser(place string) bool {
	for one := range strings.SplitSeq(place, ",") {
		if u, err := url.Parse(strings.TrimSpace(one)); isURL(place) && (err != nil && strings.Contains(one, "@") || err == nil && u.User != nil) {
			return true
		}
	}
	return false
}

func mebibytes(n uint64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
