package app

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

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
