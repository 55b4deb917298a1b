package config

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Wordlist is the built-in hook that masks or denies words.
const Wordlist = "wordlist"

// FailPolicy says what a hook's failure means. The words are configuration: append
// only.
type FailPolicy string

// The policies.
const (
	FailAllow FailPolicy = "allow"
	FailDeny  FailPolicy = "deny"
)

// WordAction is what the word list does with a hit. The words are configuration:
// append only.
type WordAction string

// The actions of a word list.
const (
	WordMask WordAction = "mask"
	WordDeny WordAction = "deny"
)

// Hook is somebody we ask before.
type Hook struct {
	// Name is unique among the app's hooks.
	Name string `key:"name"`
	// Enabled is false for a hook that is not asked.
	Enabled bool `key:"enabled"`
	// FromAPI is true for what the API defined: see [Config.Calls].
	FromAPI bool `key:"-"`
	// Builtin is [Wordlist], or empty; then URL and Dialect are set.
	Builtin string `key:"builtin"`
	// File and Words are the list's words, Action what a hit does.
	File   string     `key:"file"`
	Words  []string   `key:"words"`
	Action WordAction `key:"action"`
	// Mask stands in place of each letter.
	Mask string `key:"mask"`
	// Code and Reason go with a denial; zero is the code that the source's dialect has
	// for it, empty a general sentence.
	Code   int    `key:"code"`
	Reason string `key:"reason"`

	// URL is the base below which the dialect's paths are appended.
	URL     string `key:"url"`
	Dialect string `key:"dialect"`
	// Generation of the wire to write; "auto" is the newest.
	Generation  string              `key:"generation"`
	Credentials dialect.Credentials `key:"credentials"`
	// Paths maps a command of the dialect to the path that is used for it below
	// URL, instead of the dialect's own.
	Paths map[string]string `key:"paths"`
	// TLS of the connection to URL; nil means what the system trusts.
	TLS *ClientTLS `key:"tls"`

	// Events are patterns of what the hook is asked about.
	Events []string `key:"events"`
	// Sources narrows Events to what came from these; empty means all of the app.
	Sources []string `key:"sources"`
	// When is a CEL condition that narrows further; empty means none.
	When string `key:"when"`
	// Canary is the part of the conversations that it is asked about, above 0 and up
	// to 1.
	Canary float64 `key:"canary"`

	// Timeout is for one question; it is cut to what is left of the source's
	// deadline.
	Timeout time.Duration `key:"timeout"`
	// Concurrency bounds the questions that are open at once.
	Concurrency int `key:"concurrency"`
	// What follows when there is no verdict.
	OnTimeout        FailPolicy `key:"on_timeout"`
	OnError          FailPolicy `key:"on_error"`
	OnBadReply       FailPolicy `key:"on_bad_reply"`
	OnOverload       FailPolicy `key:"on_overload"`
	OnUntranslatable FailPolicy `key:"on_untranslatable"`
	// Vote asks it side by side with the voters next to it.
	Vote bool `key:"vote"`
	// Shadow asks and records, and never counts.
	Shadow bool `key:"shadow"`
	// Downgrade is what becomes of verdicts that the source's command cannot carry.
	Downgrade Downgrade `key:"downgrade"`
	Breaker   Breaker   `key:"breaker"`
}

// Downgrade is what becomes of verdicts that the source's command cannot carry.
type Downgrade struct {
	Rewrite FailPolicy `key:"rewrite"`
	Drop    FailPolicy `key:"drop"`
	// Partial is for single members that are refused.
	Partial FailPolicy `key:"partial"`
}

// Breaker is when a hook is not asked any more for a while.
type Breaker struct {
	// Off asks always.
	Off bool `key:"off"`
	// Least is how many questions within Within are needed to judge it: when half of
	// them failed, it is left alone for Pause.
	Least  int           `key:"least"`
	Within time.Duration `key:"within"`
	Pause  time.Duration `key:"pause"`
}

// Default values of a hook's keys.
const (
	defaultHookTimeout     = 500 * time.Millisecond
	defaultHookConcurrency = 256
	defaultMask            = "*"
)

// defaultHook is a hook of which only who it is has to be said.
func defaultHook() Hook {
	return Hook{
		Enabled: true, Generation: generationAuto, Events: []string{"**"}, Canary: 1,
		Action: WordMask, Mask: defaultMask,
		Timeout: defaultHookTimeout, Concurrency: defaultHookConcurrency,
		OnTimeout: FailAllow, OnError: FailAllow, OnBadReply: FailAllow, OnOverload: FailAllow, OnUntranslatable: FailAllow,
		Downgrade: Downgrade{FailDeny, FailDeny, FailDeny},
		Breaker:   Breaker{Least: 5, Within: 10 * time.Second, Pause: 5 * time.Second},
	}
}

// hooks reads the hooks of an app with these sources.
func (l *loader) hooks(v value, sources []Source) []Hook {
	var all []Hook
	taken := map[string]value{}
	for _, item := range v.list() {
		o := item.object()
		h := l.hook(o, sources)
		unique(o, h.Name, taken, "hook of this app")
		all = append(all, h)
	}
	return all
}

// hook reads one hook of an app with these sources.
func (l *loader) hook(o *object, sources []Source) Hook {
	h := defaultHook()
	h.Name = o.name("hook")
	o.boolean("enabled", &h.Enabled)
	// Whom it is and what it is asked about is written as for an endpoint.
	e := Endpoint{Generation: h.Generation, Events: h.Events}
	l.target(o, &e, Wordlist)
	// A word that is no builtin was reported: the keys beside it are a word list's.
	if o.has("builtin") {
		l.words(o, &h)
		if e.Builtin == Wordlist && h.File == "" && len(h.Words) == 0 {
			o.missing("file", "name a file with one word in each line, or write words: […]")
		}
	} else {
		o.wordlistOnly()
		l.transport(o, &e)
		e.plain(o)
	}
	l.match(o, sources, &e, event.Before)
	l.condition(o, &e.When)
	l.reach(o, sources, &e, event.Before)
	h.Builtin, h.URL, h.Dialect, h.Generation = e.Builtin, e.URL, e.Dialect, e.Generation
	h.Credentials, h.Paths, h.TLS = e.Credentials, e.Paths, e.TLS
	h.Events, h.Sources, h.When = e.Events, e.Sources, e.When

	o.share("canary", &h.Canary)
	o.duration("timeout", &h.Timeout)
	if v, ok := o.get("timeout"); ok && h.Timeout > maxDeadline {
		v.wrong("is more than %v; no IM server keeps a message waiting for so long", maxDeadline)
	}
	o.integer("concurrency", 1, &h.Concurrency)
	for key, to := range map[string]*FailPolicy{
		"on_timeout": &h.OnTimeout, "on_error": &h.OnError, "on_bad_reply": &h.OnBadReply,
		"on_overload": &h.OnOverload, "on_untranslatable": &h.OnUntranslatable,
	} {
		word(o, key, to, FailAllow, FailDeny)
	}
	o.boolean("vote", &h.Vote)
	o.boolean("shadow", &h.Shadow)
	if v, ok := o.get("shadow"); ok && h.Shadow && h.Vote {
		v.wrong("a hook in the shadow has no vote; remove one of shadow and vote")
	}
	var said map[string]value
	if v, ok := o.get("downgrade"); ok {
		d := v.object()
		d.downgrade(&h.Downgrade)
		said = d.fields
	}
	if v, ok := o.get("breaker"); ok {
		v.object().breaker(&h.Breaker)
	}
	h.late(o, sources)
	h.idle(o)
	l.falls(o, &h, sources, said)
	l.unasked(o, &h, sources)
	o.done()
	return h
}

// wordlistOnly reports the keys of a word list on a hook that is none.
func (o *object) wordlistOnly() {
	for _, key := range []string{"file", "words", "action", "mask", "code", "reason"} {
		if v, ok := o.fields[key]; ok {
			o.asked = append(o.asked, key)
			v.wrong("is for builtin: %s only; write that, or remove it", Wordlist)
		}
	}
}

// words reads what a word list is made of.
func (l *loader) words(o *object, h *Hook) {
	if v, ok := o.get("file"); ok {
		if s, ok := v.text(); ok {
			// Its content is the list's to read: it is followed on its own.
			h.File = l.path(s)
			if l.WordFile != nil {
				if err := l.WordFile(h.File); err != nil {
					v.wrong("%v", err)
				}
			}
		}
	}
	if v, ok := o.get("words"); ok {
		h.Words = l.wordsOf(v)
	}
	word(o, "action", &h.Action, WordMask, WordDeny)
	o.text("mask", &h.Mask)
	if v, ok := o.get("mask"); ok && !isMask(h.Mask) {
		v.wrong("%q is not one visible character; write what stands in place of each letter, such as ＊", h.Mask)
	}
	o.integer("code", 0, &h.Code)
	o.text("reason", &h.Reason)
}

// wordsOf reads the words in the file itself.
func (l *loader) wordsOf(v value) []string {
	var all []string
	for _, item := range v.list() {
		s, ok := item.text()
		if !ok {
			continue
		}
		all = append(all, s)
		if l.Word != nil {
			if err := l.Word(s); err != nil {
				item.wrong("%v", err)
			}
		}
	}
	return all
}

// isMask reports whether s can stand in place of a letter: one character, and one that
// is seen.
func isMask(s string) bool {
	r, size := utf8.DecodeRuneInString(s)
	return size > 0 && size == len(s) && unicode.IsGraphic(r)
}

func (o *object) downgrade(d *Downgrade) {
	word(o, "rewrite", &d.Rewrite, FailAllow, FailDeny)
	word(o, "drop", &d.Drop, FailAllow, FailDeny)
	word(o, "partial", &d.Partial, FailAllow, FailDeny)
	o.done()
}

// minWithin is the shortest time that a breaker can look at.
const minWithin = time.Millisecond

func (o *object) breaker(b *Breaker) {
	o.boolean("off", &b.Off)
	o.integer("least", 1, &b.Least)
	o.duration("within", &b.Within)
	if v, ok := o.get("within"); ok && b.Within < minWithin {
		v.wrong("is less than %v, into which no two questions fit; write the time that is looked at, such as 10s", minWithin)
	}
	o.duration("pause", &b.Pause)
	o.done()
}

// share reads a part of the conversations.
func (o *object) share(key string, to *float64) {
	if v, ok := o.get(key); ok {
		v.share(to, "%q is not a share; write a part of the conversations above 0, such as 5%% or 0.05")
	}
}

// share reads a part of the whole: "5%", 0.05 or 1. wrong is what is said to another
// text.
func (v value) share(to *float64, wrong string) {
	s, ok := v.text()
	if !ok {
		return
	}
	number, percent := strings.CutSuffix(s, "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		f /= 100
	}
	if err != nil || !(f > 0 && f <= 1) {
		v.wrong(wrong, s)
		return
	}
	*to = f
}

// idle warns of keys that mean nothing for a hook that nobody else is asked for: a word
// list answers by itself, at once and always.
func (h *Hook) idle(o *object) {
	if h.Builtin == "" {
		return
	}
	for _, key := range []string{"timeout", "on_bad_reply", "on_untranslatable", "breaker"} {
		if v, ok := o.get(key); ok {
			v.warn("has no effect with builtin: %s, which is asked of nobody; remove it", h.Builtin)
		}
	}
}

// late warns of a time-out that never passes whole, because a source's server does
// not wait that long.
func (h *Hook) late(o *object, sources []Source) {
	v, ok := o.get("timeout")
	if !ok || v.node.Kind != yaml.ScalarNode || h.Builtin != "" {
		return
	}
	for _, s := range sources {
		heard := len(h.Sources) == 0 || slices.Contains(h.Sources, s.Name)
		if heard && s.Deadline > 0 && h.Timeout > s.Deadline {
			v.warn("is longer than the server of source %s waits (%v): it is cut to what is left of that", s.Name, s.Deadline)
			return
		}
	}
}
