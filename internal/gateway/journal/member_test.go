package journal

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/natstest"
)

// joining opens a journal that another gateway may have.
func joining(c *Config) { c.Join = true }

// joinAt opens a journal as one of several gateways, with a short lease.
func joinAt(t *testing.T, url string, change ...func(*Config)) *Journal {
	t.Helper()
	return openAt(t, url, append([]func(*Config){joining, shortLease, func(c *Config) { c.StartWithin = 0 }}, change...)...)
}

func append1(t *testing.T, j *Journal, ev *event.Event) gateway.Kept {
	t.Helper()
	kept, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{ev}})
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

// unkeyed is an event that nothing tells from another one.
func unkeyed(n int) *event.Event {
	ev := sample(n)
	ev.Dedupe = ""
	return ev
}

func TestMember_KeepsWithTheGatewayThatWrites(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	writer, member := joinAt(t, n.URL()), joinAt(t, n.URL())
	if role, _ := member.Role(); role.Writing || role.Writer != writer.Self().ID {
		t.Fatalf("the second gateway's role is %+v, want a member of %s", role, writer.Self().ID)
	}
	fw, fm := follow(t, writer), follow(t, member)
	if got := append1(t, member, sample(1)); got != (gateway.Kept{Stored: 1}) {
		t.Errorf("a new event = %+v", got)
	}
	if got := append1(t, writer, sample(1)); got != (gateway.Kept{Duplicates: 1}) {
		t.Errorf("the same event at the other gateway = %+v", got)
	}
	append1(t, writer, sample(2))
	again := make([]bool, 3)
	kept, err := member.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(1), sample(2), sample(3)}, Repeated: again})
	if err != nil || kept != (gateway.Kept{Stored: 1, Duplicates: 2}) || !again[0] || !again[1] || again[2] {
		t.Errorf("three, two of them known = %+v, %v, %v", kept, again, err)
	}
	guard := gateway.Guard{Key: event.Hash("k"), Sum: event.Hash("one")}
	signed := gateway.Arrival{Events: []*event.Event{unkeyed(4)}, Guard: guard}
	if kept, err := member.Append(t.Context(), signed); err != nil || kept.Stored != 1 {
		t.Errorf("a signed event = %+v, %v", kept, err)
	}
	signed.Events = []*event.Event{unkeyed(5)}
	if kept, err := writer.Append(t.Context(), signed); err != nil || kept.Duplicates != 1 {
		t.Errorf("the same request again at the other gateway = %+v, %v", kept, err)
	}
	signed.Guard.Sum = event.Hash("two")
	for _, j := range []*Journal{writer, member} {
		if _, err := j.Append(t.Context(), signed); !errors.Is(err, gateway.ErrReplayed) {
			t.Errorf("the signature with another body = %v, want ErrReplayed", err)
		}
	}
	large := unkeyed(6)
	large.Raw.Body = make([]byte, 2<<20)
	if _, err := member.Append(t.Context(), gateway.Arrival{Events: []*event.Event{large}}); !errors.Is(err, gateway.ErrTooLarge) {
		t.Errorf("an event past max_body = %v, want ErrTooLarge", err)
	}
	for name, f := range map[string]*tailed{"writer": fw, "member": fm} {
		waitFor(t, name+"'s reader", func() bool { return f.len() == 4 })
	}
	if err := member.Save(t.Context(), "k", nil); !errors.Is(err, gateway.ErrUnavailable) {
		t.Errorf("a member saves a position: %v", err)
	}
	if err := writer.Save(t.Context(), "k", []byte("v")); err != nil {
		t.Fatal(err)
	}
	if got, err := member.Load(t.Context()); err != nil || string(got["k"]) != "v" {
		t.Errorf("a member loads %q, %v", got["k"], err)
	}
}

func TestMember_FullIsToldAsSuch(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	small := func(c *Config) { c.RetainBytes = 1 << 20 }
	_, member := joinAt(t, n.URL(), small), joinAt(t, n.URL(), small)
	i := 0
	waitFor(t, "the member to be refused", func() bool {
		_, err := member.Append(t.Context(), large(i))
		i++
		return errors.Is(err, gateway.ErrFull)
	})
	if member.Stats().Refused == 0 {
		t.Error("the member counted nothing as refused")
	}
}

func TestMember_TakesOverWhenTheWriterLeaves(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	writer := joinAt(t, n.URL(), func(c *Config) { c.leaseTTL = time.Minute }) // which nobody waits for
	member := joinAt(t, n.URL(), func(c *Config) { c.leaseTTL = time.Minute / 2 })
	append1(t, writer, sample(1))
	if err := writer.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	// It waits for the gateway that comes to write: nothing is refused.
	if got := append1(t, member, sample(1)); got.Duplicates != 1 {
		t.Errorf("an event that the other gateway kept = %+v, want a duplicate", got)
	}
	if role, _ := member.Role(); !role.Writing || role.Term == 0 {
		t.Errorf("its role is %+v", role)
	}
}

// An event that was kept by a gateway whose answer was lost is sent again, to
// whoever writes then.
func TestMember_SentAgainIsKeptOnce(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	writer, member := joinAt(t, n.URL()), joinAt(t, n.URL())
	for _, ev := range []*event.Event{sample(1), unkeyed(2)} {
		key := event.Hash(onceKey, ev.ID)
		if ev.Dedupe != "" {
			key = event.Hash(ev.App, ev.Source, ev.Command, ev.Dedupe)
		}
		buf := appendRecord(nil, record{ev: ev, key: key})
		kept, err := member.forward(t.Context(), gateway.Arrival{Events: []*event.Event{ev}}, buf, 1)
		if err != nil || kept.Stored != 1 {
			t.Fatalf("forward = %+v, %v", kept, err)
		}
	}
	abandon(t, writer)
	_ = writer.engine.Load().nc.Drain()
	waitFor(t, "the member to write", func() bool { r, _ := member.Role(); return r.Writing })
	for _, ev := range []*event.Event{sample(1), unkeyed(2)} {
		if got := append1(t, member, ev); got.Duplicates != 1 {
			t.Errorf("%s again = %+v, want a duplicate", ev.ID, got)
		}
	}
	if got := all(t, member); len(got) != 2 {
		t.Errorf("%d events are stored, want 2", len(got))
	}
}

// The gateway that writes is cut off under load: a member takes over, nothing that
// was answered is lost and nothing is refused; when the other one is back it is a
// member itself.
func TestMember_TakesOverUnderLoad(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	js := []*Journal{joinAt(t, n.URL()), joinAt(t, n.URL()), joinAt(t, n.URL())}
	f := follow(t, js[2])
	var loads []*load
	for i, j := range js[1:] {
		loads = append(loads, startLoadFrom(t, j, 4, 10*(i+1)))
	}
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	for range rounds {
		for _, l := range loads {
			l.more(t, 100)
		}
		var writer *Journal
		for _, j := range js {
			if r, _ := j.Role(); r.Writing {
				writer = j
			}
		}
		term, _ := writer.Role()
		abandon(t, writer)
		waitFor(t, "another gateway to write", func() bool {
			for _, j := range js {
				if r, _ := j.Role(); j != writer && r.Writing {
					if r.Term <= term.Term {
						t.Errorf("the term is %d after %d", r.Term, term.Term)
					}
					return true
				}
			}
			return false
		})
		resume(writer)
		waitFor(t, "the one before to be a member", func() bool { r, _ := writer.Role(); return !r.Writing && writer.Healthy() == nil })
		for _, l := range loads {
			l.more(t, 100)
		}
	}
	stored := map[string]int{}
	for _, l := range loads {
		l.end()
	}
	for _, ev := range all(t, js[0]) {
		stored[ev.ID]++
	}
	waitFor(t, "the reader", func() bool { return f.len() >= len(stored) })
	f.check(t)
	for _, l := range loads {
		for _, ids := range l.ids {
			for _, id := range ids {
				if stored[id] != 1 {
					t.Errorf("%s was answered and is stored %d times", id, stored[id])
				}
			}
		}
		t.Logf("%d answered, the slowest took %s", l.answered.Load(), time.Duration(l.slowest.Load()))
	}
}

// A member reads no page of a newer imhook as one without events.
func TestMember_DoesNotReadWhatIsNewer(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	writer, member := joinAt(t, n.URL()), joinAt(t, n.URL())
	append1(t, writer, sample(1))
	waitFor(t, "the page", func() bool { last, _ := member.done.get(); return last == 1 })
	next := sealPage(pageOf(record{ev: sample(2)}), 1, 1)
	next[0] = pageVersion + 1
	if _, err := writer.store(t.Context(), writer.engine.Load(), next, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := member.Page(t.Context(), 2); !errors.Is(err, ErrNewer) {
		t.Errorf("Page = %v, want ErrNewer", err)
	}
	member.followOne(t.Context())
	if last, _ := member.done.get(); last != 1 {
		t.Errorf("the member went on to page %d", last)
	}
}

func TestRequest_OfAnotherGateway(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	a, b := joinAt(t, n.URL()), joinAt(t, n.URL())
	b.Serve("twice", func(_ context.Context, data []byte) ([]byte, error) {
		if len(data) == 0 {
			return nil, errors.New("nothing to double")
		}
		return append(data, data...), nil
	})
	if got, err := a.Request(t.Context(), b.Self().ID, "twice", []byte("x")); err != nil || string(got) != "xx" {
		t.Errorf("Request = %q, %v", got, err)
	}
	if _, err := a.Request(t.Context(), b.Self().ID, "twice", nil); err == nil || errors.Is(err, gateway.ErrUnavailable) {
		t.Errorf("a request that fails = %v", err)
	}
	if _, err := a.Request(t.Context(), b.Self().ID, "thrice", nil); err == nil {
		t.Error("a word that nobody knows was answered")
	}
	if _, err := a.Request(t.Context(), "nobody", "twice", []byte("x")); !errors.Is(err, gateway.ErrUnavailable) {
		t.Errorf("nobody answers = %v, want ErrUnavailable", err)
	}
	heard := make(chan struct{}, 2)
	b.OnHint("ho", func() { heard <- struct{}{} })
	a.Hint("ho")
	select {
	case <-heard:
	case <-time.After(10 * time.Second):
		t.Error("the hint was not heard")
	}
}

func FuzzUnpack(f *testing.F) {
	for _, p := range seedPages() {
		f.Add(p)
	}
	j := &Journal{}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, keys, buf, ends, err := j.unpack(b)
		if err != nil {
			return
		}
		if len(keys) != len(a.Events) || len(ends) != len(a.Events) {
			t.Fatalf("%d events, %d keys, %d ends", len(a.Events), len(keys), len(ends))
		}
		for i, end := range ends {
			if end > len(buf) || i > 0 && end <= ends[i-1] {
				t.Fatal(fmt.Sprint("ends are not ascending: ", ends))
			}
		}
	})
}
