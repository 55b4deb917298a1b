package openim

import (
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// naming is a command under one of its names.
type naming struct {
	*command
	name string
	// path is the name with a slash.
	path string
}

// era says in which versions a name that is no more was used.
func (n naming) era() string {
	switch {
	case n.v2 == n.name && n.v3 == n.name:
		return "v2.1 to v3.6"
	case n.v2 == n.name:
		return "v2"
	case n.v36 == n.name:
		return "v3.6"
	}
	return "v3.0 to v3.6"
}

// generation is the newest that knows the command by this name.
func (n naming) generation() string {
	switch n.name {
	case n.command.name:
		return v37
	case n.v3, n.v36:
		return v35
	}
	return n.since
}

// inBody is the generation of a request that names the command in its body only:
// v2, if that has the command at all.
func (n naming) inBody(body []byte) string {
	if n.v2 != n.name {
		return n.generation()
	}
	if n.since == v20 && hasKey(body, `"atUserList"`) {
		// The first version with mentions is the first with the newer rule for
		// answers, and the keys came with it.
		if hasKey(body, `"sendTime"`) {
			return v37
		}
		return v21
	}
	return n.since
}

func hasKey(body []byte, key string) bool { return strings.Contains(string(body), key) }

// short is a command or a name of the server's configuration without what all
// names share, so that afterSendSingleMsg finds callbackAfterSendSingleMsgCommand.
func short(name string) string {
	name = strings.ToLower(name)
	return strings.TrimSuffix(strings.TrimPrefix(name, "callback"), "command")
}

func (d *Dialect) find(name string) (naming, bool) {
	if name == "" {
		return naming{}, false
	}
	if n, ok := d.names[name]; ok {
		return n, true
	}
	n, ok := d.aliases[short(name)]
	return n, ok
}

// queryCommand is the command that the query names; empty when it names none.
func queryCommand(query string) string {
	if query == "" {
		return ""
	}
	values, _ := url.ParseQuery(query) // what can be read will do
	for _, key := range []string{"callbackCommand", "command"} {
		if v := values.Get(key); v != "" {
			return v
		}
	}
	return ""
}

// route finds the command of a request: in the path, else the query, else the
// body. Without one it returns what the request calls itself.
func (d *Dialect) route(req *dialect.Request) (n naming, generation, called string, err error) {
	last := lastElement(req.Path)
	if n, ok := d.find(last); ok {
		return n, n.generation(), "", nil
	}
	query := queryCommand(req.Query)
	if n, ok := d.find(query); ok {
		generation = v30
		if n.name == n.command.name && n.v3 != "" && n.v3 != n.name {
			generation = v37 // the name is younger than the form
		}
		if n.v2 == n.name && n.v3 != n.name && n.command.name != n.name {
			generation = n.since
		}
		return n, generation, "", nil
	}
	var body struct {
		CallbackCommand jsontext.Value `json:"callbackCommand"`
	}
	if err := dialect.Unmarshal(Name, "", req.Body, &body); err != nil {
		return naming{}, "", "", err
	}
	said := text(body.CallbackCommand)
	if n, ok := d.find(said); ok {
		return n, n.inBody(req.Body), "", nil
	}
	for _, name := range []string{last, query, said} {
		if name != "" {
			return naming{}, "", strings.ToValidUTF8(name, "\uFFFD"), nil
		}
	}
	return naming{}, "", "", nil
}

// lastElement is what stands behind the last slash of a path, slashes at its end
// aside.
func lastElement(path string) string {
	path = strings.TrimRight(path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}

// Path returns the canonical path of a command that came in one; what named its
// command elsewhere goes where it came in.
func (d *Dialect) Path(ev *event.Event) string {
	if ev.Raw.Dialect == Name {
		if _, ok := d.find(lastElement(ev.Raw.Path)); !ok || ev.Dialect != Name {
			return ev.Raw.Path
		}
		return d.path(ev.Command)
	}
	if n, ok := d.names[ev.Command]; ok && ev.Dialect == Name {
		return n.path
	}
	if c := d.choose(ev); c != nil {
		return d.path(c.name)
	}
	return ""
}

// path is the one of a command's name.
func (d *Dialect) path(name string) string {
	if n, ok := d.names[name]; ok {
		return n.path
	}
	return "/" + name
}

// text is the string that v holds, or "".
func text(v jsontext.Value) string {
	var s string
	if v.Kind() != '"' || dialect.Unmarshal(Name, "", v, &s) != nil {
		return ""
	}
	return s
}
