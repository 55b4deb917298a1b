package journal

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/gateway/journaltest"
	"github.com/imhook/imhook/internal/natstest"
)

// nameFor makes a journal's name of a directory: journals of different
// directories share a server.
func nameFor(place string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(place))
	return fmt.Sprintf("t%x", h.Sum64())
}

func TestJournal_ExerciseExternal(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	journaltest.Exercise(t, func(t *testing.T, place string) journaltest.Journal {
		t.Helper()
		j, err := Open(t.Context(), Config{URL: n.URL(), Name: nameFor(place)})
		if err != nil {
			t.Fatal(err)
		}
		return j
	})
}

func TestJournal_ExerciseCluster(t *testing.T) {
	t.Parallel()
	ns := natstest.Cluster(t, 3)
	journaltest.Exercise(t, func(t *testing.T, place string) journaltest.Journal {
		t.Helper()
		j, err := Open(t.Context(), Config{URL: ns.URL(), Name: nameFor(place), Replicas: 3})
		if err != nil {
			t.Fatal(err)
		}
		return j
	})
}

// openAt opens a journal on an external engine and closes it with the test.
func openAt(t *testing.T, url string, change ...func(*Config)) *Journal {
	t.Helper()
	j, err := tryAt(t, url, append([]func(*Config){func(c *Config) { c.StartWithin = 0 }}, change...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return j
}

func tryAt(t *testing.T, url string, change ...func(*Config)) (*Journal, error) {
	t.Helper()
	cfg := Config{URL: url, StartWithin: time.Millisecond}
	for _, f := range change {
		f(&cfg)
	}
	return Open(t.Context(), cfg)
}

// load appends from several callers, as an IM server would: what is refused for
// now is sent again. It counts what was answered, in the order of each caller.
type load struct {
	j        *Journal
	stop     chan struct{}
	wg       sync.WaitGroup
	answered atomic.Int64
	mu       sync.Mutex
	ids      [][]string // answered, by caller
	slowest  atomic.Int64
}

func startLoad(t *testing.T, j *Journal, callers int) *load {
	t.Helper()
	return startLoadFrom(t, j, callers, 0)
}

// startLoadFrom numbers the callers from first on.
func startLoadFrom(t *testing.T, j *Journal, callers, first int) *load {
	t.Helper()
	l := &load{j: j, stop: make(chan struct{}), ids: make([][]string, callers)}
	for caller := range callers {
		l.wg.Go(func() {
			tick := time.NewTicker(2 * time.Millisecond)
			defer tick.Stop()
			for n := 0; ; n++ {
				ev := sample(n)
				ev.ID = fmt.Sprintf("%d/%06d", first+caller, n)
				ev.Dedupe, ev.Lane = ev.ID, event.NewLane(event.KindGroup, fmt.Sprint(first+caller))
				for {
					begin := time.Now()
					_, err := j.Append(context.Background(), gateway.Arrival{Events: []*event.Event{ev}})
					for took := int64(time.Since(begin)); ; {
						old := l.slowest.Load()
						if took <= old || l.slowest.CompareAndSwap(old, took) {
							break
						}
					}
					if err == nil {
						break
					}
					if !errors.Is(err, gateway.ErrUnavailable) {
						t.Errorf("Append = %v, want ErrUnavailable", err)
						return
					}
					select {
					case <-l.stop:
						return
					case <-tick.C:
					}
				}
				l.mu.Lock()
				l.ids[caller] = append(l.ids[caller], ev.ID)
				l.mu.Unlock()
				l.answered.Add(1)
				select {
				case <-l.stop:
					return
				default:
				}
			}
		})
	}
	t.Cleanup(func() { l.end() })
	return l
}

func (l *load) end() {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.wg.Wait()
}

// more waits until n more events were answered.
func (l *load) more(t *testing.T, n int64) {
	t.Helper()
	until := l.answered.Load() + n
	waitFor(t, fmt.Sprint(n, " more answers"), func() bool { return l.answered.Load() >= until })
}

// check ends the load and compares what was answered with what is stored and with
// what a reader followed: nothing lost, nothing twice, the order of each caller.
func (l *load) check(t *testing.T, tailed *tailed) {
	t.Helper()
	l.end()
	stored := map[string]int{}
	for _, ev := range all(t, l.j) {
		stored[ev.ID]++
	}
	waitFor(t, "the reader", func() bool { return tailed.len() >= len(stored) })
	tailed.check(t)
	total := 0
	for _, ids := range l.ids {
		for _, id := range ids {
			total++
			if n := stored[id]; n != 1 {
				t.Errorf("%s was answered and is stored %d times", id, n)
			}
		}
	}
	t.Logf("%d events answered, the slowest answer took %s", total, time.Duration(l.slowest.Load()))
}

// tailed is what a reader saw.
type tailed struct {
	mu  sync.Mutex
	ids []string
}

func follow(t *testing.T, j *Journal) *tailed {
	t.Helper()
	f := &tailed{}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		next := uint64(1)
		for ctx.Err() == nil {
			// As deliver does: a reader that was stopped by an error goes on.
			_ = j.Tail(ctx, next, func(p *gateway.Page) {
				f.mu.Lock()
				defer f.mu.Unlock()
				for _, ev := range p.Events {
					f.ids = append(f.ids, ev.ID)
				}
				next = p.Seq + 1
			})
			<-tick.C
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return f
}

func (f *tailed) len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.ids)
}

func (f *tailed) check(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	last := map[string]string{}
	for _, id := range f.ids {
		caller, _, _ := strings.Cut(id, "/")
		if id <= last[caller] {
			t.Errorf("the reader saw %s after %s", id, last[caller])
		}
		last[caller] = id
	}
}

func TestExternal_ServerRestartedUnderLoad(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	j := openAt(t, n.URL())
	f, l := follow(t, j), startLoad(t, j, 8)
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	for range rounds {
		l.more(t, 200)
		n.Stop()
		waitFor(t, "the outage to show", func() bool { return j.Healthy() != nil })
		if _, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(0)}}); !errors.Is(err, gateway.ErrUnavailable) {
			t.Errorf("Append without a server = %v, want ErrUnavailable", err)
		}
		if err := j.Save(t.Context(), "k", nil); !errors.Is(err, gateway.ErrUnavailable) {
			t.Errorf("Save without a server = %v, want ErrUnavailable", err)
		}
		n.Start()
		waitFor(t, "the journal to be back", func() bool { return j.Healthy() == nil })
	}
	l.more(t, 200)
	l.check(t, f)
	if slowest := time.Duration(l.slowest.Load()); slowest > 2*externalTimeout {
		t.Errorf("a caller waited %s for its answer", slowest)
	}
}

func TestExternal_LeaderStoppedUnderLoad(t *testing.T) {
	t.Parallel()
	ns := natstest.Cluster(t, 3)
	j := openAt(t, ns.URL(), func(c *Config) { c.Replicas = 3 })
	f, l := follow(t, j), startLoad(t, j, 8)
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	for range rounds {
		l.more(t, 200)
		leader := ns.Leader(j.at.pageStream)
		leader.Stop()
		l.more(t, 200)
		leader.Start()
		ns.WaitReady()
	}
	l.check(t, f)
}

func TestExternal_LeaderKilledUnderLoad(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs three processes and an election of up to 9 s; runs without -short, as CI does")
	}
	ns := natstest.Processes(t, 3)
	j := openAt(t, ns.URL(), func(c *Config) { c.Replicas = 3 })
	f, l := follow(t, j), startLoad(t, j, 8)
	l.more(t, 200)
	leader := ns.Leader(j.at.pageStream)
	begin := time.Now()
	leader.Kill()
	l.more(t, 200)
	t.Logf("events were answered again after %s", time.Since(begin))
	leader.StartProcess()
	l.more(t, 200)
	l.check(t, f)
}

// A short lease makes waiting for one short.
func shortLease(c *Config) { c.leaseTTL = 500 * time.Millisecond }

func TestLease_SecondGatewayIsRefused(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	j := openAt(t, n.URL(), shortLease)
	other, err := tryAt(t, n.URL(), shortLease)
	if err == nil {
		_ = other.Close(context.Background())
	}
	if !errors.Is(err, ErrTaken) || !strings.Contains(err.Error(), j.lease.me.Host) {
		t.Errorf("a second gateway got %v, want ErrTaken with the host of the first", err)
	}
	other = openAt(t, n.URL(), shortLease, func(c *Config) { c.Name = "staging" })
	if _, err := other.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(0)}}); err != nil {
		t.Errorf("another name on the same server: %v", err)
	}
	if got := all(t, j); len(got) != 0 {
		t.Errorf("the journal has %d events of another one", len(got))
	}
}

func TestLease_ReleasedWithTheJournal(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	j := openAt(t, n.URL())
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	openAt(t, n.URL())
	if took := time.Since(begin); took > leaseTTL/2 {
		t.Errorf("the next gateway waited %s for a lease that was released", took)
	}
}

// abandon makes a journal look as if its machine was cut off: it holds the lease
// and does not renew it.
func abandon(t *testing.T, j *Journal) {
	t.Helper()
	j.lease.stop()
	j.lease.wg.Wait()
}

func TestLease_TakenOverWhenItLapsed(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	j := openAt(t, n.URL(), shortLease)
	if _, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(0)}}); err != nil {
		t.Fatal(err)
	}
	if err := j.Save(t.Context(), "k", []byte("old")); err != nil {
		t.Fatal(err)
	}
	abandon(t, j)
	// In flight when the lease lapsed: the old one does not look at it any more.
	last, _ := j.done.get()
	old := j.engine.Load()
	next := openAt(t, n.URL(), shortLease)
	if err := next.Save(t.Context(), "k", []byte("new")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	ev := sample(1)
	if _, err := j.store(ctx, old, sealPage(pageOf(record{ev: ev}), 1, 1), last); !errors.Is(err, errOvertaken) {
		t.Errorf("a page of the gateway that lost the journal = %v, want errOvertaken", err)
	}
	if _, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{ev}}); !errors.Is(err, gateway.ErrUnavailable) {
		t.Errorf("Append = %v, want ErrUnavailable", err)
	}
	if err := j.Save(t.Context(), "k", []byte("late")); !errors.Is(err, gateway.ErrUnavailable) {
		t.Errorf("Save = %v, want ErrUnavailable", err)
	}
	if err := j.Held(); !errors.Is(err, gateway.ErrUnavailable) || j.Healthy() == nil {
		t.Errorf("Held = %v and Healthy = %v, want errors", err, j.Healthy())
	}
	resume(j) // the network is back
	select {
	case <-j.Lost():
	case <-time.After(10 * time.Second):
		t.Fatal("the gateway does not notice that another one has its journal")
	}
	if err := j.Taken(); !errors.Is(err, ErrTaken) {
		t.Errorf("Taken = %v, want ErrTaken", err)
	}
	if _, err := next.Append(t.Context(), gateway.Arrival{Events: []*event.Event{ev}}); err != nil {
		t.Errorf("Append of the new gateway = %v", err)
	}
	if got, err := next.Load(t.Context()); err != nil || string(got["k"]) != "new" {
		t.Errorf("the position is %q, %v", got["k"], err)
	}
	if got := all(t, next); len(got) != 2 {
		t.Errorf("%d events are stored, want 2", len(got))
	}
}

func TestLease_LapsedAndNobodyTookIt(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	j := openAt(t, n.URL(), shortLease)
	f, l := follow(t, j), startLoad(t, j, 4)
	l.more(t, 50)
	abandon(t, j)
	waitFor(t, "the lease to lapse", func() bool { return j.Held() != nil })
	resume(j)
	waitFor(t, "the journal to be back", func() bool { return j.Healthy() == nil })
	l.more(t, 50)
	l.check(t, f)
}

// A page whose answer was lost is stored once, whichever try it was.
func TestStore_AnswerThatWasLost(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	j := openAt(t, n.URL())
	e := j.engine.Load()
	page := sealPage(pageOf(record{ev: sample(0)}), 1, 0)
	seq, err := j.store(t.Context(), e, page, 0)
	if err != nil || seq != 1 {
		t.Fatalf("store = %d, %v", seq, err)
	}
	m, err := e.pages.GetMsg(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	id := m.Header.Get(jetstream.MsgIDHeader)
	if seq, err := e.whose(t.Context(), 1, id); seq != 1 || err != nil {
		t.Errorf("whose of our own page = %d, %v", seq, err)
	}
	if _, err := e.whose(t.Context(), 1, "another"); !errors.Is(err, errOvertaken) {
		t.Errorf("whose of another's page = %v, want errOvertaken", err)
	}
	if _, err := j.store(t.Context(), e, page, 0); !errors.Is(err, errOvertaken) {
		t.Errorf("storing in a place that is taken = %v, want errOvertaken", err)
	}
}

func TestExternal_PayloadBoundsPages(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t, natstest.MaxPayload(1<<20))
	j := openAt(t, n.URL())
	event1 := func(size int) gateway.Arrival {
		ev := sample(0)
		ev.Dedupe, ev.Raw.Body = "", make([]byte, size)
		return gateway.Arrival{Events: []*event.Event{ev}}
	}
	if _, err := j.Append(t.Context(), event1(1<<20)); !errors.Is(err, gateway.ErrTooLarge) || !strings.Contains(err.Error(), "max_payload") {
		t.Errorf("Append of 1 MiB = %v, want ErrTooLarge that names max_payload", err)
	}
	// The largest that fits, many at once, and one that goes to the dead letters.
	largest := 1<<20 - recordSlack - 4096
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			if _, err := j.Append(t.Context(), event1(largest/(1+i%3))); err != nil {
				t.Errorf("Append = %v", err)
			}
		})
	}
	wg.Wait()
	if got := all(t, j); len(got) != 16 {
		t.Errorf("%d events are stored, want 16", len(got))
	}
	letter := gateway.DeadLetter{Endpoint: "shop/a", Event: event1(largest).Events[0], Reason: gateway.ReasonStatus4xx, At: time.Now()}
	if err := j.Park(t.Context(), letter); err != nil {
		t.Errorf("Park = %v", err)
	}
	// Positions of many open events are larger than a message.
	for _, size := range []int{3 << 20, 5 << 20, 10, 2 << 20} {
		want := strings.Repeat(fmt.Sprint(size, "."), size/len(fmt.Sprint(size, ".")))
		if err := j.Save(t.Context(), "many", []byte(want)); err != nil {
			t.Fatalf("Save of %d bytes = %v", size, err)
		}
		if err := j.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		j = openAt(t, n.URL())
		if got, err := j.Load(t.Context()); err != nil || len(got) != 1 || string(got["many"]) != want {
			t.Errorf("Load after saving %d bytes: %d keys, %d bytes, %v", size, len(got), len(got["many"]), err)
		}
	}
	small := natstest.Server(t, natstest.MaxPayload(64<<10))
	if _, err := tryAt(t, small.URL()); err == nil || !strings.Contains(err.Error(), "max_payload") {
		t.Errorf("a server that takes 64 KiB = %v, want an error that names max_payload", err)
	}
}

// What cannot work is refused at once and in words; the secret never shows.
func TestOpen_ExternalIsRefusedInWords(t *testing.T) {
	t.Parallel()
	const secret = "hunter-2-hunter"
	certs := natstest.NewCertificates(t)
	tls := func(ca string, client bool) func(*Config) {
		return func(c *Config) {
			c.TLS = &TLS{CAFile: ca}
			if client {
				c.TLS.CertFile, c.TLS.KeyFile = certs.ClientCert, certs.ClientKey
			}
		}
	}
	plain := natstest.Server(t)
	for _, c := range []struct {
		name   string
		server *natstest.Node
		change func(*Config)
		want   string // empty when it must work
	}{
		{"password", natstest.Server(t, natstest.Password("im", secret)), func(c *Config) { c.User, c.Password = "im", secret }, ""},
		{"wrong password", natstest.Server(t, natstest.Password("im", "another")), func(c *Config) { c.User, c.Password = "im", secret }, "refuses the credentials"},
		{"no password", natstest.Server(t, natstest.Password("im", "another")), nil, "refuses the credentials"},
		{"token", natstest.Server(t, natstest.Token(secret)), func(c *Config) { c.Token = secret }, ""},
		{"wrong token", natstest.Server(t, natstest.Token("another")), func(c *Config) { c.Token = secret }, "refuses the credentials"},
		{"no such credentials", plain, func(c *Config) { c.CredentialsFile = "none.creds" }, "none.creds"},
		{"tls", natstest.Server(t, natstest.TLS(certs)), tls(certs.CAFile, true), ""},
		{"tls, another authority", natstest.Server(t, natstest.TLS(certs)), tls(certs.OtherCAFile, true), "tls.ca_file"},
		{"tls, no client certificate", natstest.Server(t, natstest.TLS(certs)), tls(certs.CAFile, false), "tls.cert_file"},
		{"tls, none asked for", plain, tls(certs.CAFile, false), "does not speak TLS"},
		{"no JetStream", natstest.Server(t, func(o *natstest.Options) { o.JetStream = false }), nil, "JetStream is not enabled"},
		{"replicas without a cluster", plain, func(c *Config) { c.Name, c.Replicas = "r3", 3 }, "set it to 1"},
		{
			"no permission", natstest.Server(t, natstest.Allow("im", secret, []string{"imhook.>"}, []string{"_INBOX.>"})),
			func(c *Config) { c.User, c.Password = "im", secret }, "allow the user to publish to $JS.API.>",
		},
		{
			"just enough permission", natstest.Server(t, natstest.Allow("im", secret, []string{"imhook.>", "$JS.API.>"}, []string{"_INBOX.>"})),
			func(c *Config) { c.User, c.Password = "im", secret }, "",
		},
		{"wrong token in the URL", natstest.Server(t, natstest.Token("another")), func(c *Config) { c.URL = strings.Replace(c.URL, "//", "//"+secret+"@", 1) }, "refuses the credentials"},
		{"wrong password in the URL", natstest.Server(t, natstest.Password("im", "another")), func(c *Config) { c.URL = strings.Replace(c.URL, "//", "//im:"+secret+"@", 1) }, "refuses the credentials"},
		{"nobody there", nil, nil, "127.0.0.1:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			url := "nats://127.0.0.1:1"
			if c.server != nil {
				url = c.server.URL()
			}
			j, err := tryAt(t, url, func(cfg *Config) {
				if c.change != nil {
					c.change(cfg)
				}
			})
			if err == nil {
				_, err = j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(0)}})
				if err == nil {
					err = j.Save(t.Context(), "k", []byte("v"))
				}
				if err == nil {
					_ = all(t, j)
				}
				if closed := j.Close(context.Background()); closed != nil {
					t.Error(closed)
				}
			}
			switch {
			case c.want == "" && err != nil:
				t.Errorf("Open = %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("Open = %v, want %q", err, c.want)
			case err != nil && strings.Contains(err.Error(), secret):
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

func TestOpen_ExternalStreamThatWasChanged(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	j := openAt(t, n.URL())
	for i := range 3 {
		if _, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	probe := openAt(t, n.URL(), func(c *Config) { c.Name = "probe" })
	js := probe.engine.Load().js
	change := func(name string, f func(*jetstream.StreamConfig)) {
		t.Helper()
		s, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		cfg := s.CachedInfo().Config
		f(&cfg)
		if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		what, stream string
		change       func(*jetstream.StreamConfig)
		want         string // empty when it does no harm
	}{
		{"discard", pageStream, func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }, "discard is old, want new"},
		{"max_msgs", pageStream, func(c *jetstream.StreamConfig) { c.MaxMsgs = 10 }, "max_msgs is 10"},
		{"max_age", pageStream, func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }, "max_age is 1h0m0s"},
		{"subjects", pageStream, func(c *jetstream.StreamConfig) { c.Subjects = append(c.Subjects, "else") }, "subjects are"},
		{"no_ack", pageStream, func(c *jetstream.StreamConfig) { c.NoAck = true }, "no_ack is on"},
		{"positions", positionStream, func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }, "max_age is 1h0m0s"},
		{"format", pageStream, func(c *jetstream.StreamConfig) { c.Metadata[formatMeta] = "99" }, "newer imhook"},
		{"not ours", pageStream, func(c *jetstream.StreamConfig) { c.Metadata = nil }, "another name"},
		{"harmless", pageStream, func(c *jetstream.StreamConfig) { c.Description = "ours"; c.Compression = jetstream.S2Compression }, ""},
	} {
		s, err := js.Stream(t.Context(), c.stream)
		if err != nil {
			t.Fatal(err)
		}
		good := s.CachedInfo().Config
		change(c.stream, c.change)
		again, err := tryAt(t, n.URL())
		if err == nil {
			if closed := again.Close(context.Background()); closed != nil {
				t.Error(closed)
			}
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: Open = %v, want %q", c.what, err, c.want)
		}
		change(c.stream, func(cfg *jetstream.StreamConfig) { *cfg = good })
	}
	if got := all(t, openAt(t, n.URL())); len(got) != 3 {
		t.Errorf("%d events are left, want 3", len(got))
	}
}

func TestExternal_StreamAtItsBoundIsFull(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	j := openAt(t, n.URL())
	s := j.engine.Load()
	cfg := s.pages.CachedInfo().Config
	cfg.MaxBytes = 1 << 20
	if _, err := s.js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	var err error
	for i := 0; err == nil && i < 100; i++ {
		_, err = j.Append(t.Context(), large(i))
	}
	if !errors.Is(err, gateway.ErrFull) || !strings.Contains(err.Error(), "max_bytes") {
		t.Fatalf("Append = %v, want ErrFull that names max_bytes", err)
	}
	if err := j.Healthy(); !errors.Is(err, gateway.ErrFull) {
		t.Errorf("Healthy = %v, want ErrFull", err)
	}
	_, last, _, err := j.Bounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	j.SetFloor(last+1, true) // all is finished: history makes room
	waitFor(t, "room", func() bool {
		_, err := j.Append(t.Context(), large(1000))
		return err == nil
	})
}

// Without its stream of pages an external engine gives numbers out anew, and only
// the positions tell that there was something.
func TestOpen_ExternalThatLostAllPagesSaysSo(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	j := openAt(t, n.URL())
	fillPages(t, j, 3, 10)
	if err := j.Save(t.Context(), "k", []byte("v")); err != nil {
		t.Fatal(err)
	}
	if err := j.engine.Load().js.DeleteStream(t.Context(), j.at.pageStream); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	var log lines
	j = openAt(t, n.URL(), func(c *Config) { c.Log = log.logger() })
	if l := j.Losses(); len(l) != 1 || l[0].First != 1 || l[0].Last != 3 || log.count("journal is damaged") != 1 {
		t.Errorf("losses %+v, want pages 1 to 3; the log:\n%s", l, log.String())
	}
	fillPages(t, j, 1, 10)
	if _, last, _, err := j.Bounds(t.Context()); err != nil || last <= 3 {
		t.Errorf("the next page has number %d, %v: one that was given out before", last, err)
	}
}

// An operator who purged the stream of a running gateway, or let it expire, took
// what endpoints were not done with, and nobody heard of it.
func TestExternal_PurgeByOthersIsTold(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	for _, c := range []struct {
		name  string
		below uint64
		mend  bool
		want  Loss
	}{
		{"some", 6, false, Loss{Where: LostBegin, First: 3, Last: 5, Pages: 3, Events: 3, Unfinished: 3}},
		{"some, while it is mended", 6, true, Loss{Where: LostBegin, First: 3, Last: 5, Pages: 3, Events: 3, Unfinished: 3}},
		{"all", 11, false, Loss{Where: LostAll, First: 3, Last: 10, Pages: 8, Events: 8, Unfinished: 3}},
		{"all, while it is mended", 11, true, Loss{Where: LostAll, First: 3, Last: 10, Pages: 8, Events: 8, Unfinished: 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j := openAt(t, n.URL(), func(cfg *Config) { cfg.Name = nameFor(t.Name()) })
			fillPages(t, j, 10, 10)
			j.SetFloor(3, true)
			if err := j.purge(t.Context(), 3); err != nil { // our own is no loss
				t.Fatal(err)
			}
			if err := j.note(t.Context()); err != nil {
				t.Fatal(err)
			}
			if l := j.Losses(); len(l) > 0 {
				t.Errorf("losses %v after purging what was finished", l)
			}
			j.noting.Lock() // not noticed before it is mended
			if err := j.engine.Load().pages.Purge(t.Context(), jetstream.WithPurgeSequence(c.below)); err != nil {
				t.Fatal(err)
			}
			if c.mend {
				j.broke()
				waitFor(t, "mending", func() bool { return j.Healthy() == nil })
			}
			j.noting.Unlock()
			for range 3 {
				if err := j.note(t.Context()); err != nil {
					t.Fatal(err)
				}
				fillPages(t, j, 1, 10)
			}
			if diff := cmp.Diff([]Loss{c.want}, j.Losses(), cmpopts.IgnoreFields(Loss{}, "FoundAt")); diff != "" {
				t.Errorf("losses (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConfig_ExternalSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(*Config) {}, ""},
		{func(c *Config) { c.URL = "nats://a:4222,tls://b:4222" }, ""},
		{func(c *Config) { c.URL = "http://im:topsecret@a" }, "url"},
		{func(c *Config) { c.URL = "a:4222" }, "url"},
		{func(c *Config) { c.Name = "prod.eu" }, "name"},
		{func(c *Config) { c.Replicas = 6 }, "replicas"},
		{func(c *Config) { c.User, c.Token = "a", "b" }, "choose one"},
		{func(c *Config) { c.Password = "a" }, "without user"},
		{func(c *Config) { c.TLS = &TLS{CertFile: "a"} }, "belong together"},
	} {
		cfg := Config{URL: "nats://a:4222"}
		c.change(&cfg)
		err := cfg.WithDefaults().Validate()
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "topsecret")) {
			t.Errorf("Validate of %s = %v, want %q", cfg.servers(), err, c.want)
		}
	}
	cfg := Config{URL: "nats://im:topsecret@a:4222", Password: "topsecret", Token: dialect.Secret("topsecret")}
	if s := fmt.Sprintf("%s %v %s", cfg.servers(), cfg.Password, cfg.Token); strings.Contains(s, "topsecret") {
		t.Errorf("a secret shows: %s", s)
	}
	for v, old := range map[string]bool{"2.9.25": true, "1.4.1": true, "2.10.0": false, "2.15.2": false, "3.0.0": false, "dev": false, "": false} {
		if olderThan(v, minVersion) != old {
			t.Errorf("olderThan(%q) = %v", v, !old)
		}
	}
}
