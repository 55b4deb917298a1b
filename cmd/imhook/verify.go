package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/imhook/imhook/dialect"
)

// verifyFlags are the flags of verify.
type verifyFlags struct {
	wire        wireFlags
	credentials []string
	at          string
	maxAge      time.Duration
}

// errUnverified ends verify when the signature does not fit.
var errUnverified = errors.New("not verified")

func (p *program) verify() *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "verify DIALECT [FILE]",
		Short: "Say whether a callback's signature fits, and if not why",
		Long: "Say whether a callback's signature fits, and if not why; then what it says. Fails when the\n" +
			"gateway would refuse it.\n\n" + wireHelp,
		Example: "  imhook verify rongcloud --credential app_key=k --credential app_secret_env=RONG_SECRET request.http\n" +
			"  imhook verify easemob --credential secret_env=EASEMOB_SECRET --at 2026-11-20T08:00:00Z body.json",
		Args: upTo(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("DIALECT is missing; see imhook verify --help")
			}
			d, err := p.dialect(args[0])
			if err != nil {
				return err
			}
			return f.run(cmd, d, args[1:])
		},
	}
	flags := c.Flags()
	flags.StringArrayVar(&f.credentials, "credential", nil, credentialUsage)
	flags.StringVar(&f.at, "at", "", "`time` of arrival, as 2026-11-20T08:00:00Z (default: now)")
	flags.DurationVar(&f.maxAge, "max-age", -1, "how far the signed time may lie from that; 0 for any (default: the dialect's)")
	flags.Lookup("max-age").DefValue = "0s" // so that help does not print -1, which means that it is not given
	f.wire.add(flags)
	return c
}

func (f *verifyFlags) run(cmd *cobra.Command, d dialect.Dialect, files []string) error {
	spec, out := d.Spec(), cmd.OutOrStdout()
	cred, err := parseCredentials(spec, f.credentials)
	if err != nil {
		return err
	}
	v := dialect.Verification{Now: time.Now(), MaxAge: spec.MaxAge}
	if f.at != "" {
		if v.Now, err = time.Parse(time.RFC3339, f.at); err != nil {
			return fmt.Errorf("--at %q is not a time; write 2026-11-20T08:00:00Z", f.at)
		}
	}
	if f.maxAge >= 0 {
		v.MaxAge = f.maxAge
	}
	req, err := f.wire.read(cmd.InOrStdin(), files, spec)
	if err != nil {
		return err
	}
	if signs(spec) && len(cred.Secrets) == 0 {
		return fmt.Errorf("--credential is missing: %s signs with %s", spec.Name, credentialNames(spec))
	}
	proof, bad := d.Verify(&req, cred, v)
	switch {
	case !signs(spec):
		_, _ = fmt.Fprintf(out, "%s signs nothing: anybody can send this; guard the source with allow_from or path_token\n", spec.Name)
	case bad == nil && proof.Secret < 0:
		_, _ = fmt.Fprintln(out, "accepted without a signature")
	case bad == nil:
		_, _ = fmt.Fprintln(out, "the signature fits")
	default:
		_, _ = fmt.Fprintln(out, bad)
		for _, line := range why(d, req, cred, v, bad) {
			_, _ = fmt.Fprintln(out, "  "+line)
		}
	}
	if err := describe(out, d, &req); err != nil {
		return err
	}
	if bad != nil {
		return errUnverified
	}
	return nil
}

// signs reports whether the dialect's requests carry a signature.
func signs(spec *dialect.Spec) bool { return spec.MaxAge > 0 }

// why looks for the usual reasons.
func why(d dialect.Dialect, req dialect.Request, cred dialect.Credentials, v dialect.Verification, bad error) []string {
	fits := func(req dialect.Request) bool {
		w := v
		w.MaxAge = 0
		_, err := d.Verify(&req, cred, w)
		return err == nil
	}
	if errors.Is(bad, dialect.ErrStale) {
		if fits(req) {
			return []string{
				"the secret is right and the request unaltered, but its time lies too far from " + v.Now.UTC().Format(time.RFC3339),
				"for one that was captured give --at the time when it arrived; for a live one compare the clocks",
			}
		}
		return nil
	}
	if errors.Is(bad, dialect.ErrWrongApp) {
		return []string{"it is signed for another app: the source's app key and the vendor's console differ"}
	}
	for _, change := range []struct {
		body []byte
		text string
	}{
		{bytes.TrimRight(req.Body, "\r\n"), "without the line break at the end of the file it fits: the body was saved with one more"},
		{append(bytes.Clone(req.Body), '\n'), "with a line break at the end it fits: the body was saved without it"},
		{compact(req.Body), "with the spaces between the JSON taken out it fits: the body was reformatted"},
	} {
		altered := req
		altered.Body = change.body
		if change.body != nil && !bytes.Equal(change.body, req.Body) && fits(altered) {
			return []string{change.text}
		}
	}
	for i, s := range cred.Secrets {
		trimmed := dialect.Secret(strings.TrimSpace(s.Value.Reveal()))
		other := cred
		other.Secrets = []dialect.DatedSecret{{Value: trimmed}}
		if trimmed == s.Value {
			continue
		}
		w := v
		w.MaxAge = 0
		if _, err := d.Verify(&req, other, w); err == nil {
			return []string{fmt.Sprintf("without the spaces around secret %d it fits", i+1)}
		}
	}
	if bad.Error() != dialect.ErrSignature.Error() {
		return nil // it says itself what is wrong: something is missing, or cannot be read
	}
	return []string{"the secret is another one, or what is signed was altered on the way"}
}

// compact is JSON without spaces between; nil when it is none.
func compact(body []byte) []byte {
	v := jsontext.Value(bytes.Clone(body))
	if v.Compact() != nil {
		return nil
	}
	return v
}

// describe says what the callback is.
func describe(w io.Writer, d dialect.Dialect, req *dialect.Request) error {
	evs, err := d.Decode(req)
	if err != nil {
		return fmt.Errorf("reading the callback: %w", err)
	}
	for _, ev := range evs {
		_, _ = fmt.Fprintf(w, "%s  %s  %s/%s\n", ev.Type, ev.Phase, ev.Dialect, ev.Command)
		field(w, "lane", string(ev.Lane))
		if !ev.Time.IsZero() {
			field(w, "time", ev.Time.UTC().Format(time.RFC3339Nano))
		}
	}
	return nil
}
