package builtin_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
)

// repeated is the answer of a backend that allows and says in it once more what it was
// asked about; "" where its dialect has no such answer.
func repeated(t *testing.T, hook string, asked *dialect.Request) string {
	t.Helper()
	if hook == "rongcloud" {
		form, err := url.ParseQuery(string(asked.Body))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf(`{"pass":1,"replaceContent":%s}`, quoted(form.Get("content")))
	}
	var body map[string]jsontext.Value
	if err := json.Unmarshal(asked.Body, &body); err != nil {
		t.Fatal(err)
	}
	switch hook {
	case "wildfirechat":
		return string(body["payload"])
	case "easemob":
		return fmt.Sprintf(`{"valid":true,"payload":%s}`, body["payload"])
	case "tencent":
		if body["MsgBody"] != nil {
			return fmt.Sprintf(`{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","MsgBody":%s}`, body["MsgBody"])
		}
	case "openim":
		if body["content"] != nil {
			return fmt.Sprintf(`{"actionCode":0,"errCode":0,"errMsg":"","errDlt":"","nextCode":0,"content":%s,"contentType":%s}`, body["content"], body["contentType"])
		}
	case "cloudevents":
		var data map[string]jsontext.Value
		if err := json.Unmarshal(body["data"], &data); err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"message", "group", "user", "friend"} {
			if data[part] != nil {
				return fmt.Sprintf(`{"verdict":"rewrite","rewrite":{%q:%s}}`, part, data[part])
			}
		}
	}
	return ""
}

func quoted(s string) string {
	text, err := jsontext.AppendQuote(nil, s)
	if err != nil {
		return `""`
	}
	return string(text)
}

// TestVerdict_BackendThatRepeatsTheProposalChangesNothing: a rewrite into the very
// message that was proposed was one that most of OpenIM's commands, and Tencent's about
// groups, cannot carry, so that such a backend refused everything.
func TestVerdict_BackendThatRepeatsTheProposalChangesNothing(t *testing.T) {
	t.Parallel()
	all := builtin.New().All()
	for _, source := range all {
		for _, c := range source.Spec().Commands {
			if c.Phase != event.Before {
				continue
			}
			r := rand.New(rand.NewPCG(1, 2))
			for range 40 {
				req, err := source.Sample(c.Name, r, time.Unix(1795200000, 0))
				if err != nil {
					t.Fatal(err)
				}
				evs, err := source.Decode(&req)
				if err != nil || len(evs) != 1 {
					t.Fatalf("%s: %d events, %v", c.Name, len(evs), err)
				}
				evs[0].ID = "e1"
				for _, hook := range all {
					repeats(t, source, hook, evs[0])
				}
			}
		}
	}
}

func repeats(t *testing.T, source, hook dialect.Dialect, ev *event.Event) {
	t.Helper()
	name := hook.Spec().Name
	if name == source.Spec().Name {
		return // what came in goes back as it came
	}
	reqs, err := hook.Encode(ev, dialect.Target{})
	if err != nil || len(reqs) != 1 {
		return // it cannot be asked
	}
	answer := repeated(t, name, &reqs[0])
	if answer == "" {
		return
	}
	v, err := hook.Verdict(ev, &dialect.Response{Status: 200, Body: []byte(answer)}, dialect.Target{})
	if err != nil {
		t.Errorf("%s %s, hook %s: %v\n%.300s", source.Spec().Name, ev.Command, name, err, answer)
		return
	}
	if err := source.Carries(ev, v); err != nil {
		t.Errorf("%s %s, hook %s: read as %s: %v\n%.300s", source.Spec().Name, ev.Command, name, v.Action, err, answer)
	}
}
