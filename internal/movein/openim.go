package movein

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/suggest"
)

// openimTimeout is what the server's own files say.
const openimTimeout = 5 * time.Second

// How long a server waits at most, whatever its file says: since v3.7 its HTTP client
// ends there. Before that imhook's own bound is the smaller one.
const (
	openimMost    = 15 * time.Second
	openimMostOld = 5 * time.Minute
)

// The generations of the file. They differ in where the callbacks stand and in
// how the server joins the URL with the command.
const (
	openimV2   = iota // callback.callbackUrl: posted to as it is, the command is in the body
	openimV30         // callback.url: the command is in the query
	openimV35         // callback.url: the command is appended to the path
	openimV37         // a file of its own: the same
	openimNone        // not OpenIM's
)

// openimFile is one file while it is read.
type openimFile struct {
	*report
	spec       *dialect.Spec
	generation int
	// section is the path of the mapping that holds the callbacks.
	section string
	url     *url.URL
	urlKey  field
	found   []Callback
	// commands are those of today by their key in lower case.
	commands map[string]dialect.Command
	known    []string
}

// ReadOpenIM reads the file in which an OpenIM server is told about webhooks:
// config/webhooks.yml since v3.7, before that config.yaml with its callback.
func ReadOpenIM(spec *dialect.Spec, name string, data []byte) (*Found, error) {
	f := &openimFile{report: &report{file: name}, spec: spec, commands: map[string]dialect.Command{}}
	for _, c := range spec.Commands {
		for _, alias := range c.Aliases {
			f.commands[strings.ToLower(alias)] = c
			f.known = append(f.known, alias)
		}
	}
	if root := f.tree(data); root != nil {
		f.file(root)
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	return &Found{
		File: name, Spec: spec, Server: f.server(), Callbacks: f.found, Warnings: inOrder(f.warnings),
		Generation: f.wire(), Waits: f.waits, paste: f.paste,
	}, nil
}

// wire is the generation to fix: since v3.5 some names of commands are those of
// another one.
func (f *openimFile) wire() string {
	switch f.generation {
	case openimV35:
		return "v3.5"
	case openimV37:
		return "v3.7"
	}
	return ""
}

// waits is a second more than imhook asks: the file has whole seconds.
func (f *openimFile) waits(asked time.Duration) (waits, asks time.Duration) {
	most := openimMost
	if f.generation != openimV37 {
		most = openimMostOld
	}
	asks = min(asked, most-time.Second)
	return asks + time.Second, asks
}

// file finds the mapping with the callbacks and reads it.
func (f *openimFile) file(root *yaml.Node) {
	all := f.fields(root, "")
	if i := find(all, "callback"); i >= 0 {
		f.section = all[i].name
		n := all[i].value
		if n.Kind != yaml.MappingNode {
			f.wrong(n.Line, n.Column, f.section, "must be a mapping of callbacks; name the file that the server reads")
			return
		}
		all = f.fields(n, f.section)
	}
	f.generation = f.generationOf(all)
	if f.generation == openimNone {
		f.wrong(0, 0, "", "neither url nor a webhook stands in it; name OpenIM's config/webhooks.yml, or the config.yaml with callback: of a server before v3.7")
		return
	}
	f.address(all)
	for i := range all {
		f.callback(&all[i])
	}
	if len(f.problems) > 0 {
		return
	}
	f.found = onceEach(f.found)
	if len(f.found) == 0 {
		f.wrong(0, 0, "", "no webhook is enabled, so nothing is posted today and there is nothing to put imhook in between; set enable: true for what you want, then import again")
		return
	}
	f.joining()
	f.failing()
	f.between()
}

// between warns of versions whose file is the older and whose requests are the newer
// ones.
func (f *openimFile) between() {
	if f.generation != openimV30 {
		return
	}
	for i := range f.found {
		if c := &f.found[i]; c.before() {
			f.warn(c.Line, 1, key(f.section, c.Key), "the backend's answers are read as servers up to v3.4.1 read them; of v3.4.2 and later write generation: v3.5 at the source")
			return
		}
	}
}

// failing warns where the server does not do what failedContinue says.
func (f *openimFile) failing() {
	for i := range f.found {
		if c := &f.found[i]; f.generation == openimV37 && c.before() && c.StopsLine > 0 && !c.Stops {
			f.warn(c.StopsLine, 1, key(f.section, c.Key), "failedContinue is not looked at by servers since v3.7: a backend that does not answer stops the operation today, here and wherever else the file says true; the hook is written as the file says, and imhook does what it says")
			return
		}
	}
}

// onceEach drops the second of two keys that mean one command: files of v3.5 and
// v3.6 have some twice.
func onceEach(all []Callback) []Callback {
	var kept []Callback
	for _, c := range all {
		if !slices.ContainsFunc(kept, func(k Callback) bool { return k.Command.Name == c.Command.Name }) {
			kept = append(kept, c)
		}
	}
	return kept
}

// generationOf tells by the keys.
func (f *openimFile) generationOf(all []field) int {
	if find(all, "callbackUrl") >= 0 {
		return openimV2 // also the piece that the documents show, without its callback:
	}
	if f.section == "" {
		for i := range all {
			if _, _, known := f.command(all[i].name); known || all[i].is("url") {
				return openimV37
			}
		}
		return openimNone
	}
	// v3.5 came with thirty more; these are the first of them.
	for _, name := range []string{"singleMsgRead", "quitGroup", "updateUserInfo", "afterCreateGroup", "beforeUserRegister", "transferGroupOwner", "revokeMsgAfter", "addFriendAfter"} {
		if find(all, name) >= 0 {
			return openimV35
		}
	}
	return openimV30
}

func (f *openimFile) server() string {
	return [...]string{"OpenIM v2", "OpenIM v3.0 to v3.4", "OpenIM v3.5 or v3.6", "OpenIM v3.7 or newer", ""}[f.generation]
}

// address reads the one URL.
func (f *openimFile) address(all []field) {
	name := "url"
	if f.generation == openimV2 {
		name = "callbackUrl"
	}
	i := find(all, name)
	if i < 0 {
		f.wrong(0, 0, key(f.section, name), "is missing; the server posts nowhere without it")
		return
	}
	f.urlKey = all[i]
	v := all[i].value
	if v.Kind != yaml.ScalarNode || isNull(v) || v.Value == "" {
		f.wrong(v.Line, v.Column, key(f.section, f.urlKey.name), "is empty: the server posts nowhere; write the backend's URL, or the one that an environment variable (IMENV_…) sets for the server")
		return
	}
	f.url = f.report.address(v.Line, v.Column, key(f.section, f.urlKey.name), v.Value)
}

// joining warns where imhook joins URL and command otherwise than the server.
func (f *openimFile) joining() {
	v, path := f.urlKey.value, key(f.section, f.urlKey.name)
	appended := f.generation == openimV35 || f.generation == openimV37
	if f.url.RawQuery != "" && f.generation != openimV2 {
		f.warn(v.Line, v.Column, path, "holds a query, and the server appends the command as plain text behind it; imhook sends path and query where they belong: look at what the backend reads")
	}
	if appended && strings.HasSuffix(f.url.Path, "/") {
		f.warn(v.Line, v.Column, path, "ends with a slash, so the server posts to …//command today; imhook posts to …/command")
	}
}

// command finds what a key of any generation stands for; silent means that no
// server sends it.
func (f *openimFile) command(name string) (c dialect.Command, silent, known bool) {
	word := strings.ToLower(name)
	older := openimOlder()
	for _, w := range []string{word, strings.TrimPrefix(word, "callback")} {
		if slices.Contains(openimSilent(), w) {
			return dialect.Command{}, true, true
		}
		if now, ok := older[w]; ok {
			w = strings.ToLower(now)
		}
		if c, ok := f.commands[w]; ok {
			return c, false, true
		}
	}
	return dialect.Command{}, false, false
}

// callback reads one key of the mapping.
func (f *openimFile) callback(at *field) {
	if at.key == f.urlKey.key || at.is("url") || at.is("callbackUrl") {
		return
	}
	path := key(f.section, at.name)
	c, silent, known := f.command(at.name)
	if !known {
		f.warn(at.key.Line, at.key.Column, path, "is no webhook of OpenIM and is left out%s", suggest.DidYouMean(at.name, f.known))
		return
	}
	if isNull(at.value) {
		return
	}
	if at.value.Kind != yaml.MappingNode {
		f.wrong(at.value.Line, at.value.Column, path, "must be a mapping with enable")
		return
	}
	found := Callback{
		Key: at.name, Line: at.key.Line, Command: c, Names: f.names(c),
		URL: f.url, URLKey: key(f.section, f.urlKey.name), URLLine: f.urlKey.line(), Timeout: openimTimeout, Stops: true,
	}
	enabled := false
	for _, one := range f.fields(at.value, path) {
		switch strings.ToLower(one.name) {
		case "enable":
			enabled = f.boolean(&one, path)
			found.Line = one.key.Line
		case "timeout", "callbacktimeout":
			found.TimeoutKey = one.name
			f.timeout(&one, path, &found)
		case "failedcontinue", "callbackfailedcontinue":
			if !isNull(one.value) {
				found.Stops, found.StopsLine = !f.boolean(&one, path), one.value.Line
			}
		case "attentionids":
			f.attention(&one, path, &found)
		case "allowedtypes":
			f.types(&one, path, &found, spans.when)
		case "deniedtypes":
			f.types(&one, path, &found, spans.whenNot)
		default:
			f.warn(one.key.Line, one.key.Column, key(path, one.name), "is no setting of a webhook and is left out%s",
				suggest.DidYouMean(one.name, []string{"enable", "timeout", "failedContinue", "attentionIds", "allowedTypes", "deniedTypes"}))
		}
	}
	switch {
	case !enabled:
	case silent:
		f.warn(at.key.Line, at.key.Column, path, "no version of the server sends anything for it; it is left out")
	default:
		f.found = append(f.found, found)
	}
}

// names are the words for a command in rules. A server before v3.7 says some
// otherwise; today's word stays beside, for when the server is upgraded.
func (f *openimFile) names(c dialect.Command) []string {
	names := []string{f.spec.Name + ":" + today(c)}
	for _, old := range f.former(c) {
		names = append(names, f.spec.Name+":"+old)
	}
	return names
}

// former is what the server calls a command where that is not today's name. The
// files of v3.5 and v3.6 are alike.
func (f *openimFile) former(c dialect.Command) []string {
	var all []string
	switch name := openimFormerly()[today(c)]; f.generation {
	case openimV2:
		all = []string{name.v2}
	case openimV30:
		all = []string{name.v3}
	case openimV35:
		all = []string{name.v3, name.v36}
	}
	return slices.DeleteFunc(all, func(name string) bool { return name == "" })
}

// today is the word of the newest configuration for a command; empty for a key
// that stands for none.
func today(c dialect.Command) string {
	if len(c.Aliases) == 0 {
		return ""
	}
	return c.Aliases[0]
}

// boolean reads a switch.
func (f *openimFile) boolean(at *field, path string) bool {
	path = key(path, at.name)
	switch {
	case isNull(at.value):
		return false
	case isVariable(at.value):
		f.wrong(at.value.Line, at.value.Column, path, "holds a variable that something else fills in; import the file that the server reads")
		return false
	case at.value.Kind != yaml.ScalarNode:
	default:
		switch strings.ToLower(at.value.Value) {
		case "true", "yes", "on", "y", "t", "1":
			return true
		case "false", "no", "off", "n", "f", "0":
			return false
		}
	}
	f.wrong(at.value.Line, at.value.Column, path, "is neither true nor false; write one of them")
	return false
}

// timeout reads whole seconds.
func (f *openimFile) timeout(at *field, path string, c *Callback) {
	path = key(path, at.name)
	if isNull(at.value) {
		return
	}
	if isVariable(at.value) {
		f.wrong(at.value.Line, at.value.Column, path, "holds a variable that something else fills in; import the file that the server reads")
		return
	}
	n, err := strconv.ParseInt(at.value.Value, 10, 32)
	switch {
	case at.value.Kind != yaml.ScalarNode || err != nil:
		f.wrong(at.value.Line, at.value.Column, path, "is no number of seconds; write a whole one")
	case n < 1:
		f.warn(at.value.Line, at.value.Column, path, "leaves no time at all; %s is taken", openimTimeout)
	default:
		c.Timeout, c.TimeoutLine = time.Duration(n)*time.Second, at.value.Line
	}
}

// attention reads whose messages are reported. What a server compares with the
// list changed: the receiver alone, or either of the two. A message that one of
// them sends must not be held back, so either is asked for.
func (f *openimFile) attention(at *field, path string, c *Callback) {
	ids := f.list(at, path)
	if len(ids) == 0 {
		return
	}
	path = key(path, at.name)
	var users, groups []string
	for _, id := range ids {
		// As it stands in the id of a conversation of two.
		users = append(users, strconv.Quote(strings.TrimPrefix(event.Direct("", id.Value).ID, "|")))
		groups = append(groups, strconv.Quote(id.Value))
	}
	add := func(when string) {
		c.Filters = append(c.Filters, Filter{Key: at.name, Line: at.key.Line, When: when})
	}
	switch today(c.Command) {
	case "afterSendSingleMsg":
		add(fmt.Sprintf(`event.conversation.id.split("|").exists(u, u in [%s])`, strings.Join(users, ", ")))
	case "afterSendGroupMsg":
		f.warn(at.key.Line, at.key.Column, path, "names groups, but the server compares it with the receiver, whom a message to a group does not have: newer servers then report none, v3.8.3 those of the listed senders. "+
			"imhook takes listed groups and listed senders: empty the list in the server's file and imhook picks the groups")
		list := strings.Join(groups, ", ")
		add(fmt.Sprintf("event.conversation.id in [%s] || event.actor.id in [%s]", list, list))
	default:
		f.warn(at.key.Line, at.key.Column, path, "the server does not look at it for this webhook and reports all; imhook does the same")
	}
}

// types reads a list of content types and ranges of them.
func (f *openimFile) types(at *field, path string, c *Callback, when func(spans) string) {
	items := f.list(at, path)
	if len(items) == 0 {
		return
	}
	path = key(path, at.name)
	switch today(c.Command) {
	case "beforeSendSingleMsg", "afterSendSingleMsg", "beforeSendGroupMsg", "afterSendGroupMsg", "beforeMsgModify", "afterMsgSaveDB":
	default:
		f.warn(at.key.Line, at.key.Column, path, "the server does not look at it for this webhook and reports all; imhook does the same")
		return
	}
	var set spans
	for _, item := range items {
		one, ok := parseSpan(item.Value)
		if !ok {
			f.warn(item.Line, item.Column, path, "holds what is neither a type nor a range such as 200-500; the server passes over it")
			continue
		}
		set = append(set, one)
	}
	c.Filters = append(c.Filters, Filter{Key: at.name, Line: at.key.Line, When: when(set)})
}

// list reads a list of words or numbers.
func (f *openimFile) list(at *field, path string) []*yaml.Node {
	if isNull(at.value) {
		return nil
	}
	path = key(path, at.name)
	if at.value.Kind != yaml.SequenceNode {
		f.wrong(at.value.Line, at.value.Column, path, "must be a list")
		return nil
	}
	var all []*yaml.Node
	for _, n := range at.value.Content {
		n = content(n)
		if n.Kind != yaml.ScalarNode || isNull(n) {
			f.wrong(n.Line, n.Column, path, "an item must be a word or a number")
			continue
		}
		all = append(all, n)
	}
	return all
}

// paste are the lines that go back: the URL, and the time for every webhook that the
// server waits for.
func (f *openimFile) paste(p *Plan) string {
	var b strings.Builder
	asks := p.Before()
	fmt.Fprintf(&b, "# Into %s, in place of line %d, %s", oneWord(p.Found.File), f.urlKey.line(), key(f.section, f.urlKey.name))
	if len(asks) > 0 {
		fmt.Fprintf(&b, ", and of the timeouts below")
	}
	fmt.Fprintf(&b, "; everything else there stays as it is.\n")
	fmt.Fprintf(&b, "# Start imhook first, then restart the OpenIM server.\n")
	indent := ""
	if f.section != "" {
		indent = "  " // below callback:
	}
	fmt.Fprintf(&b, "%s%s: %s\n", indent, f.urlKey.name, plainOrQuoted(p.SourceURL()))
	if len(asks) == 0 {
		return b.String()
	}
	fmt.Fprintf(&b, "%s# The server waits for imhook, which waits for the backend as long as the server did: a second more.\n", indent)
	for _, c := range asks {
		waits, _ := f.waits(c.Timeout)
		fmt.Fprintf(&b, "%s%s:\n%[1]s  %[3]s: %[4]d   # %s\n", indent, plainOrQuoted(c.Key), f.timeoutKey(c), int64(waits/time.Second), f.was(c))
	}
	return b.String()
}

// timeoutKey is the word for a webhook's time, in the file or else in those of its
// version.
func (f *openimFile) timeoutKey(c *Callback) string {
	switch {
	case c.TimeoutKey != "":
		return c.TimeoutKey
	case f.generation == openimV2:
		return "callbackTimeOut"
	}
	return "timeout"
}

// was says what a line to paste stands in place of.
func (f *openimFile) was(c *Callback) string {
	if c.TimeoutLine == 0 {
		return fmt.Sprintf("for the one of line %d, which gives none", c.Line)
	}
	return fmt.Sprintf("line %d: %d", c.TimeoutLine, int64(c.Timeout/time.Second))
}
