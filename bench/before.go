package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/dialect/openim"
	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/vacant"
)

// denial is what a hook says of a message that offends.
var denial = event.Verdict{Action: event.Deny, Code: 5001, Reason: "blocked by policy"}

// vendor is an IM server that asks before a message is sent.
type vendor struct {
	name    string
	dialect dialect.Dialect
	// path is the dialect's own, body the question with this text in it.
	path string
	body func(text string) string
	// allowed and denied are the answers, the same for every message.
	allowed, denied dialect.Response
}

// vendors are those that a list with commas names.
func vendors(names string) ([]*vendor, error) {
	known := map[string]*vendor{
		"openim":       {dialect: openim.New(), path: "/callbackBeforeSendSingleMsgCommand", body: openimMessage},
		"wildfirechat": {dialect: wildfirechat.New(), path: "/message/censor", body: wildfireMessage},
	}
	var all []*vendor
	for name := range strings.SplitSeq(names, ",") {
		v := known[name]
		if v == nil {
			return nil, fmt.Errorf("nobody here asks in %q; %s do", name, strings.Join(slices.Sorted(maps.Keys(known)), " and "))
		}
		v.name = name
		t := newTemplate("", v.path, jsonType, v.text(0))
		t.patch(0, message{id: 1, lane: 1, seq: 1, millis: 1_700_000_000_123})
		_, body, _ := bytes.Cut(t.request, []byte("\r\n\r\n"))
		evs, err := v.dialect.Decode(&dialect.Request{Path: v.path, ContentType: jsonType, Body: body})
		if err != nil {
			return nil, fmt.Errorf("decoding the question of %s: %w", v.name, err)
		}
		if len(evs) != 1 || evs[0].Type != event.MessageSend || evs[0].Phase != event.Before {
			return nil, fmt.Errorf("what %s asks is no question before a message", v.name)
		}
		v.allowed, v.denied = v.dialect.Answer(evs[0], event.Allowed()), v.dialect.Answer(evs[0], denial)
		all = append(all, v)
	}
	return all, nil
}

// translated is a hook that speaks CloudEvents.
func translated() *vendor {
	d := cloudevents.New()
	return &vendor{name: "cloudevents", dialect: d, allowed: d.Answer(nil, event.Allowed()), denied: d.Answer(nil, denial)}
}

func (v *vendor) text(size int) string { return pad(v.body(mark()+" "+harmless+" "), size) }

// question builds the request of one question, with the answers that the server must
// get.
func (v *vendor) question(addr, path string, size int) *template {
	t := newTemplate(addr, path, jsonType, v.text(size))
	t.allowed, t.denied = expect(v.allowed), expect(v.denied)
	return t
}

// expect is an answer as a poster sees it.
func expect(res dialect.Response) expected {
	return expected{status: fmt.Appendf(nil, "HTTP/1.1 %d ", res.Status), body: res.Body}
}

// hook is a moderation backend of that vendor: it denies what offends.
func (v *vendor) hook() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, max(0, r.ContentLength))
		if _, err := io.ReadFull(r.Body, body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		res := &v.allowed
		if bytes.Contains(body, []byte(offends)) {
			res = &v.denied
		}
		h := w.Header()
		if res.ContentType != "" {
			h.Set("Content-Type", res.ContentType)
		}
		h.Set("Content-Length", strconv.Itoa(len(res.Body)))
		w.WriteHeader(res.Status)
		_, _ = w.Write(res.Body)
	})
}

// hookConfig takes address, data directory, the dialects of source and hook, the
// hook's URL, and how many questions may be open. The time is one that a machine of
// any speed keeps: a policy's answer would be a wrong one here.
const hookConfig = `listen: %s
data_dir: %s
apps:
  - name: bench
    sources:
      - {name: im, dialect: %s}
    hooks:
      - {name: moderation, dialect: %s, url: %q, concurrency: %d, timeout: 4s}
`

// compareBefore measures what is asked through the proxy, through imhook, and
// through imhook where the hook speaks CloudEvents, for one vendor after the other.
func compareBefore(ctx context.Context, cfg config, dir string, progress io.Writer) ([]*report, error) {
	asking, err := vendors(cfg.Asks)
	if err != nil {
		return nil, err
	}
	var all []*report
	for _, v := range asking {
		cfg.Asks = v.name
		rep, err := v.compare(ctx, cfg, dir, progress)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.name, err)
		}
		all = append(all, rep)
	}
	return all, nil
}

func (v *vendor) compare(ctx context.Context, cfg config, dir string, progress io.Writer) (_ *report, err error) {
	mux := http.NewServeMux()
	mux.Handle("/same/", v.hook())
	mux.Handle("/translated/", translated().hook())
	hooks, err := startHooks(ctx, mux)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, hooks.Close()) }()

	var sides []*side
	defer func() { err = errors.Join(err, stopAll(sides)) }()
	proxy := &side{name: "proxy", path: v.path, asks: v}
	if err := proxy.startSelf(ctx, proxyEnv, hooks.url+"/same"); err != nil {
		return nil, err
	}
	sides = append(sides, proxy)
	for _, to := range []struct{ name, dialect, url string }{
		{"imhook", v.name, hooks.url + "/same"},
		{"imhook to cloudevents", "cloudevents", hooks.url + "/translated"},
	} {
		s := &side{name: to.name, path: "/in/im" + v.path, asks: v}
		if s.addr, err = vacant.Addr(ctx); err != nil {
			return nil, err
		}
		home := filepath.Join(dir, fmt.Sprintf("%s-%s-%d", v.name, to.dialect, cfg.Conns))
		text := fmt.Sprintf(hookConfig, s.addr, filepath.Join(home, "data"), v.name, to.dialect, to.url, cfg.Conns)
		if err := s.startImhook(ctx, cfg.binary, home, text); err != nil {
			return nil, err
		}
		sides = append(sides, s)
	}
	return measure(ctx, cfg, sides, progress)
}
