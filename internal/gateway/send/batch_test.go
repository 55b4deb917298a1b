package send

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/egress"
	"github.com/imhook/imhook/internal/gateway"
)

// batching is the fake with batches: items in brackets. What goes to a robot has
// none, as single commands of some dialects.
type batching struct{ *fake }

var _ dialect.Batcher = batching{}

func (f batching) Batch(reqs []dialect.Request) (dialect.Request, error) {
	var items [][]byte
	for i := range reqs {
		if strings.HasPrefix(reqs[i].Path, "/robot") && len(reqs) > 1 {
			return dialect.Request{}, errors.New("robots take one at a time")
		}
		items = append(items, reqs[i].Body)
	}
	return dialect.Request{
		Path: reqs[0].Path, Query: reqs[0].Query, ContentType: "application/batch",
		Body: append(append([]byte{'['}, bytes.Join(items, []byte{','})...), ']'),
	}, nil
}

func batchConfig(url string) Config {
	cfg := config(url)
	ours := batching{newFake("ours")}
	cfg.Dialect, cfg.Registry = ours, dialect.NewRegistry(ours, newFake("theirs"))
	return cfg
}

// said is an event of a dialect with a text and an id of its own.
func said(dialectName, id, text string) *event.Event {
	ev := raw(dialectName, fmt.Sprintf(`{"text":%q}`, text))
	ev.ID = id
	return ev
}

func kinds(outs []gateway.Outcome) (all []string) {
	for _, o := range outs {
		all = append(all, fmt.Sprintf("%s/%d", o.Kind, o.Together))
	}
	return all
}

func bodies(b *backend) (all []string) {
	for _, r := range b.requests() {
		all = append(all, r.Body)
	}
	return all
}

func TestSendBatch_TakesWhatSharesARequest(t *testing.T) {
	t.Parallel()
	robot := func(id string) *event.Event {
		ev := said("ours", id, id)
		ev.Command, ev.Raw.Path = "robot", "/robot/r1"
		return ev
	}
	query := func(id, q string) *event.Event {
		ev := said("ours", id, id)
		ev.Raw.Query = q
		return ev
	}
	members := raw("theirs", `{"text":"m","to":["a","b"]}`)
	echo := said("theirs", "e", "e")
	echo.Echo = true
	item := func(text string) string { return fmt.Sprintf(`{"text":%q}`, text) }
	translated := func(text string) string { return fmt.Sprintf(`{"text":%q,"one":"","generation":""}`, text) }
	for _, c := range []struct {
		name  string
		limit int64
		evs   []*event.Event
		want  []string
		body  []string
	}{
		{"byte for byte", 0, []*event.Event{said("ours", "1", "é"), said("ours", "2", "b")}, []string{"delivered/2", "delivered/2"}, []string{"[" + item("é") + "," + item("b") + "]"}},
		{"translated among its own", 0, []*event.Event{query("1", ""), said("theirs", "2", "b")}, []string{"delivered/2", "delivered/2"}, []string{"[" + item("1") + "," + translated("b") + "]"}},
		{"one event has the form too", 0, []*event.Event{said("ours", "1", "a")}, []string{"delivered/1"}, []string{"[" + item("a") + "]"}},
		{"bytes with what stands between", 2*(12+1) + 2, []*event.Event{said("ours", "1", "a"), said("ours", "2", "b"), said("ours", "3", "c")}, []string{"delivered/2", "delivered/2"}, []string{"[" + item("a") + "," + item("b") + "]"}},
		{"larger than the bound alone", 3, []*event.Event{said("ours", "1", "a"), said("ours", "2", "b")}, []string{"delivered/1"}, []string{"[" + item("a") + "]"}},
		{"another path", 0, []*event.Event{said("ours", "1", "a"), robot("2")}, []string{"delivered/1"}, []string{"[" + item("a") + "]"}},
		{"another query", 0, []*event.Event{query("1", "a=1"), query("2", "a=2")}, []string{"delivered/1"}, []string{"[" + item("1") + "]"}},
		{"a command without batches", 0, []*event.Event{robot("1"), robot("2")}, []string{"delivered/1"}, []string{"[" + item("1") + "]"}},
		{"what cannot be said and echoes drop out", 0, []*event.Event{said("theirs", "1", "untranslatable"), said("theirs", "2", "b"), echo, said("theirs", "4", "d")}, []string{"untranslatable/0", "delivered/2", "echo/0", "delivered/2"}, []string{"[" + translated("b") + "," + translated("d") + "]"}},
		{"nothing to send", 0, []*event.Event{said("theirs", "1", "untranslatable"), echo}, []string{"untranslatable/0", "echo/0"}, nil},
		{"ends before what cannot be encoded", 0, []*event.Event{said("theirs", "1", "a"), said("theirs", "2", "broken"), said("theirs", "3", "c")}, []string{"delivered/1"}, []string{"[" + translated("a") + "]"}},
		{"begins with what cannot be encoded", 0, []*event.Event{said("theirs", "2", "broken"), said("theirs", "3", "c")}, []string{"refused/0"}, nil},
		{"ends before several requests", 0, []*event.Event{said("theirs", "1", "a"), members}, []string{"delivered/1"}, []string{"[" + translated("a") + "]"}},
		{"several requests go alone", 0, []*event.Event{members, said("theirs", "1", "a")}, []string{"delivered/0"}, []string{`{"text":"m","one":"a","generation":""}`, `{"text":"m","one":"b","generation":""}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(t, nil)
			cfg := batchConfig(b.URL)
			cfg.BatchBytes = c.limit
			outs := newSender(t, cfg).SendBatch(t.Context(), c.evs)
			if diff := cmp.Diff(c.want, kinds(outs)); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.body, bodies(b)); diff != "" {
				t.Errorf("bodies (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSendBatch_IsNamedAndSignedAsAWhole(t *testing.T) {
	t.Parallel()
	b := newBackend(t, nil)
	const secret = "whsec_dGVzdC1zZWNyZXQtZm9yLWJhdGNoZXMtMDE="
	ce := cloudevents.New()
	s := newSender(t, Config{
		App: "a", Name: "e", URL: b.URL, Dialect: ce, Registry: dialect.NewRegistry(ce, newFake("theirs")),
		Credentials: dialect.Credentials{Secrets: []dialect.DatedSecret{{Value: secret}}}, Egress: egress.Policy{AllowPrivate: true},
	})
	x, y, z := said("theirs", "x", "1"), said("theirs", "y", "2"), said("theirs", "z", "3")
	x.Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for _, evs := range [][]*event.Event{{x, y}, {x, y}, {y, x}, {x, y, z}, {x}} {
		for _, out := range s.SendBatch(t.Context(), evs) {
			if out.Kind != gateway.Delivered {
				t.Fatalf("outcome %+v", out)
			}
		}
	}
	wh, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i, r := range b.requests() {
		if err := wh.Verify([]byte(r.Body), r.Header); err != nil {
			t.Errorf("request %d: %v", i, err)
		}
		if got := r.Header.Get("Content-Type"); got != "application/cloudevents-batch+json" {
			t.Errorf("request %d is %s", i, got)
		}
		evs, err := ce.Decode(&dialect.Request{ContentType: r.Header.Get("Content-Type"), Body: []byte(r.Body)})
		if err != nil || evs[0].ID != map[bool]string{true: "y", false: "x"}[i == 2] {
			t.Errorf("request %d holds %v (%v), want events with their own ids", i, evs, err)
		}
		ids = append(ids, r.Header.Get("Webhook-Id"))
		single := i == 4
		if got := r.Header.Get("Imhook-Event-Id") != "" && r.Header.Get("Traceparent") != ""; got != single {
			t.Errorf("request %d names one event: %t, want %t", i, got, single)
		}
	}
	if ids[0] != ids[1] || ids[0] == ids[2] || ids[0] == ids[3] || ids[4] != "x" {
		t.Errorf("webhook-ids %q: want the same for the same events in the same order only, and the event's own for one", ids)
	}
}

func TestSendBatch_OneAnswerIsForAll(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		hand func(int, http.ResponseWriter, *http.Request)
		want []string
	}{
		{"refused", status(422), []string{"refused/2", "refused/2"}},
		{"too large", status(413), []string{"refused/2", "refused/2"}},
		{"retry", status(503), []string{"retry/2", "retry/2"}},
		{"refused in the body", answers("no"), []string{"refused/2", "refused/2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(t, c.hand)
			cfg := batchConfig(b.URL)
			cfg.OnRefusal = RefusalPark
			outs := newSender(t, cfg).SendBatch(t.Context(), []*event.Event{said("ours", "1", testSecret), said("ours", "2", strings.Repeat("é", 400_000))})
			if diff := cmp.Diff(c.want, kinds(outs)); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			x := outs[0].Exchange
			if x == nil || len(x.Request) > shownBytes || strings.Contains(x.Request, testSecret) {
				t.Errorf("exchange %.200v, want a short one without secrets", x)
			}
		})
	}
}

func TestSendBatch_DialectWithoutBatchesSendsOne(t *testing.T) {
	t.Parallel()
	b := newBackend(t, nil)
	outs := newSender(t, config(b.URL)).SendBatch(t.Context(), []*event.Event{said("ours", "1", "a"), said("ours", "2", "b")})
	if diff := cmp.Diff([]string{"delivered/0"}, kinds(outs)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{`{"text":"a"}`}, bodies(b)); diff != "" {
		t.Errorf("bodies (-want +got):\n%s", diff)
	}
}
