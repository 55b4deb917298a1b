package app

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/egress"
)

// TestSpeakers_AreMadeAnewForAnotherEgress: an endpoint whose own keys are as they were
// must not go on with the old permission.
func TestSpeakers_AreMadeAnewForAnotherEgress(t *testing.T) {
	t.Parallel()
	a := &App{cfg: Config{Registry: builtin.New(), Log: slog.New(slog.DiscardHandler), Now: time.Now}, speakers: map[string]*speaker{}}
	a.askers.Store(&map[string]*asker{})
	e := config.Endpoint{Name: "backend", URL: "http://127.0.0.1:1", Dialect: "wildfirechat", Timeout: time.Second, Concurrency: 1, OnRefusal: config.RefusalIgnore}
	h := config.Hook{Name: "hook", URL: "http://127.0.0.1:1", Dialect: "wildfirechat", Concurrency: 1}
	allow := func(p string) egress.Policy { return egress.ForFile([]netip.Prefix{netip.MustParsePrefix(p)}) }
	var speakers []*speaker
	var askers []*asker
	for _, calls := range []egress.Policy{allow("198.18.0.0/15"), allow("198.18.0.0/15"), allow("198.19.0.0/16")} {
		p, q := &plan{speakers: map[string]*speaker{}}, &panel{askers: map[string]*asker{}}
		if err := p.speaker(a, "shop", e, calls); err != nil {
			t.Fatal(err)
		}
		if err := q.asker(a, "shop", h, calls); err != nil {
			t.Fatal(err)
		}
		a.speakers = p.speakers
		a.askers.Store(&q.askers)
		speakers, askers = append(speakers, p.speakers["shop/backend"]), append(askers, q.askers["shop/hook"])
	}
	for i := range speakers {
		t.Cleanup(speakers[i].release)
		t.Cleanup(askers[i].release)
	}
	if speakers[0] != speakers[1] || askers[0] != askers[1] {
		t.Error("an egress that did not change made a new sender, and with it new connections")
	}
	if speakers[1] == speakers[2] || askers[1] == askers[2] {
		t.Error("after egress changed an endpoint or a hook goes on with the old one")
	}
}

// What the API defined calls public addresses alone, whatever its name leads to, and what
// the file allows beside them; the file's own are called where backends live.
func TestPlan_WhatTheAPIDefinedCallsLess(t *testing.T) {
	t.Parallel()
	a := &App{cfg: Config{Registry: builtin.New(), Log: slog.New(slog.DiscardHandler), Now: time.Now}, speakers: map[string]*speaker{}, metrics: prometheus.NewRegistry()}
	a.rules = newRules(a.cfg.Registry, a.metrics, a.cfg.Log)
	a.askers.Store(&map[string]*asker{})
	e := config.Endpoint{Name: "file", URL: "http://backend.example", Dialect: "wildfirechat", Timeout: time.Second, Concurrency: 1, OnRefusal: config.RefusalIgnore}
	made := e
	made.Name, made.FromAPI = "api", true
	h := config.Hook{Name: "file", Enabled: true, URL: "http://backend.example", Dialect: "wildfirechat", Concurrency: 1}
	asked := h
	asked.Name, asked.FromAPI = "api", true
	c := &config.Config{
		Egress: config.Egress{Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}},
		Apps:   []config.App{{Name: "shop", Endpoints: []config.Endpoint{e, made}, Hooks: []config.Hook{h, asked}}},
	}
	p, err := a.plan(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.abandon)
	q, err := a.panel(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.abandon)
	for _, tt := range []struct {
		addr      string
		file, api bool
	}{{"127.0.0.1", true, false}, {"10.2.0.1", true, false}, {"10.1.0.1", true, true}, {"93.184.215.14", true, true}, {"169.254.169.254", false, false}} {
		addr := netip.MustParseAddr(tt.addr)
		for who, calls := range map[string]egress.Policy{"endpoint": p.speakers["shop/file"].calls, "hook": q.askers["shop/file"].calls} {
			if got := calls.Check(addr) == nil; got != tt.file {
				t.Errorf("the file's %s may call %s: %v, want %v", who, addr, got, tt.file)
			}
		}
		for who, calls := range map[string]egress.Policy{"endpoint": p.speakers["shop/api"].calls, "hook": q.askers["shop/api"].calls} {
			if got := calls.Check(addr) == nil; got != tt.api {
				t.Errorf("the API's %s may call %s: %v, want %v", who, addr, got, tt.api)
			}
		}
	}
}
