package movein

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/suggest"
)

// wildfirechatTimeout is how long the server's HTTP client waits to connect, to
// write and to read; the file cannot say otherwise.
const wildfirechatTimeout = 10 * time.Second

// wildfirechatAsks is how long imhook asks the censor: the server's time cannot be
// raised, and the answer must be there before it ends.
const wildfirechatAsks = 9 * time.Second

// addressKeys are the keys that hold the address of a command's callback, today's
// first.
func addressKeys(c dialect.Command) []string {
	if c.Name == "things_message" {
		return append(slices.Clone(c.Aliases), "device.forward.url")
	}
	return c.Aliases
}

const censor = "censor"

// The keys that narrow callbacks, and those that change what is in them.
const (
	forwardTypes   = "message.forward.types"
	excludeTypes   = "message.forward.exclude_types"
	censoredTypes  = "sensitive.remote_sensitive_message_type"
	waitForCensor  = "sensitive.remote_fail_when_matched"
	noAdminMessage = "message.no_forward_admin_message"
)

func wildfirechatModifiers() []string {
	return []string{
		forwardTypes, excludeTypes, censoredTypes, waitForCensor, noAdminMessage,
		"message.forward_with_client_info", "robot.callback_with_client_info", "channel.callback_with_client_info",
	}
}

// wildfirechatFile is one file while it is read.
type wildfirechatFile struct {
	*report
	spec *dialect.Spec
	// settings are what is in force, by key: of a key that is given twice the last.
	settings map[string]property
}

// ReadWildfireChat reads wildfirechat.conf of a WildfireChat server.
func ReadWildfireChat(spec *dialect.Spec, name string, data []byte) (*Found, error) {
	f := &wildfirechatFile{report: &report{file: name}, spec: spec, settings: map[string]property{}}
	all := properties(data)
	f.file(all)
	found := f.callbacks()
	if err := f.err(); err != nil {
		return nil, err
	}
	if len(found) == 0 {
		text := "no callback has an address, so nothing is posted today and there is nothing to put imhook in between; take the # off the callbacks that you want, then import again"
		if len(all) == 0 {
			text = "no setting stands in it; name the server's own wildfirechat.conf"
		}
		return nil, &config.Error{File: name, Problems: []config.Problem{{Text: text}}}
	}
	return &Found{
		File: name, Spec: spec, Server: "WildfireChat", Callbacks: found, Warnings: inOrder(f.warnings),
		Waits: func(time.Duration) (waits, asks time.Duration) { return wildfirechatTimeout, wildfirechatAsks },
		paste: pasteWildfireChat,
	}, nil
}

// file finds out what is in force, and what is not though it looks so.
func (f *wildfirechatFile) file(all []property) {
	known := wildfirechatModifiers()
	for _, c := range f.spec.Commands {
		known = append(known, addressKeys(c)...)
	}
	stopped := 0
	for _, p := range all {
		if p.tail && stopped == 0 {
			stopped = p.line
			f.warn(p.line, 1, "", "the server stops reading its file at a # behind a value: nothing from this line on is in force today; move the comment to a line of its own")
		}
		if !slices.Contains(known, p.key) {
			f.stranger(&p, known)
			continue
		}
		if first, twice := f.settings[p.key]; twice {
			f.warn(first.line, 1, p.key, "is given again on line %d, which holds; this line is left out", p.line)
		}
		f.settings[p.key] = p
		switch {
		case p.broken:
			f.wrong(p.line, 1, p.key, `\u is not followed by four hexadecimal digits; write the character itself`)
		case p.foreign:
			f.warn(p.line, 1, p.key, "is written as for Java properties, but the server splits a line at its first space and does not find it; write KEY VALUE. It is taken as it is meant")
		}
	}
}

// stranger warns of a key that looks like a callback and is none.
func (f *wildfirechatFile) stranger(p *property, known []string) {
	looks := strings.Contains(p.key, "callback") || strings.Contains(p.key, "forward.") || strings.Contains(p.key, ".forward") ||
		strings.Contains(p.key, "_event")
	posts := strings.HasPrefix(p.value, "http://") || strings.HasPrefix(p.value, "https://")
	near := suggest.Nearest(p.key, known)
	if looks || posts && near != "" {
		f.warn(p.line, 1, oneWord(p.key), "is no callback that is known and is left out%s", suggest.DidYouMean(p.key, known))
	}
}

// callbacks are those that have an address.
func (f *wildfirechatFile) callbacks() []Callback {
	var all []Callback
	for _, c := range f.spec.Commands {
		taken := property{}
		for i, name := range addressKeys(c) {
			p, given := f.settings[name]
			switch {
			case !given || p.value == "":
			case taken.line > 0:
				f.warn(p.line, 1, name, "is an older word for %s, which line %d gives; this line is left out", taken.key, taken.line)
			default:
				taken = p
				if i > 0 {
					f.warn(p.line, 1, name, "is an older word; servers of 2024 and later read %s", c.Aliases[0])
				}
			}
		}
		if taken.line == 0 {
			continue
		}
		found := Callback{
			Key: taken.key, Line: taken.line, Command: c, Names: []string{f.spec.Name + ":" + c.Name},
			URL: f.address(taken.line, 1, taken.key, taken.value), URLKey: taken.key, URLLine: taken.line, Whole: true, Timeout: wildfirechatTimeout,
		}
		f.narrow(&found)
		all = append(all, found)
	}
	slices.SortStableFunc(all, func(a, b Callback) int { return a.Line - b.Line })
	return all
}

// narrow adds what the server asks before it posts.
func (f *wildfirechatFile) narrow(c *Callback) {
	switch c.Command.Name {
	case "message":
		if set := f.types(forwardTypes, true); len(set) > 0 {
			f.filter(c, forwardTypes, set.when())
		}
		if set := f.types(excludeTypes, true); len(set) > 0 {
			f.filter(c, excludeTypes, set.whenNot())
		}
	case censor:
		set := f.types(censoredTypes, false)
		if len(set) == 0 {
			f.warn(c.Line, 1, c.Key, "%s is empty, so the server asks about no message at all", censoredTypes)
		}
		f.filter(c, censoredTypes, set.when())
	case "message_sensitive":
		if p, ok := f.settings["sensitive.remote_server_url"]; ok && p.value != "" {
			f.warn(c.Line, 1, c.Key, "is never posted while sensitive.remote_server_url (line %d) is set: the server's own word list is then off", p.line)
		}
	case "things_message":
		f.warn(c.Line, 1, c.Key, "the community server never posts it, whatever its file says")
	}
}

func (f *wildfirechatFile) filter(c *Callback, key, when string) {
	c.Filters = append(c.Filters, Filter{Key: key, Line: f.settings[key].line, When: when})
}

// types reads a list such as 1,2,3,5-10, with the server's own limits: at the
// first item that is no number it gives up and keeps what it has.
func (f *wildfirechatFile) types(key string, ranges bool) spans {
	p := f.settings[key]
	if p.value == "" {
		return nil
	}
	var set spans
	for item := range strings.SplitSeq(strings.TrimRight(p.value, ","), ",") {
		if !strings.Contains(item, "-") || !ranges {
			item = trim(item)
		}
		one, ok := parseSpan(item)
		switch {
		case ok && (ranges || !strings.Contains(item, "-")):
			if one.first <= one.last {
				set = append(set, one)
			}
		case ranges && strings.Count(item, "-") > 1 && !strings.HasPrefix(item, "-"):
			f.warn(p.line, 1, key, "holds what is neither a type nor a range such as 5-10; the server passes over it")
		default:
			f.warn(p.line, 1, key, "holds what is no type; the server stops there and leaves out the rest of the list")
			return set
		}
	}
	return set
}

// pasteWildfireChat are the lines that go back: one for each callback.
func pasteWildfireChat(p *Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Into %s, each in place of the line of the same key; everything else there stays as it is.\n", oneWord(p.Found.File))
	fmt.Fprintf(&b, "# Start imhook first, then restart the WildfireChat server.\n")
	for i := range p.Found.Callbacks {
		c := &p.Found.Callbacks[i]
		fmt.Fprintf(&b, "%s %s%s\n", c.Key, p.SourceURL(), c.Command.Path)
	}
	fmt.Fprintf(&b, "# The URLs of robots and channels are not in this file. Here they are %s/robot/ROBOT and\n"+
		"# %s/channel/CHANNEL; whoever shall get these callbacks needs %[3]s:robot_message, %[3]s:channel_message or\n"+
		"# %[3]s:channel_subscribe in events.\n", p.SourceURL(), p.SourceURL(), p.Found.Spec.Name)
	return b.String()
}

// split cuts an address that is whole into what is common to a dialect's paths and
// the rest; ok is false when it does not end in the command's own path.
func split(u *url.URL, c dialect.Command) (base string, ok bool) {
	return strings.CutSuffix(u.EscapedPath(), c.Path)
}
