package movein

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// adminPort is where the API goes when callbacks come from other machines.
const adminPort = "8421"

// Config is the imhook.yaml of the plan.
func (p *Plan) Config() string {
	var w writer
	file := oneWord(filepath.Base(p.Found.File))
	w.line(0, "# Made of %s (%s) by imhook config import. The numbers of lines are that file's.", file, p.Found.Server)
	listen, open := p.listen()
	if open {
		_, port, _ := strings.Cut(listen, ":")
		api := adminPort
		if port == api {
			api = "8420"
		}
		w.line(0, "listen: %s", listen)
		w.line(0, "# API and metrics, for this machine alone: imhook --gateway http://127.0.0.1:%s", api)
		w.line(0, "admin: {listen: 127.0.0.1:%s}", api)
	} else {
		w.line(0, "listen: %s", plainOrQuoted(listen))
	}
	w.line(0, "apps:")
	w.line(1, "- name: %s", plainOrQuoted(p.App))
	w.line(2, "sources:")
	w.line(3, "# The IM server posts to %s.", p.SourceURL())
	allow := ""
	if len(p.AllowFrom) > 0 {
		allow = ", allow_from: [" + strings.Join(quoted(p.AllowFrom), ", ") + "]"
	} else {
		w.line(3, "# It signs nothing: say who may call, with allow_from: [10.0.0.0/8] or a path_token.")
	}
	deadline := ""
	if len(p.Hooks) > 0 {
		w.line(3, "# It must wait %s for a verdict.", seconds(p.Deadline))
		deadline = ", deadline: " + seconds(p.Deadline)
		if p.Found.Generation != "" {
			deadline += ", generation: " + p.Found.Generation
		}
	}
	w.line(3, "- {name: %s, dialect: %s%s%s}", plainOrQuoted(p.Source), p.Found.Spec.Name, deadline, allow)
	for _, list := range []struct {
		key     string
		targets []Target
	}{{"hooks", p.Hooks}, {"endpoints", p.Endpoints}} {
		if len(list.targets) > 0 {
			w.line(2, "%s:", list.key)
		}
		for i := range list.targets {
			w.target(3, p, &list.targets[i])
		}
	}
	return w.String()
}

// writer writes YAML by hand: comments stand beside what they are about.
type writer struct{ strings.Builder }

// line writes one line, indented by level.
func (w *writer) line(level int, format string, args ...any) {
	w.WriteString(strings.Repeat("  ", level))
	fmt.Fprintf(w, format, args...)
	w.WriteByte('\n')
}

// target writes an endpoint or a hook.
func (w *writer) target(level int, p *Plan, t *Target) {
	first := t.Callbacks[0]
	where := lineOf(first.URLLine)
	if first.Whole {
		where = "see events"
	}
	w.line(level, "- name: %s", t.Name)
	level++
	w.line(level, "url: %s   # %s", plainOrQuoted(t.URL), where)
	w.line(level, "dialect: %s", p.Found.Spec.Name)
	w.line(level, "sources: [%s]", plainOrQuoted(p.Source))
	w.line(level, "events:")
	for _, c := range t.Callbacks {
		for i, name := range c.Names {
			why := fmt.Sprintf("%s: %s", lineOf(c.Line), c.Key)
			if i > 0 {
				why = "the same, as older servers call it"
			}
			w.line(level+1, "- %s   # %s", plainOrQuoted(name), why)
		}
	}
	if len(t.Paths) > 0 {
		w.line(level, "paths:   # where the backend takes them")
		for _, path := range t.Paths {
			w.line(level+1, "%s: %s   # %s", path.Command, plainOrQuoted(path.Path), lineOf(path.Line))
		}
	}
	w.when(level, t)
	w.timeouts(level, t)
}

// when writes the condition; each of its lines is about one command.
func (w *writer) when(level int, t *Target) {
	if len(t.When) == 0 {
		return
	}
	for _, c := range t.Callbacks {
		for _, f := range c.Filters {
			w.line(level, "# %s: %s of %s", lineOf(f.Line), f.Key, c.Key)
		}
	}
	w.line(level, "when: >-")
	for i, text := range t.When {
		if i < len(t.When)-1 {
			text += " &&"
		}
		w.line(level+1, "%s", text)
	}
}

// timeouts writes how long is waited, and for a hook what follows.
func (w *writer) timeouts(level int, t *Target) {
	why := ""
	if at := t.longest(); at.TimeoutLine > 0 {
		why = fmt.Sprintf("   # %s: %s", lineOf(at.TimeoutLine), at.Key)
	}
	w.line(level, "timeout: %s%s", seconds(t.Timeout), why)
	first := t.Callbacks[0]
	if !first.before() {
		return
	}
	then, why := "allow", ""
	if t.Stops {
		then = "deny"
	}
	if first.StopsLine > 0 {
		why = "   # " + lineOf(first.StopsLine)
	}
	// Whatever keeps the backend from answering is one failure to the server.
	for _, failure := range []string{"on_timeout", "on_error", "on_bad_reply", "on_overload"} {
		w.line(level, "%s: %s%s", failure, then, why)
	}
}

// longest is the callback whose timeout the target has.
func (t *Target) longest() *Callback {
	for _, c := range t.Callbacks {
		if c.Timeout == t.Timeout && c.TimeoutLine > 0 {
			return c
		}
	}
	return t.Callbacks[0]
}

func lineOf(n int) string { return "line " + strconv.Itoa(n) }

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) + "s" }

// plain is what needs no quotes in YAML, wherever it stands here.
var plain = regexp.MustCompile(`^[A-Za-z0-9/][A-Za-z0-9_./:-]*[A-Za-z0-9_/.-]$`)

// number is what YAML would take for something else than text.
var number = regexp.MustCompile(`^[0-9.:_+-]+$|^(?i:true|false|yes|no|on|off|null|nan|inf)$|^0[xob]`)

// plainOrQuoted writes a text so that YAML reads the same text.
func plainOrQuoted(s string) string {
	if plain.MatchString(s) && !number.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}

func quoted(all []string) []string {
	var q []string
	for _, s := range all {
		q = append(q, strconv.Quote(s))
	}
	return q
}

// oneWord is s on one line, fit for a comment or a message.
func oneWord(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
