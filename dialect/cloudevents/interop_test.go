package cloudevents_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	sdk "github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/event"
)

// Our form against a library that we did not write.

func TestEncode_IndependentLibraryReadsEverySample(t *testing.T) {
	t.Parallel()
	d := cloudevents.New()
	var all []dialect.Request
	for _, c := range d.Spec().Commands {
		req, err := d.Sample(c.Name, rand.New(rand.NewPCG(3, 4)), arrival)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, req)
		evs, err := d.Decode(&req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := binding.ToEvent(t.Context(), message(req))
		if err != nil {
			t.Errorf("%s: %v\n%s", c.Name, err, req.Body)
			continue
		}
		compare(t, c.Name, evs[0], got)
	}

	batch, err := d.Batch(all)
	if err != nil {
		t.Fatal(err)
	}
	got, err := binding.ToEvents(t.Context(), message(batch), io.NopCloser(bytes.NewReader(batch.Body)))
	if err != nil {
		t.Fatal(err)
	}
	want, err := d.Decode(&batch)
	if err != nil {
		t.Fatal(err)
	}
	// A batch has no answer for proposals: they are kept as unknown.
	if len(got) != len(all) || len(want) != len(all) {
		t.Fatalf("the batch of %d is read as %d events by the library and %d by us", len(all), len(got), len(want))
	}
	for i := range got {
		if want[i].Type != event.VendorUnknown {
			compare(t, "batch", want[i], &got[i])
		}
	}
}

func message(req dialect.Request) *cehttp.Message {
	return cehttp.NewMessage(http.Header{"Content-Type": {req.ContentType}}, io.NopCloser(bytes.NewReader(req.Body)))
}

func compare(t *testing.T, name string, want *event.Event, got *sdk.Event) {
	t.Helper()
	if err := got.Validate(); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	type attributes struct {
		ID, Type, Subject string
		Time              time.Time
		Phase             any
		Content           string
	}
	if diff := cmp.Diff(
		attributes{want.ID, "im." + string(want.Type), string(want.Lane), want.Time, string(want.Phase), "application/json"},
		attributes{got.ID(), got.Type(), got.Subject(), got.Time(), got.Extensions()["imphase"], got.DataContentType()},
	); diff != "" {
		t.Errorf("%s (-ours +library):\n%s", name, diff)
	}
	var data map[string]any
	if err := got.DataAs(&data); err != nil {
		t.Errorf("%s: data: %v", name, err)
	}
}

func TestDecode_ReadsWhatIndependentLibraryWrites(t *testing.T) {
	t.Parallel()
	ce := sdk.New()
	ce.SetID("n-1")
	ce.SetSource("urn:example:im")
	ce.SetType("im.group.member.join")
	ce.SetTime(time.Date(2026, 11, 20, 9, 30, 0, 250e6, time.FixedZone("", 3600)))
	ce.SetSubject("group:Zürich 1%")
	ce.SetExtension("imphase", "after")
	ce.SetExtension("imlink", "a link")
	data := map[string]any{
		"actor": map[string]any{"id": "ann"}, "conversation": map[string]any{"kind": "group", "id": "Zürich 1%"},
		"members": []any{map[string]any{"id": "bob"}},
	}
	if err := ce.SetData("application/json", data); err != nil {
		t.Fatal(err)
	}
	where := &event.Conversation{Kind: event.KindGroup, ID: "Zürich 1%"}
	want := &event.Event{
		ID: "n-1", Type: event.GroupMemberJoin, Phase: event.After, Time: time.Date(2026, 11, 20, 8, 30, 0, 250e6, time.UTC),
		Dialect: "cloudevents", Command: "group.member.join", Lane: where.Lane(), Links: []string{"a link"},
		Dedupe: "urn:example:im\nn-1",
		Actor:  &event.Actor{ID: "ann"}, Conversation: where, Group: &event.Group{ID: where.ID}, Members: []event.Member{{ID: "bob"}},
	}

	for name, ctx := range map[string]context.Context{
		"structured": binding.WithForceStructured(t.Context()),
		"binary":     binding.WithForceBinary(t.Context()),
	} {
		t.Run(name, func(t *testing.T) {
			out, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://im.example", nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := cehttp.WriteRequest(ctx, binding.ToMessage(&ce), out); err != nil {
				t.Fatal(err)
			}
			header := out.Header
			text, err := io.ReadAll(out.Body)
			if err != nil {
				t.Fatal(err)
			}
			contentType := header.Get("Content-Type")
			header.Del("Content-Type")
			evs, err := cloudevents.New().Decode(&dialect.Request{ContentType: contentType, Header: header, Body: text})
			if err != nil || len(evs) != 1 {
				t.Fatalf("got %d events, %v, from %s %s", len(evs), err, header, text)
			}
			got := *evs[0]
			if got.Raw.ContentType != "application/cloudevents+json" {
				t.Errorf("Raw is %s", got.Raw.ContentType)
			}
			got.Raw = event.Raw{}
			if diff := cmp.Diff(want, &got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
