package app_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/internal/app"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/natstest"
)

// What is posted to a source arrives in a topic and in a stream, each conversation in
// its order, also what came while the stream was not there yet.
func TestApp_PublishesToKafkaAndNATS(t *testing.T) {
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "im"))
	if err != nil {
		t.Fatal(err)
	}
	defer kafka.Close()
	server := natstest.Server(t)
	dir := t.TempDir()
	text := fmt.Sprintf(`
listen: 127.0.0.1:0
data_dir: %s
apps:
  - name: shop
    sources: [{name: im, dialect: cloudevents}]
    endpoints:
      - {name: topic, kafka: {brokers: [%q], topic: im}}
      - {name: subject, nats: {url: %q, subject: "im.{type}"}, retry: {fast: [20ms], slow: {from: 20ms, to: 50ms}}}
`, filepath.Join(dir, "data"), kafka.ListenAddrs()[0], server.URL())
	r := builtin.New()
	c, err := config.Parse(filepath.Join(dir, "imhook.yaml"), []byte(text), config.Options{Registry: r})
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(app.Config{Config: c, Registry: r, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer stop(t, a)
	const events = 60
	want := map[string][]string{}
	for i := range events {
		id, group := fmt.Sprintf("e%02d", i), fmt.Sprintf("g%d", i%5)
		ev := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/t","type":"im.message.send","data":{"conversation":{"kind":"group","id":%q},"message":{"text":"x"}}}`, id, group)
		if status, answer := ask(t, "http://"+a.Addr()+"/in/im", ev); status != http.StatusOK {
			t.Fatalf("event was answered %d %s", status, answer)
		}
		want["group:"+group] = append(want["group:"+group], id)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	got := map[string][]string{}
	reader, err := kgo.NewClient(kgo.SeedBrokers(kafka.ListenAddrs()...), kgo.ConsumeTopics("im"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for n := 0; n < events; {
		fetched := reader.PollFetches(ctx)
		if err := fetched.Err(); err != nil {
			t.Fatalf("after %d records: %v", n, err)
		}
		fetched.EachRecord(func(r *kgo.Record) {
			n++
			got[string(r.Key)] = append(got[string(r.Key)], cloudEvent(t, r.Value).ID)
		})
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the topic (-want +got):\n%s", d)
	}

	nc, err := nats.Connect(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "im", Subjects: []string{"im.>"}})
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := s.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	got = map[string][]string{}
	for range events {
		m, err := consumer.Next(jetstream.FetchMaxWait(time.Minute))
		if err != nil {
			t.Fatalf("reading the stream: %v", err)
		}
		ev := cloudEvent(t, m.Data())
		if m.Subject() != "im.message.send" {
			t.Errorf("%s is on %s", ev.ID, m.Subject())
		}
		got[ev.Subject] = append(got[ev.Subject], ev.ID)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the stream (-want +got):\n%s", d)
	}
}

type idAndSubject struct {
	ID      string `json:"id"`
	Subject string `json:"subject"`
}

func cloudEvent(t *testing.T, body []byte) (ev idAndSubject) {
	t.Helper()
	if err := json.Unmarshal(body, &ev); err != nil {
		t.Errorf("%s: %v", body, err)
	}
	return ev
}
