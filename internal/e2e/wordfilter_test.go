package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/imfake"
)

// The three callbacks of OpenIM's first documents, with the fields that stand there and
// no others.
const (
	firstFilter = `{"sendID":"u-mira","callbackCommand":"callbackWordFilterCommand","serverMsgID":"s-%[1]s","clientMsgID":"c-%[1]s","operationID":"op-%[1]s","senderPlatformID":1,"senderNickname":"Mira","sessionType":1,"contentType":101,"createTime":1640000000,"content":%[2]q}`
	firstBefore = `{"sendID":"u-mira","callbackCommand":"callbackBeforeSendSingleMsgCommand","serverMsgID":"s-%[1]s","clientMsgID":"c-%[1]s","operationID":"op-%[1]s","senderPlatformID":1,"senderNickname":"Mira","sessionType":1,"contentType":101,"createTime":1640000000,"content":%[2]q,"recvID":"u-ada"}`
	firstAfter  = `{"sendID":"u-mira","callbackCommand":"callbackAfterSendSingleMsgCommand","serverMsgID":"s-%[1]s","clientMsgID":"c-%[1]s","operationID":"op-%[1]s","senderPlatformID":1,"senderNickname":"Mira","sessionType":1,"contentType":101,"createTime":1640000000,"content":%[2]q,"recvID":"u-ada"}`
)

// The answers that such a server understands.
const (
	firstAllow = `{"actionCode":0,"errCode":0,"errMsg":"","operationID":"op-%s"}`
	// firstText allows with the content that is sent: the first servers put the answer's
	// in place of the message's also when it has none.
	firstText = `{"actionCode":0,"errCode":0,"errMsg":"","operationID":"op-%s","content":%q}`
	firstDeny = `{"actionCode":1,"errCode":0,"errMsg":%[2]q,"operationID":"op-%[1]s"}`
)

// firstHook is a hook about the messages of such a server.
type firstHook struct {
	// name is the app's, config what follows the hook's name.
	name, config string
	// filters: it can be asked by the word filter, which names no conversation.
	// rewrites: it can say a rewrite of a message that is about to be sent.
	// words: its refusals have words.
	filters, rewrites, words bool
}

// firstSays is what each hook says to a text.
func firstSays(ev *event.Event) event.Verdict {
	m := ev.Message
	switch {
	case strings.Contains(m.Text, "bad"):
		return event.Verdict{Action: event.Deny, Code: 7, Reason: "no"}
	case strings.Contains(m.Text, "rude"):
		now := *m
		now.Text = strings.ReplaceAll(m.Text, "rude", "****")
		return event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &now}}
	}
	return event.Allowed()
}

// TestHooks_FirstOpenIMServersAreUnderstood posts what an OpenIM server of the first
// documents posts, byte for byte, to sources that are told nothing of its generation.
// Backends that speak other dialects, or that of today's OpenIM servers, and the word
// list allow, refuse and rewrite; what was sent is told to an endpoint and has its
// decision.
func TestHooks_FirstOpenIMServersAreUnderstood(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	words := filepath.Join(t.TempDir(), "words.txt")
	if err := os.WriteFile(words, []byte("rude\nbad => deny\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hooks := []firstHook{{
		name: "words", config: fmt.Sprintf("builtin: wordlist, file: %q, code: 7, reason: %q", words, "no"),
		filters: true, rewrites: true, words: true,
	}}
	for _, h := range []struct {
		firstHook
		credentials string
	}{
		{firstHook{name: "cloudevents", filters: true, rewrites: true, words: true}, "{secret: whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz}"},
		{firstHook{name: "openim", filters: true, words: true}, ""},
		{firstHook{name: "tencent", rewrites: true, words: true}, `{sdk_app_id: "1400000000", token: quite-secret}`},
		{firstHook{name: "rongcloud", rewrites: true, words: true}, "{app_key: k, app_secret: quite-secret}"},
		{firstHook{name: "easemob", rewrites: true, words: true}, "{secret: quite-secret}"},
		{firstHook{name: "wildfirechat", rewrites: true}, ""},
	} {
		d, err := reg.Get(h.name)
		if err != nil {
			t.Fatal(err)
		}
		backend := imfake.NewBackend(d, imfake.Keep(0))
		t.Cleanup(backend.Close)
		backend.Answer(func(_ int, rec *imfake.Received) imfake.Reply { return imfake.Verdict(firstSays(rec.Events[0])) })
		h.config = fmt.Sprintf("dialect: %s, url: %q, timeout: 4s", h.name, backend.URL())
		if h.credentials != "" {
			h.config += ", credentials: " + h.credentials
		}
		if h.name == "openim" {
			h.config += ", generation: v3.7"
		}
		hooks = append(hooks, h.firstHook)
	}
	ce, err := reg.Get("cloudevents")
	if err != nil {
		t.Fatal(err)
	}
	told := imfake.NewBackend(ce)
	t.Cleanup(told.Close)
	gateway := newGateway(t, func(listen, data string) string {
		var b strings.Builder
		fmt.Fprintf(&b, "listen: %s\ndata_dir: %s\napps:\n", listen, data)
		for _, h := range hooks {
			fmt.Fprintf(&b, "  - name: %[1]s\n    sources:\n      - {name: im-%[1]s, dialect: openim, generation: auto, deadline: 5s}\n", h.name)
			fmt.Fprintf(&b, "    hooks:\n      - {name: hook, %s}\n", h.config)
			fmt.Fprintf(&b, "    endpoints:\n      - {name: told, dialect: cloudevents, url: %q, credentials: {secret: whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz}}\n", told.URL())
		}
		return b.String()
	})
	gateway.start(t)
	for _, h := range hooks {
		h.ask(t, gateway)
	}
	if err := told.WaitEvents(t.Context(), len(hooks)); err != nil {
		t.Fatalf("%v\n%s", err, gateway.tail())
	}
	texts := map[string]string{}
	for _, rec := range told.Received() {
		for _, ev := range rec.Events {
			texts[ev.Message.ID] = string(ev.Type) + " " + ev.Message.Text
		}
	}
	want := map[string]string{}
	for _, h := range hooks {
		want["s-"+h.name+"-after"] = "message.send hello"
		path := "/api/v1/decisions?id=s-" + h.name + "-before-allow"
		if err := eventually(t.Context(), 20*time.Second, func() error {
			page, err := get(t.Context(), gateway, path)
			if err == nil && (!strings.Contains(page, `"verdict":"allow"`) || !strings.Contains(page, `"cause":"hook"`)) {
				err = fmt.Errorf("%s: %.500s", path, page)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	}
	if d := cmp.Diff(want, texts); d != "" {
		t.Errorf("the endpoints were told (-want +got):\n%s", d)
	}
}

// ask posts what the server posts about texts that are allowed, refused and rewritten.
func (h *firstHook) ask(t *testing.T, gateway *process) {
	t.Helper()
	reason := "no"
	if !h.words {
		reason = ""
	}
	for _, q := range []struct{ name, body, text, want string }{
		{"filter-allow", firstFilter, "hello", fmt.Sprintf(firstText, h.name+"-filter-allow", "hello")},
		{"filter-deny", firstFilter, "bad", fmt.Sprintf(firstDeny, h.name+"-filter-deny", reason)},
		{"filter-rewrite", firstFilter, "so rude", fmt.Sprintf(firstText, h.name+"-filter-rewrite", "so ****")},
		{"before-allow", firstBefore, "hello", fmt.Sprintf(firstAllow, h.name+"-before-allow")},
		{"before-deny", firstBefore, "bad", fmt.Sprintf(firstDeny, h.name+"-before-deny", reason)},
		{"before-rewrite", firstBefore, "so rude", fmt.Sprintf(firstDeny, h.name+"-before-rewrite", "")}, // it cannot be told
		{"after", firstAfter, "hello", fmt.Sprintf(firstAllow, h.name+"-after")},
	} {
		if strings.HasPrefix(q.name, "filter") && !h.filters || q.name == "before-rewrite" && !h.rewrites {
			continue
		}
		req := dialect.Request{ContentType: "application/json; charset=utf-8", Body: fmt.Appendf(nil, q.body, h.name+"-"+q.name, q.text)}
		res := h.post(t, gateway, &req)
		if got := strings.TrimSpace(string(res.Body)); got != q.want {
			t.Errorf("%s %s is answered\n%s, want\n%s\n%s", h.name, q.name, got, q.want, gateway.tail())
		}
		if q.name == "after" {
			continue
		}
		// All of the first releases understand it.
		for _, release := range []string{"v2.0", "v2.1"} {
			j := imfake.Judge(imfake.Question{Dialect: "openim", Generation: release, Request: &req}, &res)
			effect := imfake.Passed
			switch {
			case q.name == "filter-rewrite":
				effect = imfake.Changed
			case !strings.HasSuffix(q.name, "allow"):
				effect = imfake.Refused
			}
			if j.Effect != effect || j.Failed != "" {
				t.Errorf("%s %s: a server of %s makes of it: %s %s, want %s", h.name, q.name, release, j.Effect, j.Failed, effect)
			}
		}
	}
}

// post sends a request as the first servers do: to the URL as it is.
func (h *firstHook) post(t *testing.T, gateway *process, req *dialect.Request) dialect.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+gateway.addr+"/in/im-"+h.name, strings.NewReader(string(req.Body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", req.ContentType)
	r.Close = true
	got, err := (&http.Client{Timeout: 10 * time.Second}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	body, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode != http.StatusOK || got.ContentLength != int64(len(body)) {
		t.Fatalf("%s: %d, length %d, %s, %v", req.Body, got.StatusCode, got.ContentLength, body, err)
	}
	return dialect.Response{Status: got.StatusCode, ContentType: got.Header.Get("Content-Type"), Header: got.Header, Body: body}
}
