package deliver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// memLetters are the dead letters of a journal in memory.
type memLetters struct {
	*memJournal
	removed map[uint64]bool
	kept    bool // removals come to nothing
}

func newMemLetters() *memLetters {
	return &memLetters{memJournal: newMemJournal(), removed: map[uint64]bool{}}
}

func (l *memLetters) DeadLetter(_ context.Context, seq uint64) (gateway.DeadLetter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if seq == 0 || seq > uint64(len(l.parked)) || l.removed[seq] {
		return gateway.DeadLetter{}, gateway.ErrNoLetter
	}
	d := l.parked[seq-1]
	d.Seq = seq
	return d, nil
}

func (l *memLetters) NextDeadLetter(ctx context.Context, seq uint64, endpoint string) (gateway.DeadLetter, error) {
	_, last, _, _ := l.DeadLetterBounds(ctx)
	for seq = max(seq, 1); seq <= last; seq++ {
		if d, err := l.DeadLetter(ctx, seq); err == nil && (endpoint == "" || d.Endpoint == endpoint) {
			return d, nil
		}
	}
	return gateway.DeadLetter{}, gateway.ErrNoLetter
}

func (l *memLetters) DeadLetterBounds(context.Context) (first, last, n uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return 1, uint64(len(l.parked)), uint64(len(l.parked) - len(l.removed)), nil
}

func (l *memLetters) RemoveDeadLetter(_ context.Context, seq uint64) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := !l.removed[seq]
	if !l.frozen && !l.kept {
		l.removed[seq] = true
	}
	return was, nil
}

// left are the events of the dead letters that are there.
func (l *memLetters) left(t *testing.T) (ids []string) {
	t.Helper()
	for seq := uint64(1); ; {
		d, err := l.NextDeadLetter(t.Context(), seq, "")
		if errors.Is(err, gateway.ErrNoLetter) {
			return ids
		}
		ids, seq = append(ids, d.Event.ID), d.Seq+1
	}
}

// letter parks the n-th event of a lane that came at pos.
func (l *memLetters) letter(lane string, n int, pos gateway.Pos) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.parked = append(l.parked, gateway.DeadLetter{
		Endpoint: "a/e", Pos: pos, Event: ev(lane, n), Reason: gateway.ReasonStatus4xx, Attempts: 4, FirstAt: time.Now(), At: time.Now(),
	})
}

// startRuns is start for endpoints that dead letters can be requeued to.
func startRuns(t *testing.T, l *memLetters, eps ...Endpoint) *Deliverer {
	t.Helper()
	d, err := New(Config{Endpoints: eps, Index: all(len(eps)), Journal: l, Letters: l})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

func begin(t *testing.T, d *Deliverer, spec gateway.Run) gateway.RunStatus {
	t.Helper()
	if spec.Endpoint == "" {
		spec.Endpoint = "a/e"
	}
	s, err := d.Repeat(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// status is how a run is doing.
func status(t *testing.T, d *Deliverer, id string) gateway.RunStatus {
	t.Helper()
	all := d.Runs()
	i := slices.IndexFunc(all, func(s gateway.RunStatus) bool { return s.ID == id })
	if i < 0 {
		t.Fatalf("there is no run %s", id)
	}
	return all[i]
}

func TestRequeue_GoesInTheJournalsOrderAndIsMarked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newMemLetters()
		marks := map[event.Repeat]int{}
		b := &backend{took: time.Millisecond}
		b.answer = func(ev *event.Event, _ int) gateway.Outcome {
			b.mu.Lock()
			defer b.mu.Unlock()
			marks[ev.Repeat]++
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		// Those of x were parked in another order than they came in; of y/1 there are
		// two, as after a crash.
		for _, p := range []struct {
			lane string
			n    int
			page uint64
		}{{"x", 2, 7}, {"y", 1, 3}, {"x", 0, 2}, {"x", 3, 9}, {"y", 1, 3}, {"x", 1, 5}, {"y", 0, 2}} {
			l.letter(p.lane, p.n, gateway.NewPos(p.page, p.n+int(p.lane[0]-'x')*10))
		}
		d := startRuns(t, l, endpoint(b))
		defer stop(t, d)
		if n, err := d.CountRun(t.Context(), gateway.Run{Kind: event.Requeued, Endpoint: "a/e"}); err != nil || n.Sent != 7 {
			t.Errorf("dry run counts %+v, %v; want 7", n, err)
		}
		s := begin(t, d, gateway.Run{Kind: event.Requeued})
		advance(time.Second)
		synctest.Wait()
		for lane, want := range map[string][]string{"x": {"x/0", "x/1", "x/2", "x/3"}, "y": {"y/0", "y/1"}} {
			if diff := cmp.Diff(want, b.ofLane(lane)); diff != "" {
				t.Errorf("lane %s (-want +got):\n%s", lane, diff)
			}
		}
		if marks[event.Requeued] != 6 || len(marks) != 1 {
			t.Errorf("marks are %v, want 6 requeued", marks)
		}
		if got := l.left(t); got != nil {
			t.Errorf("dead letters are left: %v", got)
		}
		if s = status(t, d, s.ID); s.State != gateway.RunDone || s.Selected != 6 || s.Delivered != 6 || s.Open != 0 {
			t.Errorf("the run is %+v, want done with 6 of 6", s)
		}
	})
}

func TestRequeue_OfMoreThanCanBeListedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newMemLetters()
		b := &backend{took: time.Millisecond}
		var want []string
		for _, n := range rand.Perm(60) {
			l.letter("x", n, gateway.NewPos(uint64(2+n/5), n))
		}
		for n := range 60 {
			want = append(want, fmt.Sprintf("x/%d", n))
		}
		d, err := New(Config{Endpoints: []Endpoint{endpoint(b)}, Index: all(1), Journal: l, Letters: l})
		if err != nil {
			t.Fatal(err)
		}
		d.listed = 8 // and pages of 5
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer stop(t, d)
		s := begin(t, d, gateway.Run{Kind: event.Requeued})
		advance(10 * time.Second)
		synctest.Wait()
		if diff := cmp.Diff(want, b.ofLane("x")); diff != "" {
			t.Errorf("delivered (-want +got):\n%s", diff)
		}
		if s = status(t, d, s.ID); s.State != gateway.RunDone || s.Delivered != 60 {
			t.Errorf("the run is %+v, want done with 60", s)
		}
	})
}

func TestRequeue_SelectsAndParksAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newMemLetters()
		b := &backend{answer: func(ev *event.Event, _ int) gateway.Outcome {
			switch ev.ID {
			case "x/1":
				return failing(gateway.Refused, gateway.ReasonStatus4xx)
			case "x/2":
				return failing(gateway.Untranslatable, "")
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}}
		for n := range 4 {
			l.letter("x", n, gateway.NewPos(uint64(n+1), 0))
		}
		l.letter("y", 0, gateway.NewPos(9, 0))
		l.parked[3].Reason = gateway.ReasonMaxAge
		e := endpoint(b)
		e.Retry.Fast = []time.Duration{time.Second}
		d := startRuns(t, l, e)
		defer stop(t, d)
		s := begin(t, d, gateway.Run{Kind: event.Requeued, Selection: gateway.Selection{
			Lane: "group:x", Reasons: []gateway.Reason{gateway.ReasonStatus4xx},
		}})
		advance(time.Minute)
		synctest.Wait()
		if s = status(t, d, s.ID); s.State != gateway.RunDone || s.Selected != 3 || s.Delivered != 1 || s.Parked != 2 {
			t.Errorf("the run is %+v, want 3 selected, 1 delivered, 2 parked again", s)
		}
		if diff := cmp.Diff([]string{"x/3", "y/0", "x/1", "x/2"}, l.left(t)); diff != "" {
			t.Errorf("dead letters (-want +got):\n%s", diff)
		}
		again := l.parked[5]
		if again.Repeat != event.Requeued || again.Attempts != 2 || again.Pos != gateway.NewPos(2, 0) {
			t.Errorf("parked again as %+v, want it marked, after 2 attempts, at its place", again)
		}
		one := begin(t, d, gateway.Run{Kind: event.Requeued, Selection: gateway.Selection{Letters: []uint64{4}}})
		advance(time.Second)
		synctest.Wait()
		if one = status(t, d, one.ID); one.Delivered != 1 || slices.Contains(l.left(t), "x/3") {
			t.Errorf("the run is %+v and left are %v, want one delivered", one, l.left(t))
		}
	})
}

// Requeues go on whatever happens, and each crash takes what was not saved.
func TestRequeue_NothingIsLostOrReorderedAcrossCrashes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, dice := rand.New(rand.NewPCG(seed, 6)), rand.New(rand.NewPCG(seed, 7))
				l := newMemLetters()
				b := &backend{took: 7 * time.Millisecond}
				b.answer = func(*event.Event, int) gateway.Outcome {
					b.mu.Lock()
					defer b.mu.Unlock()
					if dice.IntN(10) == 0 {
						return failing(gateway.Retry, gateway.ReasonStatus5xx)
					}
					return gateway.Outcome{Kind: gateway.Delivered}
				}
				const n = 200
				for i := range n {
					l.letter(fmt.Sprint(i%4), i, gateway.NewPos(uint64(1+i/3), i%3))
				}
				e := endpoint(b)
				e.Concurrency = 8
				e.Retry.Fast = []time.Duration{20 * time.Millisecond, 20 * time.Millisecond, 20 * time.Millisecond, 20 * time.Millisecond, 20 * time.Millisecond, 20 * time.Millisecond}
				d := startRuns(t, l, e)
				begin(t, d, gateway.Run{Kind: event.Requeued})
				for range 5 {
					advance(time.Duration(r.IntN(300)) * time.Millisecond)
					l.mu.Lock()
					l.frozen = true
					l.mu.Unlock()
					stop(t, d)
					l.mu.Lock()
					l.frozen = false
					l.mu.Unlock()
					// What had arrived and is still there is delivered again: nothing is
					// nowhere.
					got := b.ids()
					left := l.left(t)
					for i := range n {
						if id := fmt.Sprintf("%d/%d", i%4, i); !slices.Contains(got, id) && !slices.Contains(left, id) {
							t.Fatalf("%s is neither delivered nor a dead letter", id)
						}
					}
					d = startRuns(t, l, e)
				}
				advance(time.Minute)
				synctest.Wait()
				defer stop(t, d)
				if s := d.Runs(); len(s) != 1 || s[0].State != gateway.RunDone {
					t.Errorf("the runs are %+v, want one that is done", s)
				}
				if left := l.left(t); left != nil {
					t.Errorf("%d dead letters are left", len(left))
				}
				for lane := range 4 {
					sightings(t, b.ofLane(fmt.Sprint(lane)), n/4)
				}
			})
		})
	}
}

// A crash between the record that says what is through and the removal of those dead
// letters leaves none of them behind: they would look as if they had not arrived.
func TestRequeue_RemovesWhatACrashLeftBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newMemLetters()
		b := &backend{took: 50 * time.Millisecond}
		const n = 60
		for i := range n {
			l.letter(fmt.Sprint(i%2), i, gateway.NewPos(uint64(1+i), 0))
		}
		e := endpoint(b)
		l.kept = true
		d := startRuns(t, l, e)
		begin(t, d, gateway.Run{Kind: event.Requeued})
		advance(time.Second)
		arrived := len(b.ids())
		l.mu.Lock()
		l.frozen, l.kept = true, false
		l.mu.Unlock()
		stop(t, d)
		if left := l.left(t); arrived == 0 || arrived == n || len(left) != n {
			t.Fatalf("%d of %d arrived and %d are left: no crash between record and removal", arrived, n, len(left))
		}
		l.mu.Lock()
		l.frozen = false
		l.mu.Unlock()
		d = startRuns(t, l, e)
		defer stop(t, d)
		advance(time.Minute)
		synctest.Wait()
		if left := l.left(t); left != nil {
			t.Errorf("%d dead letters are left: %v", len(left), left)
		}
		if got := len(b.ids()); got > n+arrived/2 {
			t.Errorf("%d of %d arrived again", got-n, n)
		}
		for lane := range 2 {
			sightings(t, b.ofLane(fmt.Sprint(lane)), n/2)
		}
	})
}

// sightings fails unless all n events of a lane came, first seen in their order.
func sightings(t *testing.T, got []string, n int) {
	t.Helper()
	var seen []string
	for _, id := range got {
		if !slices.Contains(seen, id) {
			seen = append(seen, id)
		}
	}
	if len(seen) != n || !slices.IsSortedFunc(seen, byNumber) {
		t.Errorf("%d events were first seen as %v, want %d in order", len(seen), seen, n)
	}
}

func TestReplay_OfATimeAndAConversationInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newMemLetters()
		b, other := &backend{}, &backend{}
		e, o := endpoint(b), endpoint(other)
		o.Name = "other"
		e.Match = func(ev *event.Event) bool { return !strings.HasSuffix(ev.ID, "/3") }
		d, err := New(Config{Endpoints: []Endpoint{e, o}, Index: asked{e, o}, Journal: l, Letters: l})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer stop(t, d)
		begun := time.Now()
		for n := range 8 {
			l.add(ev("x", n), ev("y", n))
			advance(time.Minute)
		}
		synctest.Wait()
		live := len(b.ofLane("x"))
		sel := gateway.Selection{Lane: "group:x", Since: begun.Add(time.Minute), Until: begun.Add(6 * time.Minute)}
		n, err := d.CountRun(t.Context(), gateway.Run{Kind: event.Replayed, Endpoint: "a/e", Selection: sel})
		if want := (gateway.RunCount{Selected: 5, Picked: 4, Sent: 4, Begin: begun.UTC()}); err != nil || !cmp.Equal(want, n) {
			t.Errorf("dry run counts %+v, %v; want %+v", n, err, want)
		}
		s := begin(t, d, gateway.Run{Kind: event.Replayed, Selection: sel})
		advance(time.Second)
		synctest.Wait()
		if diff := cmp.Diff([]string{"x/1", "x/2", "x/4", "x/5"}, b.ofLane("x")[live:]); diff != "" {
			t.Errorf("replayed (-want +got):\n%s", diff)
		}
		if s = status(t, d, s.ID); s.State != gateway.RunDone || s.Delivered != 4 {
			t.Errorf("the run is %+v, want done with 4", s)
		}
		// All of it, and to somebody else.
		was := len(other.ofLane("x"))
		begin(t, d, gateway.Run{Kind: event.Replayed, Selection: sel, To: "a/other", All: true})
		advance(time.Second)
		synctest.Wait()
		if diff := cmp.Diff([]string{"x/1", "x/2", "x/3", "x/4", "x/5"}, other.ofLane("x")[was:]); diff != "" {
			t.Errorf("replayed to the other (-want +got):\n%s", diff)
		}
	})
}

func TestReplay_YieldsToWhatTheEndpointHasToSend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newMemLetters()
		b := &backend{took: 100 * time.Millisecond}
		e := endpoint(b)
		e.Concurrency = 4
		for n := range 400 {
			l.add(ev(fmt.Sprint("old", n), n))
		}
		d := startRuns(t, l, e) // it begins now: the history is not its backlog
		defer stop(t, d)
		s := begin(t, d, gateway.Run{Kind: event.Replayed})
		advance(time.Second)
		// It has half of the endpoint's places, and no more.
		if got := len(b.ids()); got < 15 || got > 20 || b.atOnce() != 2 {
			t.Errorf("%d events in a second, %d at once; want about 20, two at once", got, b.atOnce())
		}
		// While the endpoint has more to send than it can, nothing is replayed.
		for n := range 100 {
			l.add(ev(fmt.Sprint("live", n), n))
		}
		advance(200 * time.Millisecond) // what is in flight ends
		before := len(b.ids())
		advance(2 * time.Second)
		for _, id := range b.ids()[before:] {
			if strings.HasPrefix(id, "old") {
				t.Fatalf("%s was replayed while live events waited", id)
			}
		}
		if b.atOnce() != 4 {
			t.Errorf("%d attempts at once, want the endpoint's 4", b.atOnce())
		}
		advance(time.Minute)
		synctest.Wait()
		if s = status(t, d, s.ID); s.State != gateway.RunDone || s.Delivered != 400 {
			t.Errorf("the run is %+v, want done with 400", s)
		}
	})
}

func TestReplay_KeepsItsRateAndGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newMemLetters()
		b := &backend{}
		for n := range 100 {
			l.add(ev("x", n))
		}
		d := startRuns(t, l, endpoint(b))
		s := begin(t, d, gateway.Run{Kind: event.Replayed, Rate: 10})
		advance(3 * time.Second)
		if got := len(b.ids()); got < 28 || got > 32 {
			t.Errorf("%d events in three seconds, want about 30", got)
		}
		stop(t, d)
		was := len(b.ids())
		d = startRuns(t, l, endpoint(b))
		defer func() { stop(t, d) }()
		advance(2 * time.Second)
		if got := len(b.ids()) - was; got < 17 || got > 23 {
			t.Errorf("%d events in two seconds after a restart, want about 20", got)
		}
		got, err := d.CancelRun(t.Context(), s.ID)
		if err != nil || got.State != gateway.RunCancelled {
			t.Errorf("cancelled as %+v, %v", got, err)
		}
		after := len(b.ids())
		advance(10 * time.Second)
		if n := len(b.ids()); n != after || got.Delivered != n {
			t.Errorf("%d events after it was cancelled and %d before, it says %d", n, after, got.Delivered)
		}
		if !slices.Equal(b.ids(), b.ofLane("x")) || !slices.IsSortedFunc(b.ids(), byNumber) {
			t.Errorf("events came as %v, want them in order", b.ids())
		}
		stop(t, d)
		d = startRuns(t, l, endpoint(b))
		if s := status(t, d, s.ID); s.State != gateway.RunCancelled || s.Delivered != after {
			t.Errorf("after a restart it is %+v", s)
		}
		stop(t, d)
		later, err := New(Config{Endpoints: []Endpoint{endpoint(b)}, Index: all(1), Journal: l, Letters: l, Now: func() time.Time { return time.Now().Add(8 * 24 * time.Hour) }})
		if err == nil {
			err = later.Start(t.Context())
		}
		if d = later; err != nil {
			t.Fatal(err)
		}
		advance(2 * time.Second)
		synctest.Wait()
		if all := d.Runs(); len(all) != 0 {
			t.Errorf("a week later there are %+v, want none", all)
		}
	})
}

func byNumber(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

func TestReplay_OneAfterTheOtherAndCancelledBeforeItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newMemLetters()
		b := &backend{}
		for n := range 20 {
			l.add(ev("x", n))
		}
		d := startRuns(t, l, endpoint(b))
		defer stop(t, d)
		var runs []gateway.RunStatus
		for range 3 {
			runs = append(runs, begin(t, d, gateway.Run{Kind: event.Replayed, Rate: 10}))
		}
		advance(time.Second)
		for i, want := range []gateway.RunState{gateway.RunRunning, gateway.RunQueued, gateway.RunQueued} {
			if s := status(t, d, runs[i].ID); s.State != want {
				t.Errorf("run %d is %s, want %s", i, s.State, want)
			}
		}
		if _, err := d.CancelRun(t.Context(), runs[1].ID); err != nil {
			t.Error(err)
		}
		advance(10 * time.Second)
		synctest.Wait()
		if n := len(b.ids()); n != 40 {
			t.Errorf("%d events, want those of two runs", n)
		}
		if _, err := d.CancelRun(t.Context(), "none"); !errors.Is(err, gateway.ErrNoRun) {
			t.Errorf("cancelling what is not there: %v, want ErrNoRun", err)
		}
	})
}

func TestReplay_WaitsForItsEndpointAndFollowsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newMemLetters()
		b, next := &backend{}, &backend{}
		for n := range 30 {
			l.add(ev("x", n))
		}
		d := startRuns(t, l, endpoint(b))
		defer stop(t, d)
		s := begin(t, d, gateway.Run{Kind: event.Replayed, Rate: 10})
		advance(time.Second)
		_ = d.Pause("a/e", Pause{Why: "a rest"})
		synctest.Wait() // what is in flight ends
		was := len(b.ids())
		advance(time.Second)
		if n := len(b.ids()); n != was {
			t.Errorf("%d events while the endpoint is paused, want none", n-was)
		}
		if err := d.Set(t.Context(), nil, all(0)); err != nil {
			t.Fatal(err)
		}
		advance(time.Second)
		if err := d.Set(t.Context(), []Endpoint{endpoint(next)}, all(1)); err != nil {
			t.Fatal(err)
		}
		_ = d.Resume("a/e", Resume{})
		advance(10 * time.Second)
		synctest.Wait()
		if got := append(b.ids(), next.ids()...); len(got) != 30 || !slices.IsSortedFunc(got, byNumber) || len(next.ids()) == 0 {
			t.Errorf("events came as %v and %v, want 30 in order", b.ids(), next.ids())
		}
		if s = status(t, d, s.ID); s.State != gateway.RunDone {
			t.Errorf("the run is %+v, want done", s)
		}
	})
}

func TestReplay_SaysWhatIsTrimmed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newMemLetters()
		b := &backend{}
		for n := range 50 {
			l.add(ev("x", n))
		}
		d := startRuns(t, l, endpoint(b))
		defer stop(t, d)
		_ = d.Pause("a/e", Pause{Why: "until the run has read what it takes"})
		for n := range maxLoaded {
			l.add(ev(fmt.Sprint(n), n))
		}
		s := begin(t, d, gateway.Run{Kind: event.Replayed})
		for range 1000 {
			l.add(ev("z", 1))
		}
		synctest.Wait()
		advance(time.Second)
		l.purge(4140) // behind what was read
		_ = d.Resume("a/e", Resume{})
		advance(time.Minute)
		synctest.Wait()
		s = status(t, d, s.ID)
		if s.State != gateway.RunDone || s.Trimmed == 0 || s.Selected+int(s.Trimmed) != 50+maxLoaded {
			t.Errorf("the run is %+v, want done with all of %d delivered or trimmed", s, 50+maxLoaded)
		}
	})
}

func TestRepeat_RefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newMemLetters()
		other := endpoint(&backend{})
		other.App = "b"
		d := startRuns(t, l, endpoint(&backend{}), other)
		defer stop(t, d)
		for name, spec := range map[string]gateway.Run{
			"no kind":     {Endpoint: "a/e"},
			"no endpoint": {Endpoint: "a/none", Kind: event.Replayed},
			"another app": {Endpoint: "a/e", To: "b/e", Kind: event.Replayed},
			"requeued to": {Endpoint: "a/e", To: "a/e", Kind: event.Requeued},
			"reasons":     {Endpoint: "a/e", Kind: event.Replayed, Selection: gateway.Selection{Reasons: []gateway.Reason{"dns"}}},
			"rate":        {Endpoint: "a/e", Kind: event.Replayed, Rate: -1},
			"upside down": {Endpoint: "a/e", Kind: event.Replayed, Selection: gateway.Selection{Since: time.Now(), Until: time.Now().Add(-time.Hour)}},
		} {
			if _, err := d.Repeat(t.Context(), spec); err == nil {
				t.Errorf("%s: it was begun", name)
			}
			if _, err := d.CountRun(t.Context(), spec); err == nil {
				t.Errorf("%s: it was counted", name)
			}
		}
		if n := len(d.Runs()); n != 0 {
			t.Errorf("%d runs, want none", n)
		}
	})
}

// Whoever looks for the sender of an endpoint that was removed would look for ever, with
// the run locked.
func TestReplay_EndpointThatIsGoneHasNoSender(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := start(t, newMemJournal(), nil, endpoint(&backend{}))
		defer stop(t, d)
		host := d.runners[0]
		u := &rerun{spec: gateway.Run{Kind: event.Replayed}, runner: &runner{guest: newGuest(0, 1, time.Now)}}
		u.runner.guest.host.Store(host)
		if out := (again{u}).Send(t.Context(), ev("x", 0), 0); out.Kind != gateway.Delivered {
			t.Errorf("outcome %+v while it is there, want delivered", out)
		}
		if err := d.Set(t.Context(), nil, all(0)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if out := (again{u}).Send(t.Context(), ev("x", 0), 0); out.Reason != gateway.ReasonCancelled {
			t.Errorf("outcome %+v when it is gone, want that it was not tried", out)
		}
	})
}
