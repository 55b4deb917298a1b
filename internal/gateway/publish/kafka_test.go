package publish_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/imhook/imhook/internal/egress"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/gateway/publish"
)

func cluster(tb testing.TB, opts ...kfake.Opt) *kfake.Cluster {
	tb.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(3, "im")}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

func newKafka(tb testing.TB, brokers []string, change func(*publish.KafkaConfig)) *publish.Kafka {
	tb.Helper()
	cfg := publish.KafkaConfig{
		Voice: voice(tb), Brokers: brokers, Topic: "im", Egress: egress.Policy{AllowPrivate: true}, Timeout: 20 * time.Second, Log: discard(),
	}
	if change != nil {
		change(&cfg)
	}
	k, err := publish.NewKafka(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(k.Close)
	return k
}

// said is what a test reads of a CloudEvent.
type said struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Subject string `json:"subject"`
	Data    struct {
		Message struct {
			Text string `json:"text"`
		} `json:"message"`
	} `json:"data"`
}

func TestKafka_ConversationsStayInOrderAndInOnePartition(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	k := newKafka(t, c.ListenAddrs(), nil)
	want := map[string][]string{}
	for i := range 30 {
		group := fmt.Sprintf("g%d", i%3)
		id := fmt.Sprintf("e%d", i)
		out := k.Send(t.Context(), message(id, group, "早"), 0)
		wantOutcome(t, out, gateway.Delivered, gateway.ReasonNone)
		want["group:"+group] = append(want["group:"+group], id)
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics("im"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	got, partitions := map[string][]string{}, map[string]map[int32]bool{}
	for n := 0; n < 30; {
		fetched := reader.PollFetches(ctx)
		if err := fetched.Err(); err != nil {
			t.Fatal(err)
		}
		fetched.EachRecord(func(r *kgo.Record) {
			n++
			var ev said
			if err := json.Unmarshal(r.Value, &ev); err != nil {
				t.Errorf("%s: %v", r.Value, err)
			}
			key := string(r.Key)
			got[key] = append(got[key], ev.ID)
			if partitions[key] == nil {
				partitions[key] = map[int32]bool{}
			}
			partitions[key][r.Partition] = true
			if ev.Type != "im.message.send" || ev.Data.Message.Text != "早" || ev.Subject != key || !r.Timestamp.Equal(at) {
				t.Errorf("record of %s at %s says %+v", key, r.Timestamp, ev)
			}
			if len(r.Headers) != 1 || r.Headers[0].Key != "content-type" || string(r.Headers[0].Value) != "application/cloudevents+json" {
				t.Errorf("headers are %v", r.Headers)
			}
		})
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("order (-want +got):\n%s", d)
	}
	for key, in := range partitions {
		if len(in) != 1 {
			t.Errorf("%s lies in %d partitions", key, len(in))
		}
	}
}

// refuse makes the cluster answer everything that is produced with e.
func refuse(c *kfake.Cluster, e *kerr.Error) {
	c.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		res := req.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range req.(*kmsg.ProduceRequest).Topics {
			t := kmsg.NewProduceResponseTopic()
			t.Topic, t.TopicID = topic.Topic, topic.TopicID
			for _, part := range topic.Partitions {
				p := kmsg.NewProduceResponseTopicPartition()
				p.Partition, p.ErrorCode = part.Partition, e.Code
				t.Partitions = append(t.Partitions, p)
			}
			res.Topics = append(res.Topics, t)
		}
		return res, nil, true
	})
}

// refuseLogin answers as Kafka does; the fake by itself closes the connection.
func refuseLogin(c *kfake.Cluster) {
	c.ControlKey(int16(kmsg.SASLAuthenticate), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		res := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		res.ErrorCode = kerr.SaslAuthenticationFailed.Code
		return res, nil, true
	})
}

func TestKafka_FailuresHaveTheirReasons(t *testing.T) {
	t.Parallel()
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	quick := func(c *publish.KafkaConfig) { c.Timeout = 2 * time.Second }
	tests := []struct {
		name    string
		cluster func(*kfake.Cluster)
		opts    []kfake.Opt
		brokers []string
		change  func(*publish.KafkaConfig)
		kind    gateway.OutcomeKind
		reason  gateway.Reason
	}{
		{name: "no such topic", change: func(c *publish.KafkaConfig) { c.Topic = "other" }, kind: gateway.Misconfigured, reason: gateway.ReasonAbsent},
		{name: "nobody there", brokers: []string{"127.0.0.1:1"}, change: quick, kind: gateway.Retry, reason: gateway.ReasonConnect},
		{name: "silent", brokers: []string{silent.Addr().String()}, change: quick, kind: gateway.Retry, reason: gateway.ReasonTimeout},
		{name: "no such host", brokers: []string{"kafka.invalid:9092"}, change: quick, kind: gateway.Retry, reason: gateway.ReasonDNS},
		{name: "metadata service", brokers: []string{"169.254.169.254:9092"}, change: quick, kind: gateway.Misconfigured, reason: gateway.ReasonEgress},
		{
			name: "wrong password", opts: []kfake.Opt{kfake.EnableSASL()}, cluster: refuseLogin,
			change: func(c *publish.KafkaConfig) {
				c.User, c.Password, c.Mechanism, c.Timeout = "u", "wrong", publish.MechanismSCRAM2, 5*time.Second
			}, kind: gateway.Misconfigured, reason: gateway.ReasonDenied,
		},
		{name: "too long", cluster: func(c *kfake.Cluster) { refuse(c, kerr.MessageTooLarge) }, kind: gateway.Refused, reason: gateway.ReasonTooLong},
		{name: "not permitted", cluster: func(c *kfake.Cluster) { refuse(c, kerr.TopicAuthorizationFailed) }, kind: gateway.Misconfigured, reason: gateway.ReasonDenied},
		{name: "too few replicas", cluster: func(c *kfake.Cluster) { refuse(c, kerr.NotEnoughReplicas) }, change: quick, kind: gateway.Retry, reason: gateway.ReasonTimeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			brokers := tt.brokers
			if brokers == nil {
				c := cluster(t, tt.opts...)
				if tt.cluster != nil {
					tt.cluster(c)
				}
				brokers = c.ListenAddrs()
			}
			k := newKafka(t, brokers, tt.change)
			begin := time.Now()
			out := k.Send(t.Context(), message("e1", "g", "x"), 0)
			wantOutcome(t, out, tt.kind, tt.reason)
			t.Logf("after %v: %s", time.Since(begin), out.Detail)
			if out.Took <= 0 || time.Since(begin) > time.Minute {
				t.Errorf("took %v, says %v", time.Since(begin), out.Took)
			}
		})
	}
}

func TestKafka_SignsIn(t *testing.T) {
	t.Parallel()
	for mechanism, method := range map[publish.Mechanism]string{publish.MechanismPlain: "PLAIN", publish.MechanismSCRAM2: "SCRAM-SHA-256", publish.MechanismSCRAM5: "SCRAM-SHA-512"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, kfake.EnableSASL(), kfake.Superuser(method, "u", "right"))
			k := newKafka(t, c.ListenAddrs(), func(c *publish.KafkaConfig) { c.User, c.Password, c.Mechanism = "u", "right", mechanism })
			wantOutcome(t, k.Send(t.Context(), message("e1", "g", "x"), 0), gateway.Delivered, gateway.ReasonNone)
		})
	}
}

func TestKafka_CancelledSaysNothingAboutTheBroker(t *testing.T) {
	t.Parallel()
	k := newKafka(t, []string{"127.0.0.1:1"}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantOutcome(t, k.Send(ctx, message("e1", "g", "x"), 0), gateway.Retry, gateway.ReasonCancelled)
}

func TestNewKafka_RefusesAnUnknownMechanism(t *testing.T) {
	t.Parallel()
	if _, err := publish.NewKafka(publish.KafkaConfig{Voice: voice(t), Brokers: []string{"k:1"}, Topic: "im", User: "u", Mechanism: "kerberos", Timeout: time.Second, Log: discard()}); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("NewKafka = %v, want that the mechanism is unknown", err)
	}
}
