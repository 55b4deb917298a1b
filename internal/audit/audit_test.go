package audit

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/imhook/imhook/internal/gateway"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a store in memory, full when it is.
type memory struct {
	mu    sync.Mutex
	pages [][]byte
	full  bool
}

func (m *memory) Keep(_ context.Context, page []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.full {
		return errors.New("no room")
	}
	m.pages = append(m.pages, bytes.Clone(page))
	return nil
}

func (m *memory) Page(_ context.Context, seq uint64) ([]byte, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if seq == 0 || seq > uint64(len(m.pages)) {
		return nil, time.Time{}, gateway.ErrNoPage
	}
	return m.pages[seq-1], time.Now(), nil
}

func (m *memory) Bounds(context.Context) (first, last uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return 1, uint64(len(m.pages)), nil
}

func TestFind_WhoDidWhatToWhat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, err := New(Config{Store: &memory{}})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now().UTC()
		whole := Entry{
			At: begin, Who: "ann", Role: "admin", From: "10.0.0.2", What: "putEndpoint", Target: "shop/far", Detail: "d",
			Before: "url: https://a.example\n", After: "url: https://b.example\nwhy: \"<script>\\u0000\"\n",
		}
		l.Record(whole)
		l.Record(Entry{At: begin.Add(time.Minute), Who: "bob", What: "pauseEndpoint", Target: "shop/backend"})
		l.Record(Entry{At: begin.Add(2 * time.Minute), Who: "ann", What: "createToken", Target: "shop/far\xff", Refused: "ann is viewer here"})
		if err := l.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			q    Query
			want string
		}{
			{Query{}, "createToken pauseEndpoint putEndpoint"},
			{Query{Who: "ann"}, "createToken putEndpoint"},
			{Query{Who: "an"}, ""},
			{Query{What: "pauseEndpoint"}, "pauseEndpoint"},
			{Query{Target: "far"}, "createToken putEndpoint"},
			{Query{Since: begin.Add(time.Minute)}, "createToken pauseEndpoint"},
			{Query{Until: begin.Add(time.Minute)}, "pauseEndpoint putEndpoint"},
			{Query{Limit: 1}, "createToken"},
		} {
			if tt.q.Limit == 0 {
				tt.q.Limit = 10
			}
			f, err := l.Find(t.Context(), tt.q)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range f.Entries {
				got = append(got, e.What)
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("%+v finds %q, want %q", tt.q, s, tt.want)
			}
		}
		f, err := l.Find(t.Context(), Query{What: "putEndpoint", Limit: 1})
		if err != nil || len(f.Entries) != 1 {
			t.Fatalf("found %+v, %v", f, err)
		}
		if diff := cmp.Diff(&whole, f.Entries[0]); diff != "" {
			t.Errorf("entry (-want +got):\n%s", diff)
		}
	})
}

func TestRecord_WhatIsLostIsCounted(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewRegistry()
	l, err := New(Config{Store: &memory{full: true}, Metrics: metrics})
	if err != nil {
		t.Fatal(err)
	}
	l.Record(Entry{Who: "ann", What: "pauseEndpoint"})
	_ = l.Stop(t.Context())
	all, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		want := 0.0
		if m.GetName() == "imhook_audit_lost_total" {
			want = 1
		}
		if got := m.GetMetric()[0].GetCounter().GetValue(); got != want {
			t.Errorf("%s = %v, want %v", m.GetName(), got, want)
		}
	}
}
