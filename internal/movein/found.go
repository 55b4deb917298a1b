package movein

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/config"
)

// Found is what a vendor's file says about callbacks.
type Found struct {
	// File is its name as it was given.
	File string
	// Spec is the dialect that its server speaks.
	Spec *dialect.Spec
	// Server names the server and the versions whose file this is.
	Server string
	// Callbacks are those that are enabled, in the order of the file.
	Callbacks []Callback
	// Generation is that of the server where a request does not say it for sure: by
	// it the answers of backends are read. Empty means that requests do.
	Generation string
	// Waits is how long the server waits for a verdict that imhook asks for in the
	// given time, once what [Plan.Paste] says is done; asks is how long imhook may
	// then ask, the given time where that is possible.
	Waits func(time.Duration) (waits, asks time.Duration)
	// Warnings are what the file says and the server does otherwise, and what could
	// not be taken over. They are in the order of the file.
	Warnings []config.Problem

	// paste writes the lines that go back into the file.
	paste func(p *Plan) string
}

// Callback is one kind of callback that the server posts today.
type Callback struct {
	// Key enables it, in the words of the file, on line Line.
	Key  string
	Line int
	// Command is its name in the dialect, and Names are the words for it in rules:
	// a server of another version may call it otherwise.
	Command dialect.Command
	Names   []string
	// URL is where it goes, as URLKey on line URLLine says. Whole means that the URL is all of
	// the address; else the dialect's own path is appended.
	URL     *url.URL
	URLKey  string
	URLLine int
	Whole   bool
	// Timeout is how long the server waits; TimeoutLine is zero when the file does
	// not say. TimeoutKey is the word for it in the file, empty when it has none.
	Timeout     time.Duration
	TimeoutLine int
	TimeoutKey  string
	// Stops is true when a before-callback that fails stops the operation, as line
	// StopsLine says; zero when the file does not.
	Stops     bool
	StopsLine int
	// Filters narrow it: all must hold.
	Filters []Filter
}

// Filter is a condition that the server asks before it posts.
type Filter struct {
	// Key says so on line Line.
	Key  string
	Line int
	// When is the same as a condition on an event of the command.
	When string
}

// before reports whether the server waits for a verdict.
func (c *Callback) before() bool { return c.Command.Phase == event.Before }

// report collects what reading a file finds out.
type report struct {
	file     string
	problems []config.Problem
	warnings []config.Problem
}

func (r *report) wrong(line, column int, path, format string, args ...any) {
	r.problems = append(r.problems, problem(line, column, path, format, args))
}

func (r *report) warn(line, column int, path, format string, args ...any) {
	r.warnings = append(r.warnings, problem(line, column, path, format, args))
}

func problem(line, column int, path, format string, args []any) config.Problem {
	return config.Problem{Line: line, Column: column, Path: path, Text: fmt.Sprintf(format, args...)}
}

// err is nil when there are no problems.
func (r *report) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	return &config.Error{File: r.file, Problems: inOrder(r.problems)}
}

func inOrder(ps []config.Problem) []config.Problem {
	slices.SortStableFunc(ps, func(a, b config.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return ps
}

// address reads where callbacks go. What cannot be a backend's address is a
// problem; of what imhook does otherwise than the server it warns. The text is
// never repeated whole: it may hold a password.
func (r *report) address(line, column int, key, text string) *url.URL {
	u, err := url.Parse(text)
	switch {
	case strings.Contains(text, "${"):
		r.wrong(line, column, key, "holds a variable that something else fills in; import the file that the server reads")
		return nil
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		r.wrong(line, column, key, "is not an http or https URL: the server cannot post there; write http://host:port/path")
		return nil
	case strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c == 0x7f }):
		r.wrong(line, column, key, "holds a space or a control character; remove it")
		return nil
	}
	if n, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && (err != nil || n == 0) {
		r.wrong(line, column, key, "has a port that is none; write a number from 1 to 65535")
		return nil
	}
	if u.User != nil {
		r.warn(line, column, key, "holds a user or password; imhook sends none, so it is left out: let the backend take imhook by its address")
		u.User = nil
	}
	if u.Fragment != "" || strings.Contains(text, "#") {
		r.warn(line, column, key, "has a fragment (#…), which is never sent; it is left out")
		u.Fragment, u.RawFragment = "", ""
	}
	return u
}

// key is a path of a file, "callback.url".
func key(section, name string) string {
	if section == "" {
		return name
	}
	return section + "." + name
}
