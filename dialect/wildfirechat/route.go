package wildfirechat

import (
	"net/url"
	"strings"

	"github.com/imhook/imhook/event"
)

// route finds the command of a path below the source's URL, and the id of the
// channel or robot that stands in it. Nil means that no command has this path.
func (d *Dialect) route(path string) (c *command, id string) {
	path = trimSlash(path)
	if c := d.routes[path]; c != nil {
		return c, ""
	}
	if rest, ok := strings.CutPrefix(path, "/channel/"); ok {
		channel, what, _ := strings.Cut(rest, "/")
		switch what {
		case "message":
			return d.byName["channel_message"], unescape(channel)
		case "subscribe":
			return d.byName["channel_subscribe"], unescape(channel)
		}
		return nil, ""
	}
	if robot, ok := strings.CutPrefix(path, "/robot/"); ok && !strings.Contains(robot, "/") {
		return d.byName["robot_message"], unescape(robot)
	}
	if path == "/robot" {
		return d.byName["robot_message"], ""
	}
	return nil, ""
}

// Path returns the canonical path of the event's command, with the id of the
// channel or robot filled in. A channel's own URL stays one, and what has no
// default path, or no known command, goes where it came in.
func (d *Dialect) Path(ev *event.Event) string {
	c := d.byName[ev.Command]
	if c == nil || ev.Dialect != Name {
		if ev.Raw.Dialect == Name {
			return ev.Raw.Path
		}
		if c = d.choose(ev); c == nil {
			return ""
		}
	}
	if ev.Raw.Dialect == Name {
		if c.spec.Name == "chatroom_status" {
			return ev.Raw.Path
		}
		if _, id := d.route(ev.Raw.Path); id != "" {
			return fillPath(c, id, c.spec.Name == "channel_subscribe")
		}
	}
	return fillPath(c, pathID(c, ev), false)
}

// pathID is the id that stands in the command's path.
func pathID(c *command, ev *event.Event) string {
	switch c.spec.Name {
	case "channel_message":
		return channelID(ev)
	case "robot_message":
		if len(ev.Members) > 0 {
			return ev.Members[0].ID
		}
	}
	return ""
}

// fillPath writes the command's path for id; own selects the form below a
// channel's own URL for channel_subscribe, which has two.
func fillPath(c *command, id string, own bool) string {
	switch name := c.spec.Name; {
	case name == "channel_message":
		return "/channel/" + url.PathEscape(id) + "/message"
	case name == "channel_subscribe" && own:
		return "/channel/" + url.PathEscape(id) + "/subscribe"
	case name == "robot_message" && id == "":
		return "/robot"
	case name == "robot_message":
		return "/robot/" + url.PathEscape(id)
	}
	return c.spec.Path
}

// trimSlash takes trailing slashes off, which operators write or leave out.
func trimSlash(path string) string {
	for len(path) > 1 && path[len(path)-1] == '/' {
		path = path[:len(path)-1]
	}
	return path
}

func unescape(segment string) string {
	if s, err := url.PathUnescape(segment); err == nil {
		segment = s
	}
	return strings.ToValidUTF8(segment, "\uFFFD")
}
