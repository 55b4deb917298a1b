package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/client/admin"
)

func (p *program) tokens() *cobra.Command {
	c := &cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke tokens of the API and the console",
		Long: "Make, list and revoke tokens of the API and the console. A viewer reads, an operator\n" +
			"also pauses, resumes, requeues, replays and triggers, an admin also changes the\n" +
			"configuration and who may do what. The gateway keeps their sums alone.",
		Example: "  imhook token create night-shift --role operator --expires 90d\n" +
			"  imhook token list\n" +
			"  imhook token revoke night-shift",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return fmt.Errorf("unknown command %q; there are %s", args[0], strings.Join(names(cmd.Commands()), ", "))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(p.tokenCreate(), p.tokenList(), p.tokenRevoke())
	return c
}

func (p *program) tokenCreate() *cobra.Command {
	var (
		t      admin.TokenWish
		asJSON bool
	)
	c := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a token; it is printed this once",
		Args:  exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			t.Name = args[0]
			made, err := c.CreateToken(cmd.Context(), t)
			if err != nil {
				return explain(err)
			}
			if asJSON {
				return writeLine(cmd.OutOrStdout(), made)
			}
			ends := "does not expire"
			if !made.Expires.IsZero() {
				ends = "expires " + minute(made.Expires)
			}
			_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "imhook: token %s of %s is %s and %s; it is not shown again\n", made.ID, oneLine(made.Name, idWidth), made.Role, ends)
			_, err = fmt.Fprintln(cmd.OutOrStdout(), made.Secret)
			return err
		},
	}
	flags := c.Flags()
	flags.StringVar(&t.Role, "role", admin.RoleViewer, "what it may: viewer, operator or admin")
	flags.StringVar(&t.Expires, "expires", "", "when it ends: a `time`, or for how long: 12h, 90d; never by default")
	flags.BoolVar(&asJSON, "json", false, "print the gateway's JSON")
	return c
}

func (p *program) tokenList() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "Show who may use the API",
		Args:  exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return tellPath(p, cmd, "/api/v1/tokens", asJSON, tokenTable)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the gateway's JSON")
	return c
}

func tokenTable(w io.Writer, answer *admin.TokenList) error {
	if len(answer.Tokens) == 0 {
		_, err := fmt.Fprintln(w, "There are no tokens but admin.token of the configuration.")
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "ID\tNAME\tROLE\tCREATED\tEXPIRES\tUSED")
	now := time.Now()
	for _, t := range answer.Tokens {
		expires, used := "never", "-"
		switch {
		case t.Expired:
			expires = "expired"
		case !t.Expires.IsZero():
			expires = minute(t.Expires)
		}
		if !t.LastUsed.IsZero() {
			used = roughly(now.Sub(t.LastUsed)) + " ago"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, oneLine(t.Name, 60), t.Role, minute(t.CreatedAt), expires, used)
	}
	return tw.Flush()
}

func (p *program) tokenRevoke() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID|NAME",
		Short: "Revoke a token, and end the sessions that were begun with it",
		Args:  exactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			t, err := c.RevokeToken(cmd.Context(), args[0])
			if err != nil {
				return explain(err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "revoked %s (%s)\n", t.Revoked, oneLine(t.Name, idWidth))
			return err
		},
	}
}
