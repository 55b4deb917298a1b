package main

import (
	"strings"
	"testing"

	"github.com/imhook/imhook/dialect/builtin"
)

// Where commands without a path come, the URL for them stands first: whoever pastes
// it gets what is told from the body.
func TestPathHint_NamesTheURLForMostCommands(t *testing.T) {
	t.Parallel()
	for _, d := range builtin.New().All() {
		spec := d.Spec()
		hint := pathHint(spec)
		bare, paths := false, false
		for _, c := range spec.Commands {
			bare, paths = bare || c.Path == "", paths || c.Path != ""
		}
		switch {
		case !paths && hint != "", bare && strings.HasPrefix(hint, "/"), !bare && paths && !strings.HasPrefix(hint, "/"):
			t.Errorf("%s: %q", spec.Name, hint)
		}
	}
	easemob, err := builtin.New().Get("easemob")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := pathHint(easemob.Spec()), "  (and with /pre_send: docs/dialects/easemob.md)"; got != want {
		t.Errorf("easemob: %q, want %q", got, want)
	}
}

// What the greeting tells people to try is something that a backend then gets.
func TestWorthTrying_IsAMessageThatIsDelivered(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"wildfirechat": "message",
		"openim":       "callbackAfterSendSingleMsgCommand",
		"rongcloud":    "message_sync",
		"tencent":      "C2C.CallbackAfterSendMsg",
		"easemob":      "chat:txt",
		"cloudevents":  "message.send",
	} {
		d, err := builtin.New().Get(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := worthTrying(d.Spec()); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
