package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/trail"
)

const (
	// idWidth is how much of an id is shown: enough to ask for it again.
	idWidth   = 200
	textWidth = 60
)

// decisionLine is a decision on one line: when, where from, what came of it, by
// whom, how and in how long, what was proposed, where, by whom, what about, and the
// id to ask for more.
func decisionLine(d *trail.Entry, now time.Time) string {
	ev := d.Event
	words := []string{
		clock(d.At, now), ev.Source, string(d.Verdict), d.By, string(d.Cause), took(d.Took), string(ev.Type), string(ev.Lane),
	}
	if ev.Actor != nil {
		words = append(words, ev.Actor.ID)
	}
	if s := about(ev); s != "" {
		s = strconv.Quote(oneLine(s, textWidth))
		if after, ok := textAfter(d); ok {
			s += " → " + strconv.Quote(oneLine(after, textWidth))
		}
		words = append(words, s)
	}
	for i, w := range words {
		words[i] = firstOf(oneLine(w, 2*textWidth+10), "-")
	}
	return strings.Join(words, "  ") + "  " + oneLine(ev.ID, idWidth)
}

// textAfter is what a message's text became.
func textAfter(d *trail.Entry) (string, bool) {
	for _, c := range d.Changes {
		var s string
		if c.Path == "message.text" && json.Unmarshal(c.After, &s) == nil {
			return s, true
		}
	}
	return "", false
}

func took(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d >= 10*time.Millisecond {
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

// outcome is what came of a decision: "deny by words (the hook said so) after
// 1.2ms".
func outcome(d *trail.Entry) string {
	var b strings.Builder
	b.WriteString(string(d.Verdict))
	if d.By != "" {
		b.WriteString(" by " + oneLine(d.By, textWidth))
	}
	fmt.Fprintf(&b, " (%s) after %s", causeText(d.Cause), took(d.Took))
	return b.String()
}

// causeText is a cause in words.
func causeText(c gateway.Cause) string {
	switch c {
	case gateway.CauseHook:
		return "the hook said so"
	case gateway.CauseCache:
		return "the hook said so before, and that it holds"
	case gateway.CauseTimeout:
		return "no answer in time: its policy"
	case gateway.CauseError:
		return "it could not be asked: its policy"
	case gateway.CauseBadReply:
		return "its answer is no verdict: its policy"
	case gateway.CauseOverload:
		return "too many questions were open: its policy"
	case gateway.CauseUntranslatable:
		return "its dialect cannot say the event: its policy"
	case gateway.CauseOpen:
		return "it failed too often and was not asked: its policy"
	case gateway.CauseCancelled:
		return "another hook decided first"
	case gateway.CauseNone:
		return "no hook was asked"
	}
	return string(c)
}

// story is all about one message.
type story struct {
	Decisions []trail.Entry `json:"decisions"`
	Events    []struct {
		Event       event.Event `json:"event"`
		Stored      time.Time   `json:"stored"`
		DeadLetters []struct {
			Endpoint string         `json:"endpoint"`
			Reason   gateway.Reason `json:"reason"`
			Detail   string         `json:"detail"`
			Attempts int            `json:"attempts"`
			At       time.Time      `json:"at"`
		} `json:"deadletters"`
	} `json:"events"`
	More bool `json:"more"`
}

func (s *story) text(now time.Time) string {
	var b strings.Builder
	for i := range slices.Backward(s.Decisions) {
		tellDecision(&b, &s.Decisions[i], now)
		b.WriteString("\n")
	}
	b.WriteString("events about it that came after\n")
	for _, e := range s.Events {
		b.WriteString("  " + eventLine(&e.Event, now) + "\n")
		for _, l := range e.DeadLetters {
			fmt.Fprintf(&b, "    not delivered to %s: %s after %s, %s%s\n", oneLine(l.Endpoint, textWidth), l.Reason, count(l.Attempts, "attempt"), clock(l.At, now), quietly(": ", l.Detail))
		}
		if len(e.DeadLetters) == 0 {
			b.WriteString("    no endpoint has set it aside\n")
		}
	}
	if len(s.Events) == 0 {
		b.WriteString("  none\n")
	}
	if s.More {
		b.WriteString("  there may be more: the gateway did not look further\n")
	}
	return b.String()
}

func tellDecision(b *strings.Builder, d *trail.Entry, now time.Time) {
	ev := d.Event
	b.WriteString(outcome(d) + "\n\ncame in\n")
	field(b, "when", clock(d.At, now))
	field(b, "event", ev.ID)
	field(b, "from", ev.App+"/"+ev.Source)
	field(b, "what", strings.TrimSpace(string(ev.Type)+quietly(" ", ev.Dialect)+quietly(" ", ev.Generation)+quietly(" ", ev.Command)))
	field(b, "where", string(ev.Lane))
	if ev.Actor != nil {
		field(b, "who", ev.Actor.ID)
	}
	field(b, "about", about(ev))
	field(b, "links", strings.Join(d.Links, " "))

	b.WriteString("\nhooks\n")
	if len(d.Hooks) == 0 {
		b.WriteString("  none was asked\n")
	}
	for i, p := range d.Hooks {
		tellPart(b, i+1, &p)
	}

	b.WriteString("\nwent out\n")
	field(b, "verdict", strings.TrimSpace(string(d.Verdict)+quietly(" ", code(d.Code))))
	field(b, "reason", d.Reason)
	for _, r := range d.Refused {
		field(b, "refused", r.ID+quietly(" ", code(r.Code))+quietly(": ", r.Reason))
	}
	if len(d.Changes) == 0 && len(d.Refused) == 0 && d.Verdict == event.Allow {
		b.WriteString("  as it came in\n")
	}
	tellChanges(b, "  ", d.Changes)
	if d.Cut {
		b.WriteString("  (what ends in … or is missing was too long to be kept)\n")
	}
}

func tellPart(b *strings.Builder, n int, p *trail.Part) {
	verdict := string(p.Verdict)
	if p.Shadow {
		verdict = "would " + verdict
	}
	fmt.Fprintf(b, "  %d. %s: %s%s (%s) %s\n", n, oneLine(p.Hook, textWidth), verdict, quietly(" ", code(p.Code)), causeText(p.Cause), took(p.Took))
	for _, line := range []struct{ label, text string }{
		{"in the shadow", map[bool]string{true: "it counts for nothing"}[p.Shadow]},
		{"reason", p.Reason},
		{"error", string(p.Error)},
		{"detail", p.Detail},
		{"status", code(p.Status)},
		{"became", became(p)},
	} {
		if line.text != "" {
			b.WriteString("   ")
			field(b, line.label, line.text)
		}
	}
	for _, r := range p.Refused {
		b.WriteString("   ")
		field(b, "refused", r.ID+quietly(" ", code(r.Code))+quietly(": ", r.Reason))
	}
	tellChanges(b, "     ", p.Changes)
}

// became says what was made of a verdict that the command cannot carry.
func became(p *trail.Part) string {
	if p.Instead == "" {
		return ""
	}
	return string(p.Instead) + quietly(": ", p.Why)
}

// tellChanges writes what is different, before and after.
func tellChanges(b *strings.Builder, indent string, all []trail.Difference) {
	for _, c := range all {
		b.WriteString(indent + oneLine(c.Path, idWidth) + "\n")
		tellValue(b, indent+"  - ", c.Before)
		tellValue(b, indent+"  + ", c.After)
	}
}

// tellValue writes a value, a text as it is, one line a line.
func tellValue(b *strings.Builder, mark string, v jsontext.Value) {
	text := string(v)
	var s string
	switch {
	case len(v) == 0:
		text = "(nothing)"
	case json.Unmarshal(v, &s) == nil:
		text = s
	}
	for line := range strings.SplitSeq(printable(text), "\n") {
		b.WriteString(mark + line + "\n")
	}
}

// quietly is text behind before, nothing when there is none.
func quietly(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}

func code(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
