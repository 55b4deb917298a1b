package journal

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/imhook/imhook/internal/natstest"
)

// A value in parts whose message at the key was not stored used to be followed by
// one in the slot of the value that still counted: a crash in between left a
// position made of two.
func TestSave_LargeValueThatFailedLeavesTheOldOneWhole(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t, natstest.MaxPayload(1<<20))
	j := openAt(t, n.URL(), shortLease)
	want := bytes.Repeat([]byte("old"), 1<<20)
	if err := j.Save(t.Context(), "k", want); err != nil {
		t.Fatal(err)
	}
	for _, next := range []string{"new", "two"} {
		j.saving.Lock()
		msgs, _ := j.split("k", bytes.Repeat([]byte(next), 1<<20))
		j.saving.Unlock()
		if len(msgs) < 3 {
			t.Fatalf("%d messages, want parts", len(msgs))
		}
		for _, m := range msgs[:2] { // and then it fails
			if _, err := j.putPlace(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	j = openAt(t, n.URL())
	got, err := j.Load(t.Context())
	if err != nil || !bytes.Equal(got["k"], want) {
		t.Errorf("Load: %v; the value has %d bytes and is another one", err, len(got["k"]))
	}
}

// Who saves a value in parts and gives up in the middle does not know which parts
// count.
func TestSave_LargeValueIsSavedToItsEnd(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t, natstest.MaxPayload(1<<20))
	j := openAt(t, n.URL())
	want := bytes.Repeat([]byte("v"), 20<<20)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	e := j.engine.Load()
	first := make(chan struct{})
	cons, err := e.places.OrderedConsumer(t.Context(), jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	reading, err := cons.Consume(func(jetstream.Msg) {
		select {
		case <-first:
		default:
			close(first)
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer reading.Stop()
	if err := j.Save(ctx, "k", want); err != nil {
		t.Errorf("Save whose context ended after the first part = %v", err)
	}
	if err := j.Save(ctx, "k", want); err == nil {
		t.Error("Save whose context had ended began")
	}
	select {
	case <-first:
	case <-time.After(20 * time.Second):
		t.Fatal("no part was seen: the context never ended")
	}
}

// Positions that an external engine lost are put back from memory. A large one did
// not fit into a message, and the gateway stayed out of service for good.
func TestReopen_LargePositionsThatWereLostComeBack(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t, natstest.MaxPayload(1<<20))
	j := openAt(t, n.URL())
	want := map[string][]byte{"large": bytes.Repeat([]byte("l"), 3<<20), "small": []byte("s")}
	for k, v := range want {
		if err := j.Save(t.Context(), k, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.engine.Load().places.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	j.broke()
	waitFor(t, "the journal to be back", func() bool { return j.Healthy() == nil })
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	j = openAt(t, n.URL())
	got, err := j.Load(t.Context())
	if err != nil || len(got) != len(want) || !bytes.Equal(got["large"], want["large"]) || !bytes.Equal(got["small"], want["small"]) {
		t.Errorf("Load: %d keys, large has %d bytes, %v", len(got), len(got["large"]), err)
	}
}
