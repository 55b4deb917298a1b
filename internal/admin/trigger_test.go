package admin_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/admin"
)

func TestTrigger_SignsEditsAndShowsBothSides(t *testing.T) {
	t.Parallel()
	w := ask(setup(t, nil), "POST", "/api/v1/sources/im/trigger",
		`{"command":"message","set":{"text":"a","n":"7","list":[1],"text2":"\"8\""},"seed":18446744073709551615,"count":1}`, nil)
	body := `{\"text\":\"a\",\"n\":7,\"list\":[1],\"text2\":\"8\"}`
	want := `{"exchanges":[{"request":{"method":"POST","path":"/in/im/<redacted>/m","contentType":"application/json",` +
		`"header":{"Toy-Signature":["sum"]},"body":"` + body + `"},` +
		`"response":{"status":200,"contentType":"text/plain","body":"POST /in/im/T/m from 10.1.0.0:0: ` + body + `"}}],` +
		`"seed":18446744073709551615}`
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Errorf("trigger (-want +got):\n%s", diff)
	}
	if strings.Contains(w.Body.String(), "hush") {
		t.Errorf("trigger shows a secret: %s", w.Body)
	}
}

func TestTrigger_TakesThePathTokenThatIsValidNow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		tokens []dialect.DatedSecret
		want   string // where the source is called; the fake hides the token itself
	}{
		{"one of two", []dialect.DatedSecret{{Value: "hush-old", Until: noon}, {Value: "hush-path-token", From: noon}}, "POST /in/im/T/m "},
		{"none any more", []dialect.DatedSecret{{Value: "hush-old", Until: noon}}, "POST /in/im/m "},
	} {
		h := setup(t, func(c *admin.Config) {
			s := &c.Current().Apps[0].Sources[0]
			s.PathToken, s.PathTokens = "", tt.tokens
		})
		w := ask(h, "POST", "/api/v1/sources/im/trigger", `{"command":"message"}`, nil)
		if body := w.Body.String(); !strings.Contains(body, tt.want) || !strings.Contains(body, `"path":"/in/im/<redacted>/m"`) || strings.Contains(body, "hush") {
			t.Errorf("%s: trigger = %s, want a call of %s", tt.name, body, tt.want)
		}
	}
}

func TestTrigger_CountsWithTheSameSeedTheSame(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	const wish = `{"command":"message","count":3,"seed":1}`
	first := ask(h, "POST", "/api/v1/sources/im/trigger", wish, nil).Body.String()
	if n := strings.Count(first, `"response"`); n != 3 {
		t.Errorf("count 3 made %d exchanges: %s", n, first)
	}
	if again := ask(h, "POST", "/api/v1/sources/im/trigger", wish, nil).Body.String(); again != first {
		t.Errorf("the same seed made\n%s\nthen\n%s", first, again)
	}
}

func TestTrigger_ShowsThatTheSourceRefused(t *testing.T) {
	t.Parallel()
	w := ask(setup(t, nil), "POST", "/api/v1/sources/unsigned/trigger", `{"command":"message"}`, nil)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"status":401`) {
		t.Errorf("trigger without a secret = %d %s, want the source's 401 inside", w.Code, w.Body)
	}
}

func TestTrigger_RefusesWhatItCannotMake(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	for _, tt := range []struct {
		source, body string
		want         int
		says         string
	}{
		{"nobody", `{"command":"message"}`, 404, "no source"},
		{"im", `{"command":"mesage"}`, 400, "did you mean message?"},
		{"im", `{}`, 400, "command is missing"},
		{"im", `{"command":"message","cuont":2}`, 400, "cuont"},
		{"im", `{"command":"message","count":1001}`, 400, "1 to 1000"},
		{"im", `{"command":"message","count":-1}`, 400, "1 to 1000"},
		{"im", `{"command":"message","set":[1]}`, 400, "object"},
		{"im", `{"command":"message","set":{"text.deeper":1}}`, 400, "text.deeper"},
		{"im", `not json`, 400, "reading the request"},
		{"im", `{"command":"` + strings.Repeat("x", 2<<20) + `"}`, 400, "too large"},
	} {
		w := ask(h, "POST", "/api/v1/sources/"+tt.source+"/trigger", tt.body, nil)
		if w.Code != tt.want || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("trigger %s %.60s = %d %.200s, want %d that says %q", tt.source, tt.body, w.Code, w.Body, tt.want, tt.says)
		}
	}
}

func TestTrigger_SurvivesADroppedConnection(t *testing.T) {
	t.Parallel()
	h := setup(t, func(c *admin.Config) {
		c.Receive = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	})
	w := ask(h, "POST", "/api/v1/sources/im/trigger", `{"command":"message"}`, nil)
	if w.Code != http.StatusInternalServerError {
		t.Errorf("trigger of a source that drops = %d %s, want 500", w.Code, w.Body)
	}
}
