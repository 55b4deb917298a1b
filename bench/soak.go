package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/imfake"
	"github.com/imhook/imhook/internal/vacant"
)

const (
	// soakEvery is the time between two samples.
	soakEvery = 5 * time.Second
	// soakMood is how long the endpoint that fails now and then fails, and is well.
	soakMood = 30 * time.Second
)

// soakConfig takes address, data directory, and the endpoints' URLs. History and the
// dead endpoint's backlog are small enough to reach their bounds in a soak.
const soakConfig = `listen: %s
data_dir: %s
journal: {sync: always, retain: {age: 5m, bytes: 1GiB}}
apps:
  - name: bench
    sources:
      - {name: wfc, dialect: wildfirechat}
    endpoints:
      - {name: well, dialect: wildfirechat, url: %q, concurrency: 64}
      - {name: moody, dialect: wildfirechat, url: %q, retry: {fast: [1s, 5s], slow: {from: 5s, to: 30s}}, breaker: {pause: {from: 1s, to: 10s}}}
      - {name: slow, dialect: wildfirechat, url: %q, concurrency: 64}
      - {name: dead, dialect: wildfirechat, url: "http://%s", backlog: {age: 5m}}
`

// sample is what a soak saw in one interval, or at its end.
type sample struct {
	at time.Duration
	// in and out are events a second: answered 200, and at the endpoint that is well.
	in, out float64
	// p50 and p99 are of the time from a post until the event was there.
	p50, p99 time.Duration
	// rss is the gateway's memory, disk what its data directory holds, in bytes.
	rss, disk int64
	// moody, slow and dead are the backlogs of the other endpoints.
	moody, slow, dead float64
}

// soakRun is a soak under way.
type soakRun struct {
	cfg               config
	side              *side
	home              string
	moody, slow       *imfake.Sink
	begin             time.Time
	accepted, arrived int // at the last sample
	last              time.Time

	mu sync.Mutex
	// mu guards the following.
	sent  map[imfake.Mark]time.Time
	times []time.Duration
}

// soak posts steadily to a gateway with endpoints that are well, moody, slow and dead,
// and writes what it sees all the while to a table and a picture. It fails when
// anything is lost or comes out of order.
func soak(ctx context.Context, cfg config, dir string, stdout, progress io.Writer) (err error) {
	s := &soakRun{
		cfg: cfg, home: filepath.Join(dir, "soak"), moody: imfake.NewSink(), slow: imfake.NewSink(), begin: time.Now(),
		side: &side{name: "imhook", sink: imfake.NewSink()}, sent: map[imfake.Mark]time.Time{},
	}
	defer s.moody.Close()
	defer s.slow.Close()
	s.slow.Answer(http.StatusOK, 20*time.Millisecond)
	s.side.sink.Watch(s.arrive)
	if s.side.addr, err = vacant.Addr(ctx); err != nil {
		return err
	}
	nobody, err := vacant.Addr(ctx)
	if err != nil {
		return err
	}
	text := fmt.Sprintf(soakConfig, s.side.addr, filepath.Join(s.home, "data"), s.side.sink.URL(), s.moody.URL(), s.slow.URL(), nobody)
	if err := s.side.startImhook(ctx, cfg.binary, s.home, text); err != nil {
		s.side.sink.Close()
		return err
	}
	defer func() { err = errors.Join(err, s.side.stop()) }()
	samples, accepted, err := s.run(ctx, progress)
	if err != nil {
		return err
	}
	if err := errors.Join(writeFile(cfg.soakOut+".csv", func(w io.Writer) error { return writeSamples(w, samples) }),
		writeFile(cfg.soakOut+".svg", func(w io.Writer) error { return drawSamples(w, cfg, samples) })); err != nil {
		return err
	}
	for name, sink := range map[string]*imfake.Sink{"well": s.side.sink, "moody": s.moody, "slow": s.slow} {
		if err := sink.Tally().Check(accepted); err != nil {
			return fmt.Errorf("the endpoint that is %s: %w", name, err)
		}
	}
	worst := slices.MaxFunc(samples, func(a, b sample) int { return int(a.p99 - b.p99) })
	most := slices.MaxFunc(samples, func(a, b sample) int { return int(a.rss - b.rss) })
	fmt.Fprintf(stdout, "%d events in %v, none lost, none out of order; worst p99 of an interval %v, most memory %d MiB; see %s.csv and %s.svg\n",
		len(accepted), cfg.Soak, worst.p99.Round(100*time.Microsecond), most.rss>>20, cfg.soakOut, cfg.soakOut)
	return nil
}

// run posts and samples, and then waits until all that can arrive has arrived.
func (s *soakRun) run(ctx context.Context, progress io.Writer) ([]sample, []imfake.Mark, error) {
	server := imfake.NewServer(wildfirechat.New(), "http://"+s.side.addr+"/in/wfc", imfake.ServerConfig{})
	defer server.Close()
	posting, stop := context.WithTimeout(ctx, s.cfg.Soak)
	defer stop()
	load := server.Start(posting, imfake.Load{Lanes: s.cfg.Lanes, Workers: s.cfg.conns[0], TextBytes: s.cfg.Size, Rate: float64(s.cfg.LiveRate), Posting: s.post})
	sampling := time.NewTicker(min(soakEvery, s.cfg.Soak/8))
	defer sampling.Stop()
	mood := time.NewTicker(min(soakMood, s.cfg.Soak/6))
	defer mood.Stop()
	var samples []sample
	s.last = s.begin
	for ill := false; posting.Err() == nil; {
		select {
		case <-posting.Done():
		case <-mood.C:
			if ill = !ill; ill {
				s.moody.Answer(http.StatusServiceUnavailable, 0)
			} else {
				s.moody.Answer(http.StatusOK, 0)
			}
		case <-sampling.C:
			one, err := s.sample(ctx, load)
			if err != nil {
				return nil, nil, err
			}
			samples = append(samples, one)
			fmt.Fprintf(progress, "%8v  in %.0f/s, out %.0f/s, p99 %v, %d MiB, disk %d MiB, backlogs %.0f %.0f %.0f\n", one.at.Round(time.Second),
				one.in, one.out, one.p99.Round(100*time.Microsecond), one.rss>>20, one.disk>>20, one.moody, one.slow, one.dead)
		}
	}
	s.moody.Answer(http.StatusOK, 0)
	if err := load.Wait(); err != nil {
		return nil, nil, err
	}
	accepted := load.Accepted()
	ctx, cancel := context.WithTimeout(ctx, drainWithin)
	defer cancel()
	for _, sink := range []*imfake.Sink{s.side.sink, s.slow, s.moody} {
		// What is missing in the end is told by who checks.
		for len(sink.Tally().Missing(accepted)) > 0 && ctx.Err() == nil {
			pause(ctx, 100*time.Millisecond)
		}
	}
	return samples, accepted, nil
}

func (s *soakRun) post(m imfake.Mark) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent[m] = time.Now()
}

func (s *soakRun) arrive(m imfake.Mark) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.sent[m]; ok {
		s.times = append(s.times, now.Sub(at))
		delete(s.sent, m)
	}
}

// sample looks at everything once.
func (s *soakRun) sample(ctx context.Context, load *imfake.Run) (sample, error) {
	now := time.Now()
	took := now.Sub(s.last).Seconds()
	accepted, _, _ := load.Counts()
	arrived := s.side.sink.Tally().Distinct()
	one := sample{at: now.Sub(s.begin), in: float64(accepted-s.accepted) / took, out: float64(arrived-s.arrived) / took}
	s.accepted, s.arrived, s.last = accepted, arrived, now
	s.mu.Lock()
	times := s.times
	s.times = nil
	s.mu.Unlock()
	slices.Sort(times)
	one.p50, one.p99 = quantile(times, 0.50), quantile(times, 0.99)
	var err error
	if one.rss, err = memory(s.side.pid()); err != nil {
		return one, err
	}
	if one.disk, err = size(s.home); err != nil {
		return one, err
	}
	one.moody, one.slow, one.dead, err = s.backlogs(ctx)
	return one, err
}

// backlogs asks the gateway what waits.
func (s *soakRun) backlogs(ctx context.Context) (moody, slow, dead float64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.side.addr+"/metrics", http.NoBody)
	if err != nil {
		return 0, 0, 0, err
	}
	res, err := (&http.Client{Timeout: readyWithin}).Do(req)
	if err != nil {
		return 0, 0, 0, fmt.Errorf("reading metrics: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, 0, 0, fmt.Errorf("reading metrics: %w", err)
	}
	of := func(name string) (v float64) {
		for line := range strings.Lines(string(page)) {
			if rest, ok := strings.CutPrefix(line, fmt.Sprintf("imhook_backlog_events{app=\"bench\",endpoint=%q} ", name)); ok {
				v, err = strconv.ParseFloat(strings.TrimSpace(rest), 64)
				return v
			}
		}
		err = fmt.Errorf("reading metrics: there is no backlog of endpoint %s", name)
		return 0
	}
	moody, slow, dead = of("moody"), of("slow"), of("dead")
	return moody, slow, dead, err
}

// size is what the files of a directory occupy. Files that go away meanwhile count for
// nothing.
func size(dir string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			var info fs.FileInfo
			if info, err = d.Info(); err == nil {
				bytes += info.Size()
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	return bytes, err
}

// writeSamples writes them as a table for other programs.
func writeSamples(w io.Writer, samples []sample) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"seconds", "in_per_second", "out_per_second", "p50_ms", "p99_ms", "rss_bytes", "disk_bytes", "backlog_moody", "backlog_slow", "backlog_dead"}}
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
	for _, s := range samples {
		rows = append(rows, []string{
			number(s.at.Seconds()), number(s.in), number(s.out), number(micros(s.p50) / 1000), number(micros(s.p99) / 1000),
			strconv.FormatInt(s.rss, 10), strconv.FormatInt(s.disk, 10), number(s.moody), number(s.slow), number(s.dead),
		})
	}
	return out.WriteAll(rows)
}

func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("keeping what was seen: %w", err)
	}
	return errors.Join(write(f), f.Close())
}
