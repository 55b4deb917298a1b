package main

import (
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
)

func TestWhy_FindsWhatAnEditorDid(t *testing.T) {
	t.Parallel()
	d := cloudevents.New()
	now := time.Unix(1763712000, 0)
	cred := dialect.Credentials{Secrets: []dialect.DatedSecret{{Value: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}}
	const body = `{"specversion":"1.0","id":"1","source":"/t","type":"im.message.send","data":{"message":{"text":"x"}}}`
	for _, tc := range []struct{ name, body, want string }{
		{"line break", body + "\n", "without the line break"},
		{"reformatted", strings.ReplaceAll(body, ":", ": "), "the body was reformatted"},
		{"altered", strings.Replace(body, "x", "y", 1), "altered on the way"},
	} {
		req := dialect.Request{ContentType: "application/json", Body: []byte(body)}
		if err := d.Sign(&req, cred, "1", now); err != nil {
			t.Fatal(err)
		}
		req.Body = []byte(tc.body)
		v := dialect.Verification{Now: now, MaxAge: time.Minute}
		_, bad := d.Verify(&req, cred, v)
		if bad == nil {
			t.Fatalf("%s: the signature fits", tc.name)
		}
		if got := strings.Join(why(d, req, cred, v, bad), "; "); !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func FuzzParseWire(f *testing.F) {
	spec := cloudevents.New().Spec()
	for _, seed := range []string{
		"POST /in/x/y?a=b HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\nA: b\r\n\r\nbody",
		"POST http://h/p\nA: b\n\n", "POST / \n\n", "POST \n\n", "POST x\n\n", "POST /\nA\n\nb", "POST / HTTP/1.1\n\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		req, err := parseWire(text, spec)
		if err != nil {
			return
		}
		if req.Path != "" && req.Path[0] != '/' {
			t.Errorf("path is %q", req.Path)
		}
		if strings.Contains(req.Query, "?") && !strings.Contains(string(text), "?") {
			t.Errorf("query is %q", req.Query)
		}
	})
}
