package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/internal/gateway/deliver"
	"github.com/imhook/imhook/internal/gateway/journal"
)

// backlogCollector shows what endpoints have not finished, read when somebody
// asks. An endpoint with nothing open shows 0, so that an alert on age sees the
// difference between empty and absent.
type backlogCollector struct {
	d      delivering
	now    func() time.Time
	events *prometheus.Desc
	behind *prometheus.Desc
	ahead  *prometheus.Desc
	age    *prometheus.Desc
	bytes  *prometheus.Desc
	health []healthRow
}

// healthRow is one gauge of an endpoint.
type healthRow struct {
	desc  *prometheus.Desc
	value func(deliver.Status) float64
}

func newBacklogCollector(d delivering, now func() time.Time) *backlogCollector {
	labels := []string{"app", "endpoint"}
	row := func(name, help string, value func(deliver.Status) float64) healthRow {
		return healthRow{prometheus.NewDesc(name, help, labels, nil), value}
	}
	return &backlogCollector{
		health: []healthRow{
			row("imhook_breaker_state", "0 while the endpoint gets everything, 1 while one event decides whether it does, 2 while it gets nothing.", breakerState),
			row("imhook_ramp_limit", "Events that may be in flight to the endpoint now.", func(s deliver.Status) float64 { return float64(s.Ramp) }),
			row("imhook_ramp_most", "Events that may be in flight to the endpoint at full speed.", func(s deliver.Status) float64 { return float64(s.RampOf) }),
			row("imhook_paused", "1 while the endpoint is paused.", func(s deliver.Status) float64 {
				if s.Paused != "" {
					return 1
				}
				return 0
			}),
			row("imhook_paused_conversations", "Conversations of the endpoint that are paused.", func(s deliver.Status) float64 { return float64(len(s.PausedLanes)) }),
			row("imhook_blocked_conversations", "Conversations that wait for somebody to act because their first event is not taken.", func(s deliver.Status) float64 { return float64(s.Blocked) }),
			row("imhook_in_flight", "Attempts in flight to the endpoint.", func(s deliver.Status) float64 { return float64(s.InFlight) }),
			row("imhook_in_flight_bytes", "Bytes of the events in flight to the endpoint.", func(s deliver.Status) float64 { return float64(s.BytesInFlight) }),
		},
		d: d, now: now,
		events: prometheus.NewDesc("imhook_backlog_events", "Events that were read for the endpoint and are not finished.", labels, nil),
		behind: prometheus.NewDesc("imhook_behind_events", "Events that wait unread for an endpoint that is catching up; missing while they are not counted.", labels, nil),
		ahead:  prometheus.NewDesc("imhook_ahead_events", "Events that an endpoint which is catching up got before older ones of other conversations.", labels, nil),
		age:    prometheus.NewDesc("imhook_backlog_age_seconds", "Age of the oldest event that the endpoint has not finished; 0 when there is none.", labels, nil),
		bytes:  prometheus.NewDesc("imhook_backlog_bytes", "Bytes of the journal from the oldest event on that the endpoint has not finished; 0 when there is none.", labels, nil),
	}
}

// Describe sends the descriptions.
func (c *backlogCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.events
	ch <- c.behind
	ch <- c.ahead
	ch <- c.age
	ch <- c.bytes
	for _, r := range c.health {
		ch <- r.desc
	}
}

func breakerState(s deliver.Status) float64 {
	switch s.Breaker {
	case deliver.StateOpen:
		return 2
	case deliver.StateHalfOpen:
		return 1
	default:
		return 0
	}
}

// Collect sends the values.
func (c *backlogCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, s := range c.d.Local(ctx) {
		if s.State == deliver.StateRemoved {
			continue // its backlog only grows until it is forgotten: nobody is to be called for that
		}
		age := 0.0
		if !s.OldestAt.IsZero() {
			age = max(0, c.now().Sub(s.OldestAt).Seconds())
		}
		ch <- prometheus.MustNewConstMetric(c.events, prometheus.GaugeValue, float64(s.Open), s.App, s.Name)
		if s.Behind >= 0 {
			ch <- prometheus.MustNewConstMetric(c.behind, prometheus.GaugeValue, float64(s.Behind), s.App, s.Name)
		}
		ch <- prometheus.MustNewConstMetric(c.ahead, prometheus.GaugeValue, float64(s.Ahead), s.App, s.Name)
		ch <- prometheus.MustNewConstMetric(c.age, prometheus.GaugeValue, age, s.App, s.Name)
		ch <- prometheus.MustNewConstMetric(c.bytes, prometheus.GaugeValue, float64(s.Bytes), s.App, s.Name)
		for _, r := range c.health {
			ch <- prometheus.MustNewConstMetric(r.desc, prometheus.GaugeValue, r.value(s), s.App, s.Name)
		}
	}
}

// journalCollector shows the journal's counters.
type journalCollector struct {
	j    *journal.Journal
	rows []journalRow
}

type journalRow struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(journal.Stats) float64
}

func newJournalCollector(j *journal.Journal) *journalCollector {
	c := &journalCollector{j: j}
	row := func(name, help string, kind prometheus.ValueType, value func(journal.Stats) float64) {
		c.rows = append(c.rows, journalRow{prometheus.NewDesc(name, help, nil, nil), kind, value})
	}
	counter, gauge := prometheus.CounterValue, prometheus.GaugeValue
	row("imhook_journal_events_total", "Events that were kept.", counter, func(s journal.Stats) float64 { return float64(s.Stored) })
	row("imhook_journal_duplicates_total", "Events that had been kept before.", counter, func(s journal.Stats) float64 { return float64(s.Duplicates) })
	row("imhook_journal_refused_total", "Events that came while the journal was full.", counter, func(s journal.Stats) float64 { return float64(s.Refused) })
	row("imhook_journal_commits_total", "Pages that were committed.", counter, func(s journal.Stats) float64 { return float64(s.Commits) })
	row("imhook_journal_commit_seconds_total", "How long committing took in all.", counter, func(s journal.Stats) float64 { return s.CommitTime.Seconds() })
	row("imhook_journal_failures_total", "Pages that could not be committed.", counter, func(s journal.Stats) float64 { return float64(s.Failures) })
	row("imhook_journal_unreadable_total", "Pages that could not be read and were skipped.", counter, func(s journal.Stats) float64 { return float64(s.Unreadable) })
	row("imhook_journal_dropped_pages_total", "Pages dropped unfinished because the journal was full.", counter, func(s journal.Stats) float64 { return float64(s.Dropped) })
	row("imhook_journal_lost_pages_total", "Pages that were ever found missing, by damage to the journal's files.", counter, func(s journal.Stats) float64 { return float64(s.LostPages) })
	row("imhook_journal_lost_events_total", "Events that were in pages found missing, as far as is known.", counter, func(s journal.Stats) float64 { return float64(s.LostEvents) })
	row("imhook_journal_lost_dead_letters_total", "Dead letters that were ever found missing, by damage to the journal's files.", counter, func(s journal.Stats) float64 { return float64(s.LostLetters) })
	row("imhook_journal_bytes", "Bytes stored.", gauge, func(s journal.Stats) float64 { return float64(s.Bytes) })
	row("imhook_journal_unfinished_bytes", "Bytes that some endpoint is not done with.", gauge, func(s journal.Stats) float64 { return float64(s.Unfinished) })
	row("imhook_journal_window_keys", "Keys remembered for duplicates and replays.", gauge, func(s journal.Stats) float64 { return float64(s.Keys) })
	row("imhook_journal_full", "1 while callbacks are refused because the journal is full.", gauge, func(s journal.Stats) float64 {
		if s.Full {
			return 1
		}
		return 0
	})
	return c
}

// Describe sends the descriptions.
func (c *journalCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, r := range c.rows {
		ch <- r.desc
	}
}

// Collect sends the values.
func (c *journalCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.j.Stats()
	for _, r := range c.rows {
		ch <- prometheus.MustNewConstMetric(r.desc, r.kind, r.value(s))
	}
}
