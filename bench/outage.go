package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/imfake"
)

const (
	// perRequest is how many events share a request that fills the journal.
	perRequest = 100
	// firstLive is the first lane of live events.
	firstLive = 100_000_000
	// outageDrain bounds how long the whole backlog may take.
	outageDrain = time.Hour
	// settleFor is how long a gateway is left alone before its memory counts.
	settleFor = 5 * time.Second
)

// outageReport is what an outage came to.
type outageReport struct {
	Config config `json:"config"`
	// Full is how many events a second the endpoint got while they came in, Drain how
	// many of the backlog after it came back, beside the live ones.
	Full  float64 `json:"fullRate"`
	Drain float64 `json:"drainRate"`
	// Noticed is how many seconds after it came back the endpoint got the first event;
	// the drain begins then.
	Noticed float64 `json:"noticedSeconds"`
	// Live events' time from the post until they were at the endpoint, in microseconds.
	Before liveTimes `json:"liveBefore"`
	During liveTimes `json:"liveDuringDrain"`
	// Memory in bytes, at rest and at its peak: of a gateway that took as many events of
	// which nobody gets any, and of the one with the backlog; and its peak in the drain.
	RestNone   int64 `json:"memoryWithoutBacklog"`
	PeakNone   int64 `json:"peakMemoryWithoutBacklog"`
	RestOutage int64 `json:"memoryWithBacklog"`
	PeakOutage int64 `json:"peakMemoryWithBacklog"`
	PeakDrain  int64 `json:"peakMemoryInDrain"`
	Disorders  int   `json:"disorders"`
	Duplicates int   `json:"duplicates"`
}

// liveTimes are of live events; Kept is the 99th percentile of the time until the
// poster had its answer, which is a part of it.
type liveTimes struct {
	Events int     `json:"events"`
	P50    float64 `json:"p50Micros"`
	P99    float64 `json:"p99Micros"`
	Kept   float64 `json:"keptP99Micros"`
}

// outage takes the endpoint down for cfg.Outage events and brings it back.
func outage(ctx context.Context, cfg config, dir string, stdout, progress io.Writer) (err error) {
	cfg.Unsigned, cfg.Batch, cfg.Beside = true, 0, []int{0}
	rep := &outageReport{Config: cfg}
	cfg.endpoint = ", events: [user.**]"
	if err := gatewayFor(ctx, cfg, filepath.Join(dir, "none"), progress, func(o *outageRun) (err error) {
		if _, err = o.fill(ctx, cfg.Outage); err == nil {
			rep.RestNone, rep.PeakNone, err = o.memory(ctx)
		}
		return err
	}); err != nil {
		return err
	}
	cfg.endpoint = ""
	if err := gatewayFor(ctx, cfg, filepath.Join(dir, "outage"), progress, func(o *outageRun) error { return o.run(ctx, rep) }); err != nil {
		return err
	}
	if cfg.json {
		return rep.writeJSON(stdout)
	}
	return rep.writeText(stdout)
}

// gatewayFor runs a gateway while do runs.
func gatewayFor(ctx context.Context, cfg config, dir string, progress io.Writer, do func(*outageRun) error) (err error) {
	s, err := startGateway(ctx, cfg, dir, "cloudevents", 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	s.path = "/in/ce"
	s.sink.Answer(http.StatusOK, cfg.AnswerAfter)
	o := &outageRun{cfg: cfg, side: s, progress: progress}
	s.sink.Watch(o.arrived)
	return do(o)
}

// outageRun is one outage under way.
type outageRun struct {
	cfg      config
	side     *side
	progress io.Writer
	backlog  atomic.Int64 // events that arrived, but for live ones
	lanes    uint32       // lanes of live events so far

	// mu guards the following.
	mu    sync.Mutex
	sent  map[imfake.Mark]time.Time
	times []time.Duration
	kept  []time.Duration // until the poster had its answer
}

func (o *outageRun) run(ctx context.Context, rep *outageReport) error {
	if _, err := o.fill(ctx, perRequest*o.cfg.Conns); err != nil { // warm-up
		return err
	}
	if err := o.await(ctx, int64(perRequest*o.cfg.Conns)); err != nil {
		return err
	}
	var err error
	if rep.Before, err = o.live(ctx, func() error { pause(ctx, o.cfg.Duration); return nil }); err != nil {
		return err
	}
	o.say("live alone: %d events, p50 %.1f ms, p99 %.1f ms", rep.Before.Events, rep.Before.P50/1000, rep.Before.P99/1000)

	begin, had := time.Now(), o.backlog.Load()
	n, err := o.fill(ctx, max(o.cfg.Outage/20, 2*perRequest*o.cfg.Conns))
	if err == nil {
		err = o.await(ctx, had+int64(n))
	}
	if err != nil {
		return err
	}
	rep.Full = float64(n) / time.Since(begin).Seconds()
	o.say("full speed: %.0f events/s", rep.Full)
	if err := forgetPeak(o.side.pid()); err != nil {
		return err
	}

	o.side.sink.Answer(http.StatusServiceUnavailable, 0)
	had = o.backlog.Load()
	if n, err = o.fill(ctx, o.cfg.Outage); err != nil {
		return err
	}
	if rep.RestOutage, rep.PeakOutage, err = o.memory(ctx); err != nil {
		return err
	}
	o.say("%d events kept for the dead endpoint", n)

	profiled := func() error { return nil }
	if o.cfg.profiles != "" {
		profiled = profile(ctx, o.side, o.cfg.profiles, o.cfg.Conns, o.cfg.Duration)
	}
	begin = time.Now()
	o.side.sink.Answer(http.StatusOK, o.cfg.AnswerAfter)
	if err := o.await(ctx, had+1); err != nil {
		return err
	}
	rep.Noticed = time.Since(begin).Seconds()
	o.say("the endpoint gets the first of them %.1f s after it came back", rep.Noticed)
	begin = time.Now()
	rep.During, err = o.live(ctx, func() error { return o.await(ctx, had+int64(n)) })
	if err != nil {
		return err
	}
	rep.Drain = float64(n) / time.Since(begin).Seconds()
	if err := profiled(); err != nil {
		return err
	}
	if _, rep.PeakDrain, err = o.memory(ctx); err != nil {
		return err
	}
	rep.Disorders, _ = o.side.sink.Tally().Disorders()
	rep.Duplicates = o.side.sink.Tally().Duplicates()
	return nil
}

func (o *outageRun) say(format string, args ...any) { fmt.Fprintf(o.progress, format+"\n", args...) }

// arrived notes a message at the endpoint.
func (o *outageRun) arrived(m imfake.Mark) {
	if m.Lane < firstLive {
		o.backlog.Add(1)
		return
	}
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if at, ok := o.sent[m]; ok {
		o.times = append(o.times, now.Sub(at))
		delete(o.sent, m)
	}
}

// await waits until so many events arrived, but for live ones.
func (o *outageRun) await(ctx context.Context, want int64) error {
	ctx, cancel := context.WithTimeout(ctx, outageDrain)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for o.backlog.Load() < want {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d events have arrived: %w", o.backlog.Load(), want, ctx.Err())
		}
	}
	return nil
}

// fill posts about n events in batches, as fast as they are taken, and returns how many.
func (o *outageRun) fill(ctx context.Context, n int) (int, error) {
	s, cfg := o.side, o.cfg
	requests := max(1, n/(cfg.Conns*perRequest))
	t := newBatch(s.addr, s.path, cfg.Size, perRequest)
	seqs := make([]uint64, cfg.Lanes)
	errs := make([]error, cfg.Conns)
	var wg sync.WaitGroup
	for c := range cfg.Conns {
		wg.Go(func() {
			errs[c] = postRequests(ctx, s.addr, t.clone(), requests, func(n uint64) message {
				own := (cfg.Lanes - c + cfg.Conns - 1) / cfg.Conns
				l := c + int(n%uint64(own))*cfg.Conns
				seqs[l]++
				return message{id: s.id + n*uint64(cfg.Conns) + uint64(c), lane: s.lane + uint32(l), seq: seqs[l]}
			})
		})
	}
	wg.Wait()
	s.id += uint64(requests * perRequest * cfg.Conns)
	s.lane += uint32(cfg.Lanes)
	return requests * perRequest * cfg.Conns, errors.Join(errs...)
}

// postRequests posts a number of requests over one connection.
func postRequests(ctx context.Context, addr string, t *template, requests int, next func(n uint64) message) error {
	c, err := connect(ctx, addr)
	if err != nil {
		return err
	}
	defer c.close()
	n := uint64(0)
	for range requests {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		now := time.Now()
		for i := range t.slots {
			m := next(n)
			m.millis = now.UnixMilli()
			t.patch(i, m)
			n++
		}
		if err := c.conn.SetDeadline(now.Add(answerWithin)); err != nil {
			return fmt.Errorf("setting a deadline: %w", err)
		}
		if err := c.post(t, &t.allowed); err != nil {
			return err
		}
	}
	return nil
}

// liveConns is how many connections live events come on.
const liveConns = 8

// live lets live events come while do runs, at their rate whatever becomes of them, and
// says how long they took.
func (o *outageRun) live(ctx context.Context, do func() error) (liveTimes, error) {
	o.mu.Lock()
	o.sent, o.times, o.kept = map[imfake.Mark]time.Time{}, nil, nil
	o.mu.Unlock()
	coming, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, liveConns)
	var wg sync.WaitGroup
	for c := range liveConns {
		lane := firstLive + o.lanes + uint32(c)
		wg.Go(func() { errs[c] = o.liveOn(coming, c, lane) })
	}
	o.lanes += liveConns * livesPerConn
	err := do()
	stop()
	wg.Wait()
	if err = errors.Join(err, errors.Join(errs...)); err != nil {
		return liveTimes{}, err
	}
	if err := o.awaitLive(ctx); err != nil {
		return liveTimes{}, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for part := range slices.Chunk(o.times, 5*o.cfg.LiveRate) {
		part = slices.Sorted(slices.Values(part))
		o.say("  live events in about 5 s: p50 %.1f ms, p99 %.1f ms", micros(quantile(part, 0.5))/1000, micros(quantile(part, 0.99))/1000)
	}
	slices.Sort(o.times)
	slices.Sort(o.kept)
	return liveTimes{
		Events: len(o.times), P50: micros(quantile(o.times, 0.5)), P99: micros(quantile(o.times, 0.99)), Kept: micros(quantile(o.kept, 0.99)),
	}, nil
}

// awaitLive waits until all live events arrived.
func (o *outageRun) awaitLive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainWithin)
	defer cancel()
	for {
		o.mu.Lock()
		left := len(o.sent)
		o.mu.Unlock()
		switch {
		case left == 0:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%d live events have not arrived: %w", left, ctx.Err())
		}
		pause(ctx, 5*time.Millisecond)
	}
}

// livesPerConn is how many conversations the live events of a connection have.
const livesPerConn = 25

// liveOn posts live events over one connection until ctx ends.
func (o *outageRun) liveOn(ctx context.Context, c int, first uint32) error {
	conn, err := connect(context.WithoutCancel(ctx), o.side.addr)
	if err != nil {
		return err
	}
	defer conn.close()
	t := newBatch(o.side.addr, o.side.path, o.cfg.Size, 1)
	tick := time.NewTicker(liveConns * time.Second / time.Duration(o.cfg.LiveRate))
	defer tick.Stop()
	for n := uint64(0); ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		m := message{
			id: 1<<50 + uint64(first)<<24 + n*liveConns + uint64(c), lane: first + uint32(n%livesPerConn)*liveConns,
			seq: n/livesPerConn + 1, millis: time.Now().UnixMilli(),
		}
		t.patch(0, m)
		now := time.Now()
		o.mu.Lock()
		o.sent[imfake.Mark{Lane: m.lane, Seq: m.seq}] = now
		o.mu.Unlock()
		if err := conn.conn.SetDeadline(now.Add(answerWithin)); err != nil {
			return fmt.Errorf("setting a deadline: %w", err)
		}
		if err := conn.post(t, &t.allowed); err != nil {
			return fmt.Errorf("posting a live event: %w", err)
		}
		took := time.Since(now)
		o.mu.Lock()
		o.kept = append(o.kept, took)
		o.mu.Unlock()
	}
}

// memory is what the process has at rest, and its peak, which is forgotten.
func (o *outageRun) memory(ctx context.Context) (rest, peak int64, err error) {
	pid := o.side.pid()
	pause(ctx, settleFor)
	if rest, err = memory(pid); err == nil {
		if peak, err = peakMemory(pid); err == nil {
			err = forgetPeak(pid)
		}
	}
	return rest, peak, err
}

// pause waits for d or for ctx to end.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func (rep *outageReport) writeJSON(w io.Writer) error {
	if err := json.MarshalWrite(w, rep, jsontext.WithIndent("  ")); err != nil {
		return fmt.Errorf("printing the report: %w", err)
	}
	fmt.Fprintln(w)
	return nil
}

func (rep *outageReport) writeText(w io.Writer) error {
	cfg := rep.Config
	fmt.Fprintf(w, "\n%d events for a dead endpoint in %d conversations, %d-byte bodies; it answers after %v, 64 at once; %d live events/s\n",
		cfg.Outage, cfg.Lanes, cfg.Size, cfg.AnswerAfter, cfg.LiveRate)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "\twithout\twith the backlog\t")
	fmt.Fprintf(tw, "memory at rest, MiB\t%d\t%d\t%+d\n", rep.RestNone>>20, rep.RestOutage>>20, (rep.RestOutage-rep.RestNone)>>20)
	fmt.Fprintf(tw, "peak memory, MiB\t%d\t%d\t%+d\n", rep.PeakNone>>20, rep.PeakOutage>>20, (rep.PeakOutage-rep.PeakNone)>>20)
	fmt.Fprintf(tw, "peak memory in the drain, MiB\t\t%d\t%+d\n", rep.PeakDrain>>20, (rep.PeakDrain-rep.PeakNone)>>20)
	fmt.Fprintf(tw, "events/s to the endpoint\t%.0f\t%.0f\t%.2f ×\n", rep.Full, rep.Drain, rep.Drain/rep.Full)
	fmt.Fprintf(tw, "live events p50, ms\t%.1f\t%.1f\t%.2f ×\n", rep.Before.P50/1000, rep.During.P50/1000, rep.During.P50/rep.Before.P50)
	fmt.Fprintf(tw, "live events p99, ms\t%.1f\t%.1f\t%.2f ×\n", rep.Before.P99/1000, rep.During.P99/1000, rep.During.P99/rep.Before.P99)
	fmt.Fprintf(tw, "of that until they were kept, ms\t%.1f\t%.1f\t%.2f ×\n", rep.Before.Kept/1000, rep.During.Kept/1000, rep.During.Kept/rep.Before.Kept)
	fmt.Fprintf(tw, "twice, out of order\t\t%d, %d\t\n", rep.Duplicates, rep.Disorders)
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("printing the report: %w", err)
	}
	return nil
}
