package main

import (
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/config"
)

// greet says what runs, what to paste where, and what to try.
func greet(w io.Writer, c *config.Config, registry *dialect.Registry, addr, adminAddr string) {
	var b strings.Builder
	base := scheme(c.TLS) + reachable(addr)
	api := base
	what := "imhook " + buildVersion() + " listens on " + base
	if c.Sandbox {
		what += " (sandbox: no configuration file)"
	}
	if c.Admin.Listen != "" {
		api = scheme(c.Admin.TLS) + reachable(adminAddr)
		what += ", its API on " + api
	}
	kept := "data is kept in " + c.DataDir
	if c.Journal.URL != "" {
		kept = "data is kept in the journal " + c.Journal.Name + " at " + c.Journal.URL
	}
	fmt.Fprintf(&b, "%s\n%s\n", what, kept)

	first := ""
	b.WriteString("\nURLs for IM servers:\n")
	for _, a := range c.Apps {
		for _, s := range a.Sources {
			d, err := registry.Get(s.Dialect)
			if err != nil {
				continue
			}
			fmt.Fprintf(&b, "  %-14s %s/in/%s%s%s\n", s.Name, base, s.Name, tokenHint(s), pathHint(d.Spec()))
			if c.Sandbox {
				b.WriteString(secretsHint(d.Spec(), s))
			}
			if name := worthTrying(d.Spec()); name != "" && first == "" {
				first = s.Dialect + " " + name
			}
		}
	}

	flags := ""
	if api != defaultGateway {
		flags = " --gateway " + api
	}
	if c.Admin.Closed() {
		flags += " --token …"
	}
	b.WriteString("\nTry:\n")
	if first != "" {
		fmt.Fprintf(&b, "  imhook trigger %s%s\n", first, flags)
	}
	fmt.Fprintf(&b, "  imhook events --follow%s\n", flags)
	if _, err := os.Stat(defaultConfig); c.Sandbox && err == nil {
		fmt.Fprintf(&b, "\nThere is an %s here; use it with --config %s.\n", defaultConfig, defaultConfig)
	}
	_, _ = io.WriteString(w, b.String())
}

// worthTrying is a command that is kept and delivered: the first that reports a
// message, else the first that reports anything.
func worthTrying(spec *dialect.Spec) string {
	first := ""
	for _, c := range spec.Commands {
		if c.Phase == event.Before {
			continue
		}
		if slices.Contains(c.Types, event.MessageSend) {
			return c.Name
		}
		if first == "" {
			first = c.Name
		}
	}
	return first
}

func scheme(encrypted *config.ServerTLS) string {
	if encrypted != nil {
		return "https://"
	}
	return "http://"
}

// reachable is an address to connect to for one that is listened on.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	switch host {
	case "", "0.0.0.0", "::":
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// tokenHint stands for a path token, which is not printed.
func tokenHint(s config.Source) string {
	if !s.HasPathToken() {
		return ""
	}
	return "/{path_token}"
}

// pathHint says what a dialect appends.
func pathHint(spec *dialect.Spec) string {
	var paths []string
	bare := false
	for _, c := range spec.Commands {
		if c.Path == "" {
			bare = true
		} else if !slices.Contains(paths, c.Path) {
			paths = append(paths, c.Path)
		}
	}
	switch {
	case len(paths) == 0:
		return ""
	case bare && len(paths) == 1: // the others are told from the body
		return fmt.Sprintf("  (and with %s: docs/dialects/%s.md)", paths[0], spec.Name)
	case bare:
		return fmt.Sprintf("  (and %d paths below it: docs/dialects/%s.md)", len(paths), spec.Name)
	case len(paths) == 1:
		return paths[0]
	}
	return fmt.Sprintf("%s  (and %d more paths: imhook trigger %s --list)", paths[0], len(paths)-1, spec.Name)
}

// secretsHint shows the sandbox's credentials, which are no secrets.
func secretsHint(spec *dialect.Spec, s config.Source) string {
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(s.Credentials.Public)) {
		pairs = append(pairs, k+"="+s.Credentials.Public[k])
	}
	for _, key := range spec.Credentials {
		if key.Secret && len(s.Credentials.Secrets) > 0 {
			pairs = append(pairs, key.Name+"="+s.Credentials.Secrets[0].Value.Reveal())
		}
	}
	if len(pairs) == 0 {
		return ""
	}
	return fmt.Sprintf("  %-14s signed with %s\n", "", strings.Join(pairs, " "))
}
