package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
)

func TestRun_BeforeBesideProxy(t *testing.T) {
	t.Parallel()
	var out, progress bytes.Buffer
	err := run(t.Context(), []string{"-before", "-rounds", "1", "-duration", "200ms", "-warmup", "50ms", "-conns", "4,8", "-lanes", "20", "-json"}, &out, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	var got []string
	for dec := jsontext.NewDecoder(&out); ; {
		var rep report
		if err := json.UnmarshalDecode(dec, &rep); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("reading the reports: %v", err)
		}
		got = append(got, fmt.Sprint(rep.Config.Asks, " ", rep.Config.Conns))
		if d := cmp.Diff([]string{"proxy", "imhook", "imhook to cloudevents"}, rep.Sides); d != "" {
			t.Errorf("sides (-want +got):\n%s", d)
		}
		for _, r := range rep.Rounds[0] {
			if r.Events == 0 || r.Rate <= 0 || r.P50 <= 0 || r.P99 < r.P50 || r.Requests != 0 {
				t.Errorf("%s, %s: %+v, want answers and nothing handed on", rep.Config.Asks, r.Side, r)
			}
		}
		checkReport(t, &rep, 3)
	}
	if d := cmp.Diff([]string{"openim 4", "wildfirechat 4", "openim 8", "wildfirechat 8"}, got); d != "" {
		t.Errorf("reports (-want +got):\n%s", d)
	}
}

func TestProfileName(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]*side{
		"imhook-0-beside.pprof":                 {name: "imhook, 0 beside"},
		"openim-64-imhook-to-cloudevents.pprof": {name: "imhook to cloudevents", asks: &vendor{name: "openim"}},
	} {
		if got := profileName(s, 64); got != want {
			t.Errorf("profile of %s is %s, want %s", s.name, got, want)
		}
	}
}

// asking starts a hook and a side that asks it without anybody in between.
func asking(t *testing.T, v *vendor, h http.Handler) *side {
	t.Helper()
	s, err := startHooks(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &side{name: v.name, addr: strings.TrimPrefix(s.url, "http://"), path: v.path, asks: v}
}

func TestPost_EveryAnswerIsLookedAt(t *testing.T) {
	t.Parallel()
	all, err := vendors("wildfirechat,openim")
	if err != nil {
		t.Fatal(err)
	}
	cfg := config{Conns: 2, Lanes: 4, Size: 700}
	for _, v := range all {
		asked := map[string]bool{}
		var denied int
		hook := v.hook()
		s := asking(t, v, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			evs, err := v.dialect.Decode(&dialect.Request{Path: r.URL.Path, ContentType: r.Header.Get("Content-Type"), Body: body})
			if err != nil || len(evs) != 1 || asked[evs[0].Dedupe] || len(body) != cfg.Size {
				t.Errorf("%s: %v, want a question of %d bytes that was not asked before:\n%s", v.name, err, cfg.Size, body)
			}
			asked[evs[0].Dedupe] = true
			if strings.Contains(evs[0].Message.Text, offends) {
				denied++
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			hook.ServeHTTP(w, r)
		}))
		one := cfg
		one.Conns = 1 // so that nothing here needs a lock
		p, err := post(t.Context(), one, s, 100*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if p.accepted != len(asked) || denied == 0 || denied > 1+p.accepted/offendsEvery {
			t.Errorf("%s: %d answers to %d questions, %d denied", v.name, p.accepted, len(asked), denied)
		}
		careless := asking(t, v, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(v.allowed.Status)
			_, _ = w.Write(v.allowed.Body)
		}))
		if _, err := post(t.Context(), cfg, careless, 100*time.Millisecond); err == nil {
			t.Errorf("%s: a hook that allows everything passes", v.name)
		}
	}
}

func TestVendors_NamesWhoIsKnown(t *testing.T) {
	t.Parallel()
	if _, err := vendors("openim,nobody"); err == nil || !strings.Contains(err.Error(), "openim and wildfirechat") {
		t.Errorf("error %v, want one that says who asks", err)
	}
}
