package match

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/event"
)

// TestCondition_SmallTextsMakeNoLargeOnes: whoever sends an event decides about
// its texts, and must not decide about our memory and time with them.
func TestCondition_SmallTextsMakeNoLargeOnes(t *testing.T) {
	same, brackets := strings.Repeat("a", 200_000), strings.Repeat("(a", 100_000)
	for _, tt := range []struct{ when, text string }{
		{`event.message.text.replace("", event.message.text) != ""`, same},
		{`event.message.text.replace("a", event.message.text, 100) != ""`, same},
		{`event.message.text.replace("a", "` + strings.Repeat("b", 1000) + `") != ""`, same},
		{`event.message.text.split("").join(event.message.text) != ""`, same},
		{`[` + strings.Repeat("event.message.text,", 100) + `""].join() != ""`, same},
		{`"` + strings.Repeat("%s", 100) + `".format([` + strings.Repeat("event.message.text,", 99) + `""]) != ""`, same},
		{`"%.1000000000f".format([1.0]) != ""`, ""},
		{`event.message.text.indexOf(event.message.text.substring(1) + "b", 0) >= 0`, same},
		{`event.message.text.lastIndexOf(event.message.text.substring(1) + "b", 199999) >= 0`, same},
		{`event.message.text.matches(event.message.text)`, same},
		{`event.message.text.matches(event.message.text)`, brackets},
		{`event.vendor.t.replace("", event.message.text) != ""`, same},
	} {
		ev := &event.Event{Type: event.MessageSend, Message: &event.Message{Kind: event.Text, Text: tt.text}, Vendor: []byte(`{"t":"` + same + `"}`)}
		c, err := newCondition(tt.when)
		if err != nil {
			t.Fatalf("%.80s: %v", tt.when, err)
		}
		s := newSubject(ev, registry())
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		yes, err := c.holds(s)
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		s.free()
		if yes || err == nil {
			t.Errorf("%.80s is %v, %v, want an error", tt.when, yes, err)
		}
		if made := after.TotalAlloc - before.TotalAlloc; made > 64<<20 || took > 2*time.Second {
			t.Errorf("%.80s took %d MiB and %v", tt.when, made>>20, took)
		}
		if holds := explains(tt.when, ev); holds {
			t.Errorf("%.80s: explained, it holds", tt.when)
		}
	}
}

func explains(when string, ev *event.Event) bool {
	s := newSubject(ev, registry())
	defer s.free()
	_, _, holds := explainCondition(when, s)
	return holds
}

// TestCondition_BoundedFunctionsSayWhatTheySaid: within the bounds nothing is
// different, whatever the texts.
func TestCondition_BoundedFunctionsSayWhatTheySaid(t *testing.T) {
	t.Parallel()
	for _, when := range []string{
		`"Grüße".indexOf("ß") == 3 && "Grüße".indexOf("x") == -1 && "Grüße".indexOf("") == 0 && "".indexOf("") == 0`,
		`"aüaü".lastIndexOf("aü") == 2 && "aüaü".lastIndexOf("x") == -1 && "aüaü".lastIndexOf("") == 4`,
		`"aüaü".indexOf("aü", 1) == 2 && "aüaü".lastIndexOf("aü", 1) == 0`,
		`"aaa".replace("a", "bb") == "bbbbbb" && "aaa".replace("a", "bb", 1) == "bbaa" && "ab".replace("", "-") == "-a-b-"`,
		`["a", "b"].join() == "ab" && ["a", "b"].join(", ") == "a, b"`,
		`"%d of %s: %.2f".format([1, ["a", "b"], 0.5]) == "1 of [a, b]: 0.50"`,
		`"%.100f 123456".format([1.0]).startsWith("1.000")`,
		`"abc".matches("b" + "c")`,
		`event.message.text.matches(event.actor.id)`,
		`event.message.text.replace("ü", "ue") == "Grueße aus Köln"`,
	} {
		if yes, err := ask(t, when, func() *event.Event { ev := written(); ev.Actor.ID = "^Gr.ße"; return ev }()); !yes || err != nil {
			t.Errorf("%s is %v, %v", when, yes, err)
		}
	}
	// One that makes no more than it is given may.
	long := strings.Repeat("a", 3<<20)
	ev := &event.Event{Type: event.MessageSend, Message: &event.Message{Text: long}}
	s := newSubject(ev, registry())
	defer s.free()
	c, err := newCondition(`event.message.text.replace("a", "b").indexOf("a") == -1`)
	if err != nil {
		t.Fatal(err)
	}
	if yes, err := c.holds(s); !yes && !strings.Contains(err.Error(), "cost limit") {
		t.Errorf("a long text: %v, %v", yes, err)
	}
}

func TestCheckCondition_TimeZonesAndPatterns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		when   string
		column int
		want   string
	}{
		{`event.time.getHours("Asia/Shangai") > 9`, 21, "unknown time zone Asia/Shangai; write a name such as Asia/Shanghai"},
		{`event.time.getDayOfWeek("+8") == 0`, 25, "unknown time zone +8; write"},
		{`event.time.getHours("25:00") > 9`, 21, "out of range"},
		{`event.id.matches("(xyz){400}")`, 18, "program of"},
		{`event.time.getHours("Asia/Shanghai") > 9`, 0, ""},
		{`event.time.getHours("-03:30") > 9 || event.time.getHours("UTC") > 9 || event.time.getHours() > 9`, 0, ""},
		{`event.id.matches("^[a-z]{1,20}$")`, 0, ""},
	} {
		err := CheckCondition(tt.when)
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.when, err)
			}
			continue
		}
		ce, ok := errors.AsType[*ConditionError](err)
		if !ok || ce.Line != 1 || ce.Column != tt.column || !strings.Contains(ce.Problem, tt.want) {
			t.Errorf("%s: %+v, want %q at column %d", tt.when, err, tt.want, tt.column)
		}
	}
}
