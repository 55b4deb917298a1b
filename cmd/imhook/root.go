package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/internal/suggest"
	"github.com/imhook/imhook/internal/tlsfile"
)

// defaultGateway is where serve listens by itself.
const defaultGateway = "http://127.0.0.1:8420"

// program is what the commands share.
type program struct {
	registry *dialect.Registry
	gateway  string
	token    string
	// tls is how the gateway is called over https.
	tls tlsfile.Client
}

func newRoot() *cobra.Command {
	p := &program{registry: builtin.New()}
	root := &cobra.Command{
		Use:   "imhook",
		Short: "The callback gateway for instant messaging",
		Long: "imhook takes the callbacks of IM servers, keeps them, and delivers them in order\n" +
			"to app backends, in the dialect that each of them speaks.\n\n" +
			"Begin with: imhook serve",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return fmt.Errorf("unknown command %q%s; imhook help lists them", args[0], suggest.DidYouMean(args[0], names(cmd.Commands())))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := root.PersistentFlags()
	flags.StringVar(&p.gateway, "gateway", "", "`URL` of the gateway (IMHOOK_GATEWAY; default "+defaultGateway+")")
	flags.StringVar(&p.token, "token", "", "token of the gateway's API (IMHOOK_TOKEN)")
	flags.StringVar(&p.tls.CAFile, "tls-ca", "", "`file` of the authorities that signed the gateway's certificate (IMHOOK_TLS_CA; default the system's)")
	flags.StringVar(&p.tls.CertFile, "tls-cert", "", "`file` of a certificate to show to the gateway (IMHOOK_TLS_CERT)")
	flags.StringVar(&p.tls.KeyFile, "tls-key", "", "`file` of that certificate's key (IMHOOK_TLS_KEY)")
	root.PersistentPreRun = func(*cobra.Command, []string) {
		// Not the flags' defaults: help would print the token.
		p.gateway = firstOf(p.gateway, os.Getenv("IMHOOK_GATEWAY"), defaultGateway)
		p.token = firstOf(p.token, os.Getenv("IMHOOK_TOKEN"))
		p.tls.CAFile = firstOf(p.tls.CAFile, os.Getenv("IMHOOK_TLS_CA"))
		p.tls.CertFile = firstOf(p.tls.CertFile, os.Getenv("IMHOOK_TLS_CERT"))
		p.tls.KeyFile = firstOf(p.tls.KeyFile, os.Getenv("IMHOOK_TLS_KEY"))
	}
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(p.serve(), p.trigger(), p.listen(), p.convert(), p.verify(), p.sign(), p.events(), p.search(), p.tail(), p.decisions(), p.sources(), p.hooks(), p.endpoints(), p.cluster(), p.pause(), p.resume(), p.attempts(), p.deadletters(), p.replay(), p.rule(), p.journal(), p.history(), p.config(), p.tokens(), p.audit(), p.doctor(), p.ready(), p.version())
	return root
}

// flagError adds what to do to a flag that could not be read.
func flagError(cmd *cobra.Command, err error) error {
	const unknown = "unknown flag: --"
	near := ""
	if name, ok := strings.CutPrefix(err.Error(), unknown); ok {
		near = suggest.DidYouMean(name, flagNames(cmd))
	}
	return fmt.Errorf("%w%s; see %s --help", err, near, cmd.CommandPath())
}

func flagNames(cmd *cobra.Command) []string {
	var all []string
	for line := range strings.SplitSeq(cmd.Flags().FlagUsages(), "\n") {
		if _, rest, ok := strings.Cut(line, "--"); ok {
			name, _, _ := strings.Cut(rest, " ")
			all = append(all, name)
		}
	}
	return all
}

func names(cmds []*cobra.Command) []string {
	var all []string
	for _, c := range cmds {
		all = append(all, c.Name())
	}
	return all
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// dialect finds the dialect that somebody typed.
func (p *program) dialect(name string) (dialect.Dialect, error) {
	d, err := p.registry.Get(name)
	if err != nil {
		return nil, fmt.Errorf("%w%s", err, suggest.DidYouMean(name, p.registry.Names()))
	}
	return d, nil
}

// upTo takes as many arguments as n, or fewer.
func upTo(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return fmt.Errorf("%q is one argument too many; see %s --help", args[n], cmd.CommandPath())
		}
		return nil
	}
}

// exactArgs asks for the named arguments, all of them.
func exactArgs(want ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(want):
			return fmt.Errorf("%s is missing; see %s --help", want[len(args)], cmd.CommandPath())
		case len(args) > len(want):
			return fmt.Errorf("%q is one argument too many; see %s --help", args[len(want)], cmd.CommandPath())
		}
		return nil
	}
}
