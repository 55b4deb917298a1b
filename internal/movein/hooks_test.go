package movein_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/imfake"
)

// generation is how one version of the server asks, and how its backends answer.
type generation struct {
	// wire is its name in the dialect.
	name, wire, head, indent string
	// timeout and failed are the words for a webhook's time and policy.
	timeout, failed string
	// single and words are the keys of two webhooks, with their commands: the one
	// asks before a message, the other changes one.
	single, singleCommand, words, wordsCommand string
	// deny is a refusal as the documents of the time have it; stops is the server's
	// own rule.
	deny  string
	stops func(a codes) bool
	// text is how a text stands in content.
	text func(string) string
}

// codes are what a server reads of every answer.
type codes struct {
	ActionCode int     `json:"actionCode"`
	ErrCode    int     `json:"errCode"`
	NextCode   int     `json:"nextCode"`
	Content    *string `json:"content"`
}

func askingGenerations() []generation {
	inJSON := func(s string) string { return fmt.Sprintf(`{"content":%q}`, s) }
	v3 := generation{
		indent: "  ", timeout: "timeout", failed: "failedContinue", text: inJSON,
		single: "beforeSendSingleMsg", singleCommand: "callbackBeforeSendSingleMsgCommand",
		words: "msgModify", wordsCommand: "callbackMsgModifyCommand",
	}
	v2 := v3
	v2.name, v2.wire, v2.head = "v2.0", "v2.0", "callback:\n  callbackUrl: http://backend/cb\n"
	v2.timeout, v2.failed = "callbackTimeOut", "callbackFailedContinue"
	v2.single, v2.words, v2.wordsCommand = "callbackbeforeSendSingleMsg", "callbackWordFilter", "callbackWordFilterCommand"
	v2.deny, v2.text = `{"actionCode":1,"errCode":0,"errMsg":"no"}`, func(s string) string { return s }
	v2.stops = func(a codes) bool { return a.ActionCode == 1 && a.ErrCode == 0 }

	v30 := v3
	v30.name, v30.wire, v30.head = "v3.2", "v3.0", "callback:\n  url: http://backend/cb\n"
	v30.deny = `{"actionCode":0,"errCode":5001,"errMsg":"no","errDlt":"","nextCode":0}`
	v30.stops = func(a codes) bool { return a.ActionCode != 0 || a.ErrCode != 0 }

	v35 := v3
	v35.name, v35.wire, v35.head = "v3.6", "v3.5", "callback:\n  url: http://backend/cb\n  quitGroup: {enable: false}\n"
	v35.deny = `{"actionCode":1,"errCode":6001,"errMsg":"no","errDlt":"","nextCode":0}`
	v35.stops = func(a codes) bool { return a.ActionCode != 0 || a.NextCode == 1 }

	v37 := v3
	v37.name, v37.wire, v37.head, v37.indent = "v3.8", "v3.7", "url: http://backend/cb\n", ""
	v37.words, v37.wordsCommand = "beforeMsgModify", "callbackBeforeMsgModifyCommand"
	v37.deny = `{"actionCode":0,"errCode":5001,"errMsg":"no","errDlt":"","nextCode":1}`
	v37.stops = func(a codes) bool { return a.ActionCode == 0 && a.NextCode == 1 }
	return []generation{v2, v30, v35, v37}
}

// file is one in which a failure stops single and lets words go on, as long as
// nobody waits longer than two seconds.
func (g *generation) file(to string) string {
	text := strings.Replace(g.head, "http://backend/cb", to, 1)
	for key, goes := range map[string]bool{g.single: false, g.words: true} {
		text += fmt.Sprintf("%s%s: {enable: true, %s: 2, %s: %t}\n", g.indent, key, g.timeout, g.failed, goes)
	}
	return text
}

// message is a question about a text, another one for each n.
func (g *generation) message(t *testing.T, d dialect.Dialect, command string, n uint64) *dialect.Request {
	t.Helper()
	req, err := d.Sample(command, rand.New(rand.NewPCG(n, 3)), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	evs, err := d.Decode(&req)
	if err != nil {
		t.Fatal(err)
	}
	reqs, err := d.Encode(evs[0], dialect.Target{Generation: g.wire, Now: time.Now()})
	if err != nil || len(reqs) != 1 {
		t.Fatalf("%s in %s: %d requests, %v", command, g.wire, len(reqs), err)
	}
	req = reqs[0]
	req.Body = withNumber(t, req.Body, "contentType", 101)
	if !strings.Contains(req.Path+req.Query+string(req.Body), command) {
		t.Fatalf("%s is written as %s", command, written(&req))
	}
	return &req
}

// TestOpenIM_TheOldBackendGoesOnDeciding runs what is written for a server of each
// generation with a backend of that time: its refusal and its rewrite reach the
// server, a failure means what failedContinue says, and the answer is there before
// the server gives up.
func TestOpenIM_TheOldBackendGoesOnDeciding(t *testing.T) {
	t.Parallel()
	for _, g := range askingGenerations() {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			reg := builtin.New()
			d, err := reg.Get("openim")
			if err != nil {
				t.Fatal(err)
			}
			backend := imfake.NewBackend(d, imfake.BasePath("/cb"))
			defer backend.Close()
			base := run(t, reg, plan(t, reg, "openim", g.file(backend.URL())))
			n := uint64(0)
			ask := func(command string) codes {
				t.Helper()
				n++
				req := g.message(t, d, command, n)
				begin := time.Now()
				status, body := answered(t, base, req)
				if took := time.Since(begin); took >= 3*time.Second {
					t.Errorf("%s is answered after %s, and the server waits 3s", command, took)
				}
				var a codes
				if err := json.Unmarshal(body, &a); err != nil || status != http.StatusOK {
					t.Fatalf("%s is answered %d %s: %v", command, status, body, err)
				}
				if all := backend.Received(); len(all) > 0 {
					if diff := cmp.Diff(written(req), written(&all[len(all)-1].Request)); diff != "" {
						t.Errorf("the backend was asked otherwise than the server asks (-server +backend):\n%s", diff)
					}
				}
				return a
			}
			raw := func(body string) imfake.Reply {
				return imfake.Reply{ContentType: "application/json", Body: []byte(body)}
			}
			if a := ask(g.singleCommand); g.stops(a) {
				t.Errorf("allowed is answered %+v, which stops", a)
			}
			backend.Queue(raw(g.deny))
			if a := ask(g.singleCommand); !g.stops(a) {
				t.Errorf("denied is answered %+v, which goes on", a)
			}
			rewritten := g.text("a *** word")
			content, err := json.Marshal(rewritten)
			if err != nil {
				t.Fatal(err)
			}
			backend.Queue(raw(`{"actionCode":0,"errCode":0,"errMsg":"","errDlt":"","nextCode":0,"content":` + string(content) + `}`))
			switch a := ask(g.wordsCommand); {
			case g.stops(a) || a.Content == nil:
				t.Errorf("a rewrite is answered %+v", a)
			case *a.Content != rewritten:
				t.Errorf("the server is told %s, want %s", *a.Content, rewritten)
			}
			held := make(chan struct{})
			failures := map[string]imfake.Reply{
				"no JSON": raw("<html>"),
				"500":     imfake.Status(500),
				"dropped": {Drop: true},
				"late":    {Hold: held},
			}
			if g.name != "v2.0" {
				failures["text for a number"] = raw(`{"actionCode":0,"nextCode":""}`)
			}
			for name, reply := range failures {
				for command, stops := range map[string]bool{g.singleCommand: true, g.wordsCommand: false} {
					// Each time: one that hangs up is asked again on another connection.
					backend.Answer(func(int, *imfake.Received) imfake.Reply { return reply })
					if a := ask(command); g.stops(a) != stops {
						t.Errorf("%s, %s: answered %+v, which stops it: %t", name, command, a, !stops)
					}
					backend.Answer(nil)
					for range 2 { // it is doing well enough to be asked
						if a := ask(command); g.stops(a) {
							t.Errorf("after %s, %s: allowed is answered %+v", name, command, a)
						}
					}
				}
			}
			close(held)
			backend.Close()
			for command, stops := range map[string]bool{g.singleCommand: true, g.wordsCommand: false} {
				n++
				_, body := answered(t, base, g.message(t, d, command, n))
				var a codes
				if err := json.Unmarshal(body, &a); err != nil || g.stops(a) != stops {
					t.Errorf("a dead backend, %s: answered %s, which stops it: %t, %v", command, body, !stops, err)
				}
			}
		})
	}
}

// TestWildfireChat_TheOldCensorGoesOnDeciding: a failure lets the message pass, as
// it does without imhook.
func TestWildfireChat_TheOldCensorGoesOnDeciding(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	d, err := reg.Get("wildfirechat")
	if err != nil {
		t.Fatal(err)
	}
	backend := imfake.NewBackend(d)
	defer backend.Close()
	base := run(t, reg, plan(t, reg, "wildfirechat", "sensitive.remote_server_url "+backend.URL()+"/message/censor\nsensitive.remote_sensitive_message_type 1\n"))
	n := uint64(0)
	ask := func() (int, string) {
		t.Helper()
		n++
		req, err := d.Sample("censor", rand.New(rand.NewPCG(n, 7)), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		head, payload, _ := strings.Cut(string(req.Body), `"payload":{`)
		req.Body = []byte(head + `"payload":{` + string(withNumber(t, []byte(payload), "type", 1)))
		status, body := answered(t, base, &req)
		return status, string(body)
	}
	if status, body := ask(); status != 200 || body != "" {
		t.Errorf("allowed is answered %d %s", status, body)
	}
	backend.Queue(imfake.Status(403))
	if status, _ := ask(); status != 403 {
		t.Errorf("denied is answered %d", status)
	}
	backend.Queue(imfake.Reply{ContentType: "application/json", Body: []byte(`{"type":1,"searchableContent":"a *** word"}`)})
	if status, body := ask(); status != 200 || !strings.Contains(body, `"searchableContent":"a *** word"`) {
		t.Errorf("a rewrite is answered %d %s", status, body)
	}
	for name, reply := range map[string]imfake.Reply{
		"500": imfake.Status(500), "dropped": {Drop: true}, "no payload": {Body: []byte("yes"), ContentType: "text/plain"},
	} {
		backend.Answer(func(int, *imfake.Received) imfake.Reply { return reply })
		if status, body := ask(); status != 200 || body != "" {
			t.Errorf("%s: answered %d %s", name, status, body)
		}
		backend.Answer(nil)
		if status, body := ask(); status != 200 || body != "" {
			t.Errorf("after %s: answered %d %s", name, status, body)
		}
	}
	if got := backend.Requests(); got < int(n) { // one that hangs up is asked again
		t.Errorf("the censor was asked %d times of %d", got, n)
	}
	backend.Close()
	if status, body := ask(); status != 200 || body != "" {
		t.Errorf("a dead censor: answered %d %s", status, body)
	}
}

// TestOpenIM_PasteGivesTheServerMoreTimeThanTheHooks pastes the lines into the file
// and reads it again.
func TestOpenIM_PasteGivesTheServerMoreTimeThanTheHooks(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	for _, name := range []string{"openim-v38.yml", "openim-v36.yaml", "openim-v32.yaml", "openim-v2.yaml", "seed"} {
		data := []byte(seedFile)
		if name != "seed" {
			var err error
			if data, err = os.ReadFile(filepath.Join("testdata", name)); err != nil {
				t.Fatal(err)
			}
		}
		p := plan(t, reg, "openim", string(data))
		paste := p.Paste()
		if strings.Contains(paste, "\n  ") && !strings.Contains(paste, "\nurl:") && !strings.Contains(paste, "\ncallbackUrl:") {
			paste = "callback:\n" + paste
		}
		pasted := plan(t, reg, "openim", merged(t, data, []byte(paste)))
		before := map[string]time.Duration{}
		for _, c := range p.Before() {
			before[c.Key] = c.Timeout
		}
		if len(before) == 0 {
			t.Fatalf("%s asks nothing before", name)
		}
		for _, c := range pasted.Before() {
			if c.Timeout != before[c.Key]+time.Second || c.Timeout > p.Deadline {
				t.Errorf("%s: the server waits %s for %s, whose hook has %s; the source's deadline is %s", name, c.Timeout, c.Key, before[c.Key], p.Deadline)
			}
			if c.URL.String() != p.SourceURL() {
				t.Errorf("%s: %s goes to %s", name, c.Key, c.URL)
			}
		}
		if len(pasted.Before()) != len(before) || len(pasted.After()) != len(p.After()) {
			t.Errorf("%s: other callbacks are enabled once the lines are pasted", name)
		}
	}
}

// seedFile is the piece that the documents of v2 show.
const seedFile = `   callbackUrl : "http://127.0.0.1:8080/callback"
   callbackbeforeSendSingleMsg:
     enable: true
     callbackTimeOut: 2
     callbackFailedContinue: false
   callbackWordFilter:
     enable: true
     callbackFailedContinue: true
`

// merged lays one YAML over another.
func merged(t *testing.T, under, over []byte) string {
	t.Helper()
	var a, b map[string]any
	if err := yaml.Unmarshal(under, &a); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(over, &b); err != nil {
		t.Fatalf("%v\n%s", err, over)
	}
	lay(a, b)
	text, err := yaml.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func lay(under, over map[string]any) {
	for key, v := range over {
		if deeper, ok := v.(map[string]any); ok {
			if below, ok := under[key].(map[string]any); ok {
				lay(below, deeper)
				continue
			}
		}
		under[key] = v
	}
}

// TestOpenIM_SeedsOwnKeysBecomeHooks: enable, callbackTimeOut and
// callbackFailedContinue of the documents of v2.
func TestOpenIM_SeedsOwnKeysBecomeHooks(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	p := plan(t, reg, "openim", seedFile)
	c, err := parse(reg, p.Config())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, h := range c.Apps[0].Hooks {
		got[strings.Join(h.Events, ", ")] = fmt.Sprintln(h.Enabled, h.Timeout, h.OnTimeout, h.OnError, h.OnBadReply, h.OnOverload)
	}
	want := map[string]string{
		"openim:beforeSendSingleMsg":                               "true 2s deny deny deny deny\n",
		"openim:beforeMsgModify, openim:callbackWordFilterCommand": "true 5s allow allow allow allow\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the hooks (-want +got):\n%s", diff)
	}
	if d := c.Apps[0].Sources[0].Deadline; d != 6*time.Second {
		t.Errorf("the source's deadline is %s", d)
	}
}

// TestOpenIM_MoreTimeThanTheServerHas: servers since v3.7 end every webhook after
// 15 seconds, others wait as long as the file says and imhook at most 5 minutes.
func TestOpenIM_MoreTimeThanTheServerHas(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	for _, tt := range []struct {
		text           string
		asks, deadline time.Duration
		warned         bool
	}{
		{"url: http://b\nbeforeAddFriend: {enable: true, timeout: 60}\n", 14 * time.Second, 15 * time.Second, true},
		{"url: http://b\nbeforeAddFriend: {enable: true, timeout: 14}\n", 14 * time.Second, 15 * time.Second, false},
		{"callback:\n  url: http://b\n  beforeAddFriend: {enable: true, timeout: 60}\n", time.Minute, 61 * time.Second, false},
		{"callback:\n  url: http://b\n  beforeAddFriend: {enable: true, timeout: 900}\n", 299 * time.Second, 300 * time.Second, true},
	} {
		p := plan(t, reg, "openim", tt.text)
		if p.Hooks[0].Timeout != tt.asks || p.Deadline != tt.deadline {
			t.Errorf("%s: the hook has %s of %s, want %s of %s", tt.text, p.Hooks[0].Timeout, p.Deadline, tt.asks, tt.deadline)
		}
		if got := strings.Contains(warnings(p), "gives more time than can be"); got != tt.warned {
			t.Errorf("%s: warned: %t\n%s", tt.text, got, warnings(p))
		}
		if _, err := parse(reg, p.Config()); err != nil {
			t.Error(err)
		}
	}
}
