package trail

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/chronicle"
	"github.com/imhook/imhook/internal/gateway"
)

// memory is a store in memory.
type memory struct {
	mu    sync.Mutex
	pages []kept
	// dropped pages are no longer there.
	dropped uint64
	// fail says what becomes of a page; nil keeps all.
	fail func() error
}

type kept struct {
	data []byte
	at   time.Time
}

func (m *memory) Keep(_ context.Context, page []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		if err := m.fail(); err != nil {
			return err
		}
	}
	m.pages = append(m.pages, kept{bytes.Clone(page), time.Now()})
	return nil
}

func (m *memory) Page(_ context.Context, seq uint64) ([]byte, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if seq <= m.dropped || seq > uint64(len(m.pages)) || m.pages[seq-1].data == nil {
		return nil, time.Time{}, gateway.ErrNoPage
	}
	p := m.pages[seq-1]
	return p.data, p.at, nil
}

func (m *memory) Bounds(context.Context) (first, last uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dropped + 1, uint64(len(m.pages)), nil
}

func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.pages)
}

// message is a decision about a message with this id, allowed by nobody.
func message(id string, change ...func(*gateway.Decision)) gateway.Decision {
	conv := event.Conversation{Kind: event.KindGroup, ID: "g1"}
	d := gateway.Decision{
		Event: &event.Event{
			ID: id, App: "shop", Source: "im", Type: event.MessageSend, Phase: event.Before, Time: time.Now().UTC().Truncate(time.Millisecond),
			Dialect: "openim", Command: "callbackBeforeSendGroupMsgCommand", Lane: conv.Lane(), Links: []string{"msg:m-" + id, "seq:" + id},
			Actor: &event.Actor{ID: "alice"}, Conversation: &conv, Message: &event.Message{ID: "m-" + id, Kind: event.Text, Text: "hello " + id},
			Raw: event.Raw{Dialect: "openim", Body: []byte("{}")},
		},
		Begin: time.Now(), Took: 1500 * time.Microsecond, Verdict: event.Allowed(), Cause: gateway.CauseNone,
	}
	for _, f := range change {
		f(&d)
	}
	return d
}

// asked adds a hook that gave the decision its verdict.
func asked(hook string, v event.Verdict, cause gateway.Cause) func(*gateway.Decision) {
	return func(d *gateway.Decision) {
		d.Hooks = append(d.Hooks, gateway.Asked{Hook: hook, Verdict: v, Cause: cause, Took: time.Millisecond})
		d.Verdict, d.Cause = v, cause
	}
}

// pageOf is a page of decisions.
func pageOf(tb testing.TB, all ...gateway.Decision) []byte {
	tb.Helper()
	var p chronicle.Batch
	for _, d := range all {
		b, err := appendEntry(nil, d)
		if err != nil {
			tb.Fatal(err)
		}
		p.Add(d.Begin, b)
	}
	return p.Page()
}
