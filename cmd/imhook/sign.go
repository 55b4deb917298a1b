package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

func (p *program) sign() *cobra.Command {
	var wire wireFlags
	var credentials []string
	var id string
	c := &cobra.Command{
		Use:   "sign DIALECT [FILE]",
		Short: "Sign a callback as the vendor's server would",
		Long: "Sign a callback as the vendor's server would, and print the whole request. A signature that\n" +
			"is there already is replaced.\n\n" + wireHelp,
		Example: "  imhook sign rongcloud --credential app_key=k --credential app_secret_env=RONG_SECRET --command chatroom_status body.json",
		Args:    upTo(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("DIALECT is missing; see imhook sign --help")
			}
			d, err := p.dialect(args[0])
			if err != nil {
				return err
			}
			cred, err := parseCredentials(d.Spec(), credentials)
			if err != nil {
				return err
			}
			switch {
			case !signs(d.Spec()):
				return fmt.Errorf("%s signs nothing", d.Spec().Name)
			case len(cred.Secrets) == 0:
				return fmt.Errorf("--credential is missing: %s signs with %s", d.Spec().Name, credentialNames(d.Spec()))
			}
			req, err := wire.read(cmd.InOrStdin(), args[1:], d.Spec())
			if err != nil {
				return err
			}
			if id == "" {
				id = event.NewID()
				if evs, err := d.Decode(&req); err == nil && len(evs) == 1 && evs[0].ID != "" {
					id = evs[0].ID
				}
			}
			now := time.Now()
			if err := d.Sign(&req, cred, id, now); err != nil {
				return fmt.Errorf("signing: %w", err)
			}
			// A body without a place for the signature stays as it was.
			if _, err := d.Verify(&req, cred, dialect.Verification{Now: now}); errors.Is(err, dialect.ErrSignature) {
				return fmt.Errorf("not signed: %w; where the body holds the signature, write its key with an empty text to have it filled in", err)
			}
			return writeWire(cmd.OutOrStdout(), &req)
		},
	}
	flags := c.Flags()
	flags.StringArrayVar(&credentials, "credential", nil, credentialUsage)
	flags.StringVar(&id, "id", "", "event `id`, where the signature covers it (default: the event's own, or a new one)")
	wire.add(flags)
	return c
}
