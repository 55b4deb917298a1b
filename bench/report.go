package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// report is everything that was measured. The first side is the one that the
// others are compared with.
type report struct {
	Config config    `json:"config"`
	Sides  []string  `json:"sides"`
	Rounds [][]round `json:"rounds"`
	// Memory is the peak resident size of each side's process, in bytes.
	Memory []int64 `json:"peakMemory"`
}

// spread is the middle and the ends of some values.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// summary is one side over all rounds.
type summary struct {
	Side string `json:"side"`
	Rate spread `json:"rate"`
	// Ratio is of the rate to the first side's in the same turn.
	Ratio spread `json:"ratio"`
	CPU   spread `json:"cpuMicrosPerEvent"`
	P50   spread `json:"p50Micros"`
	P99   spread `json:"p99Micros"`
	// P50Ratio and P99Ratio are to the first side's in the same turn.
	P50Ratio spread `json:"p50Ratio"`
	P99Ratio spread `json:"p99Ratio"`
	Memory   int64  `json:"peakMemory"`
	// Duplicates and Disorders are summed up.
	Duplicates int `json:"duplicates"`
	Disorders  int `json:"disorders"`
}

// String is one line for a round under way.
func (r round) String() string {
	if r.Requests == 0 { // nothing was handed on
		return fmt.Sprintf("%-24s %8.0f answers/s  %5.1f µs CPU each  p50 %.0f µs, p99 %.0f µs", r.Side, r.Rate, r.CPU, r.P50, r.P99)
	}
	return fmt.Sprintf("%-24s %8.0f events/s (in %8.0f/s)  %5.1f µs CPU/event  answers p50 %.0f µs, p99 %.0f µs  %.1f events/request out",
		r.Side, r.Rate, r.In, r.CPU, r.P50, r.P99, float64(r.Events)/float64(max(1, r.Requests)))
}

func (rep *report) summaries() []summary {
	var all []summary
	for i, name := range rep.Sides {
		s := summary{Side: name, Memory: rep.Memory[i]}
		over := func(value func(turn []round) float64) spread { return spreadOf(rep.Rounds, value) }
		s.Rate = over(func(turn []round) float64 { return turn[i].Rate })
		s.Ratio = over(func(turn []round) float64 { return turn[i].Rate / turn[0].Rate })
		s.CPU = over(func(turn []round) float64 { return turn[i].CPU })
		s.P50 = over(func(turn []round) float64 { return turn[i].P50 })
		s.P99 = over(func(turn []round) float64 { return turn[i].P99 })
		s.P50Ratio = over(func(turn []round) float64 { return turn[i].P50 / turn[0].P50 })
		s.P99Ratio = over(func(turn []round) float64 { return turn[i].P99 / turn[0].P99 })
		for _, turn := range rep.Rounds {
			s.Duplicates += turn[i].Duplicates
			s.Disorders += turn[i].Disorders
		}
		all = append(all, s)
	}
	return all
}

func spreadOf(rounds [][]round, value func([]round) float64) spread {
	values := make([]float64, len(rounds))
	for i, turn := range rounds {
		values[i] = value(turn)
	}
	slices.Sort(values)
	n := len(values)
	return spread{Median: (values[(n-1)/2] + values[n/2]) / 2, Min: values[0], Max: values[n-1]}
}

func (rep *report) writeJSON(w io.Writer) error {
	all := struct {
		*report
		Seconds float64   `json:"secondsPerRound"`
		Summary []summary `json:"summary"`
	}{rep, rep.Config.Duration.Seconds(), rep.summaries()}
	if err := json.MarshalWrite(w, all, jsontext.WithIndent("  ")); err != nil {
		return fmt.Errorf("printing the report: %w", err)
	}
	fmt.Fprintln(w)
	return nil
}

func (rep *report) writeText(w io.Writer) error {
	if rep.Config.Before {
		return rep.writeBefore(w)
	}
	in := ""
	if rep.Config.Batch > 1 {
		in = fmt.Sprintf(" (%d to a request, but to the relay)", rep.Config.Batch)
	}
	fmt.Fprintf(w, "\n%d rounds of %v, %d connections, %d-byte bodies%s, %d conversations; median (min..max)\n",
		rep.Config.Rounds, rep.Config.Duration, rep.Config.Conns, rep.Config.Size, in, rep.Config.Lanes)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "side\tevents/s\tratio\tCPU µs/event\tanswer p50 µs\tanswer p99 µs\tpeak MiB\ttwice\tout of order")
	for _, s := range rep.summaries() {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%.0f\t%.0f\t%d\t%d\t%d\n", s.Side, s.Rate.text(0), s.Ratio.text(2), s.CPU.text(1),
			s.P50.Median, s.P99.Median, s.Memory>>20, s.Duplicates, s.Disorders)
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("printing the report: %w", err)
	}
	return nil
}

// writeBefore has the times as ratios too, and nothing of what is handed on.
func (rep *report) writeBefore(w io.Writer) error {
	fmt.Fprintf(w, "\nbefore, %s asks: %d rounds of %v, %d connections, %d-byte bodies; median (min..max)\n",
		rep.Config.Asks, rep.Config.Rounds, rep.Config.Duration, rep.Config.Conns, rep.Config.Size)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "side\tanswers/s\tratio\tp50 µs\tratio\tp99 µs\tratio\tCPU µs/answer\tpeak MiB")
	for _, s := range rep.summaries() {
		fmt.Fprintf(tw, "%s\t%.0f\t%s\t%.0f\t%s\t%.0f\t%s\t%s\t%d\n", s.Side, s.Rate.Median, s.Ratio.text(2),
			s.P50.Median, s.P50Ratio.text(2), s.P99.Median, s.P99Ratio.text(2), s.CPU.text(1), s.Memory>>20)
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("printing the report: %w", err)
	}
	return nil
}

func (s spread) text(digits int) string {
	return fmt.Sprintf("%.*f (%.*f..%.*f)", digits, s.Median, digits, s.Min, digits, s.Max)
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
