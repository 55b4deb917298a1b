package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/imhook/imhook/internal/gateway"
)

// leaseTTL is after how long without a renewal a journal may be taken over. With
// what a take-over costs, deliveries go on within five seconds.
const leaseTTL = 3 * time.Second

// lease makes sure that one gateway only has the journal on an external engine,
// as the lock of the data directory does for an embedded one. It is a record that
// the holder renews; each renewal says which record it replaces, so that of two
// only one can succeed.
//
// The holder stops by itself a fifth of the time before others may take over.
// What is still under way then, an attempt that was begun or a page in flight, is
// fenced by the sequence numbers of the streams or may happen twice; it cannot
// destroy anything.
type lease struct {
	ttl time.Duration
	id  string
	me  holding

	// gone is closed when another gateway took over; by says which. Who joins is a
	// member then, and goes on: gone stays open.
	gone  chan struct{}
	joins bool
	by    atomic.Pointer[holding]

	mu      sync.Mutex // guards the following
	js      jetstream.JetStream
	stream  jetstream.Stream
	subject string
	seq     uint64 // of our record
	// forced is true when the record was taken from a gateway that had not let go.
	forced bool

	stop context.CancelFunc // ends renewing; nil while nobody renews

	// term is the sequence of the first record since the lease was taken.
	term atomic.Uint64

	// until is when the lease lapses, on the clock that stops while the machine is
	// suspended and on the one that does not.
	until atomic.Pointer[time.Time]

	wg sync.WaitGroup // who renews
}

// holding is the record. Members are on the engine: append only.
type holding struct {
	ID   string `json:"id"`
	Host string `json:"host"`
	PID  int    `json:"pid"`
	// Started is when the gateway took the lease, by its own clock.
	Started time.Time `json:"started"`
	Version string    `json:"version,omitzero"`
	// Boot, Space and Ticks tell whether the process still runs, to who is on the
	// same machine: the machine's boot, the space in which PID counts, and when the
	// process began. Empty where the system does not say.
	Boot  string `json:"boot,omitzero"`
	Space string `json:"space,omitzero"`
	Ticks string `json:"ticks,omitzero"`
	// Released is true when the gateway let go.
	Released bool `json:"released,omitzero"`
}

func (h *holding) String() string {
	return fmt.Sprintf("host %s, process %d, since %s", h.Host, h.PID, h.Started.UTC().Format(time.RFC3339))
}

// ErrTaken is wrapped when another gateway has the journal.
var ErrTaken = errors.New("journal is used by another gateway")

func newLease(ttl time.Duration, version string) *lease {
	host, _ := os.Hostname()
	l := &lease{ttl: ttl, id: nuid.Next(), gone: make(chan struct{})}
	l.me = holding{ID: l.id, Host: host, PID: os.Getpid(), Started: time.Now(), Version: version}
	l.me.Boot, l.me.Space = machine()
	l.me.Ticks = ticks(l.me.PID)
	return l
}

// held says why nothing may be taken or delivered; nil when it may.
func (l *lease) held() error {
	if l == nil {
		return nil
	}
	if by := l.by.Load(); by != nil {
		return fmt.Errorf("%w (%s)", ErrTaken, by)
	}
	until := l.until.Load()
	if until == nil {
		return errors.New("the lease on the journal is not taken yet")
	}
	now := time.Now()
	if now.After(*until) || now.Round(0).After(until.Round(0)) {
		return errors.New("the lease on the journal could not be renewed: NATS does not answer")
	}
	return nil
}

// take takes the lease, or renews it when it is ours already: again is true after
// the first time. It waits for one that lapses, and fails with ErrTaken when
// another gateway has it.
func (l *lease) take(ctx context.Context, js jetstream.JetStream, stream jetstream.Stream, subject string, again bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.js, l.stream, l.subject = js, stream, subject
	if l.seq > 0 || again {
		return l.renew(ctx)
	}
	seen := uint64(0)
	for {
		rec, seq, age, err := l.read(ctx)
		if err != nil {
			return err
		}
		forced := rec != nil && !rec.Released
		if !l.free(rec, age) && rec.ID != l.id {
			if seen != 0 && seen != seq {
				return hopeless{fmt.Errorf("%w (%s): stop that one, or give this one a journal name of its own", ErrTaken, rec)}
			}
			seen = seq
			if err := pause(ctx, l.ttl/20); err != nil {
				return err
			}
			continue
		}
		l.seq = seq
		err = l.write(ctx, l.me)
		if err == nil {
			l.forced = l.forced || forced
			l.term.Store(l.seq)
			return nil
		}
		l.seq = 0
		if !wrongSequence(err) {
			return fmt.Errorf("taking the lease on the journal: %w", err)
		}
		seen = max(seq, 1) // somebody was faster
	}
}

// seize takes the lease from a record that is free, which has this sequence. It is
// false when somebody else was faster.
func (l *lease) seize(ctx context.Context, js jetstream.JetStream, stream jetstream.Stream, subject string, rec *holding, seq uint64) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.js, l.stream, l.subject, l.seq = js, stream, subject, seq
	err := l.write(ctx, l.me)
	if err != nil {
		l.seq = 0
		if wrongSequence(err) {
			err = nil
		}
		return false, err
	}
	l.forced = l.forced || rec != nil && !rec.Released
	l.term.Store(l.seq)
	return true, nil
}

// renew renews the lease. Call with mu.
func (l *lease) renew(ctx context.Context) error {
	if by := l.by.Load(); by != nil {
		return fmt.Errorf("%w (%s)", ErrTaken, by)
	}
	err := l.write(ctx, l.me)
	if err == nil || !wrongSequence(err) {
		return err
	}
	// A renewal that was not answered may have succeeded.
	rec, seq, _, err := l.read(ctx)
	switch {
	case err != nil:
		return err
	case rec == nil || rec.ID == l.id:
		l.seq = seq
		return l.write(ctx, l.me)
	}
	l.by.Store(rec)
	if !l.joins {
		close(l.gone)
	}
	return fmt.Errorf("%w (%s)", ErrTaken, rec)
}

// write replaces the record with seq. Call with mu.
func (l *lease) write(ctx context.Context, h holding) error {
	b, err := json.Marshal(h)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, max(l.ttl/4, 100*time.Millisecond))
	defer cancel()
	m := nats.NewMsg(l.subject)
	m.Data = b
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(l.seq, 10))
	sent := time.Now()
	ack, err := l.js.PublishMsg(ctx, m)
	if err != nil {
		return err
	}
	l.seq = ack.Sequence
	until := sent.Add(l.ttl - l.ttl/5)
	l.until.Store(&until)
	return nil
}

// read returns the record, its sequence, and how old it is on the engine's clock;
// nil when there is none. Call with mu.
func (l *lease) read(ctx context.Context) (rec *holding, seq uint64, age time.Duration, err error) {
	return readLease(ctx, l.stream, l.subject)
}

func readLease(ctx context.Context, stream jetstream.Stream, subject string) (rec *holding, seq uint64, age time.Duration, err error) {
	m, err := stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, 0, 0, nil
	}
	if err != nil {
		return nil, 0, 0, fmt.Errorf("reading the lease on the journal: %w", err)
	}
	info, err := stream.Info(ctx)
	if err != nil {
		return nil, 0, 0, fmt.Errorf("reading the lease on the journal: %w", err)
	}
	rec = &holding{}
	if err := json.Unmarshal(m.Data, rec); err != nil {
		return nil, 0, 0, fmt.Errorf("reading the lease on the journal: %w", err)
	}
	return rec, m.Sequence, info.TimeStamp.Sub(m.Time), nil
}

// begin renews the lease until release; lapsed is called when that failed for too
// long, or for good. It does nothing when somebody renews already.
func (l *lease) begin(log *slog.Logger, lapsed func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stop != nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	l.wg.Go(func() {
		tick := time.NewTicker(l.ttl / 5)
		defer tick.Stop()
		said := false
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			l.mu.Lock()
			err := l.renew(ctx)
			l.mu.Unlock()
			switch {
			case err == nil:
				said = false
			case ctx.Err() != nil:
				return
			case errors.Is(err, ErrTaken) && l.joins:
				log.Warn("another gateway took the journal over, this one is a member from now on", "err", err)
				lapsed()
				return
			case errors.Is(err, ErrTaken):
				log.Error("another gateway took the journal over, this one takes and delivers nothing any more: stop one of the two", "err", err)
				lapsed()
				return
			case l.held() != nil:
				if !said {
					log.Error("the lease on the journal could not be renewed, nothing is taken or delivered until it is", "err", err)
					said = true
				}
				lapsed()
			}
		}
	})
}

// reset forgets that the lease was ours, and whose it is, so that it can be taken
// as if for the first time. Nobody renews when it is called.
func (l *lease) reset() {
	l.mu.Lock()
	stop := l.stop
	l.mu.Unlock()
	if stop != nil {
		stop()
		l.wg.Wait() // without mu, which renewing takes
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop, l.seq, l.forced = nil, 0, false
	l.until.Store(nil)
	l.by.Store(nil)
}

// free says that the journal may be taken over from who holds rec, which is that
// old.
func (l *lease) free(rec *holding, age time.Duration) bool {
	return rec == nil || rec.Released || age > l.ttl || rec.over(&l.me)
}

// release lets go, so that the next gateway need not wait.
func (l *lease) release(ctx context.Context) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	stop := l.stop
	l.mu.Unlock()
	if stop == nil {
		return nil
	}
	stop()
	l.wg.Wait() // without mu, which renewing takes
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop = nil
	if l.held() != nil {
		return nil // it lapses, or has lapsed, by itself
	}
	free := l.me
	free.Released = true
	err := l.write(ctx, free)
	lapsed := time.Time{}
	l.until.Store(&lapsed)
	if err != nil {
		return fmt.Errorf("%w: releasing the lease on the journal: %w", gateway.ErrUnavailable, err)
	}
	return nil
}

// over says that the process of h does not run any more, for sure: it was on
// this machine and is gone.
func (h *holding) over(me *holding) bool {
	if h.Boot == "" || h.Space == "" || h.Ticks == "" || h.Boot != me.Boot || h.Space != me.Space {
		return false
	}
	return ticks(h.PID) != h.Ticks
}

// machine names this boot of this machine, and the space in which process ids
// count; empty where the system does not say.
func machine() (boot, space string) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", ""
	}
	space, err = os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return "", ""
	}
	return strings.TrimSpace(string(b)), space
}

// ticks says when a process began, in the kernel's words; empty when there is no
// such process, or no such system.
func ticks(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name in brackets may hold anything; the 20th field behind it is the time.
	text := string(b)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 {
		return ""
	}
	return fields[19]
}
