package movein_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/internal/movein"
)

// fuzz imports anything: what is taken is a configuration that a gateway takes,
// and has every callback in it.
func fuzz(f *testing.F, vendor, seeds string) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", seeds))
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	reg := builtin.New()
	o := options(f, "http://imhook:8420")
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := read(t, reg, vendor, "conf", data)
		if err != nil {
			return
		}
		p := movein.NewPlan(found, o)
		if len(p.Before())+len(p.After()) == 0 {
			t.Fatal("nothing was found and no problem is told")
		}
		text := p.Config()
		c, err := parse(reg, text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		n := 0
		for _, e := range c.Apps[0].Endpoints {
			n += len(e.Events)
		}
		if n < len(p.After()) {
			t.Fatalf("%d events for %d callbacks\n%s", n, len(p.After()), text)
		}
		n = 0
		for _, h := range c.Apps[0].Hooks {
			n += len(h.Events)
			if d := c.Apps[0].Sources[0].Deadline; h.Timeout >= d {
				t.Fatalf("hook %s is asked for %s and the server waits %s", h.Name, h.Timeout, d)
			}
		}
		if n < len(p.Before()) {
			t.Fatalf("%d events for %d questions\n%s", n, len(p.Before()), text)
		}
		if vendor == "openim" {
			if err := yaml.Unmarshal([]byte(p.Paste()), &map[string]any{}); err != nil {
				t.Fatalf("%v\n%s", err, p.Paste())
			}
		}
		for line := range strings.Lines(p.Paste()) {
			if vendor == "wildfirechat" && !strings.HasPrefix(line, "#") && len(strings.Fields(line)) != 2 {
				t.Fatalf("a line to paste is %q", line)
			}
		}
	})
}

func FuzzReadOpenIM(f *testing.F) {
	f.Add([]byte("url: http://b/?a=b#c\nafterSendSingleMsg: {enable: 1, attentionIds: [\"\\\"\\n\"], allowedTypes: [1-9, 5]}\n"))
	f.Add([]byte("callback: {callbackUrl: https://b:1, callbackWordFilter: &a {enable: yes}, callbackUserOnline: {<<: *a}}"))
	fuzz(f, "openim", "openim*.y*ml")
}

func FuzzReadWildfireChat(f *testing.F) {
	f.Add([]byte("message.forward.url = http://b/\\u0041{x}\\\n  y\nmessage.forward.types: 1,5-10-,3\nsensitive.remote_server_url http://b:2/message/censor?x\n"))
	fuzz(f, "wildfirechat", "wildfirechat.conf")
}
