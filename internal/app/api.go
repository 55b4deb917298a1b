package app

import (
	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/gateway/journal"
	"github.com/imhook/imhook/internal/gateway/receive"
	"github.com/imhook/imhook/internal/ledger"
)

// adminConfig shows the running parts to the API.
func (a *App) adminConfig(j *journal.Journal, d delivering, in *receive.Handler) admin.Config {
	// What is asked of one Deliverer is not asked where several gateways have them.
	var shared admin.Cluster
	var runs admin.Runs
	var checks admin.Deliveries
	books := func() []ledger.Account { return accounts(in, d) }
	switch d := d.(type) {
	case together:
		shared, runs = d, d
		books = a.sharedBooks(j, d, books)
	case alone:
		runs, checks = d, deliveries{d.Deliverer}
	}
	var changes admin.Definitions
	if a.cfg.Extend != nil {
		changes = definitions{a}
	}
	var read admin.History
	if a.history != nil {
		read = a.history
	}
	return admin.Config{
		History:  read,
		Settings: a.book, Definitions: changes, Audit: a.audit,
		Cluster: shared,
		Current: a.current.Load, Registry: a.cfg.Registry,
		Journal: j, DeadLetters: j, Runs: runs, Keep: j.Append, Select: a.rules.selects, Trimmed: j.Trimmed, Attempts: a.attempts, Decisions: a.trail, Endpoints: statuses{d}, Hooks: hookStatuses{a}, Uses: a.uses.of, Receive: in,
		Pattern: a.pattern, Rules: ruleTester{rules: a.rules, current: a.current.Load}, Compare: a.compare, Metrics: a.metrics,
		Ledger: books, Status: a.status(j), Deliveries: checks, AskHook: a.askHook, Reach: a.reach,
		Live: a.live, Closing: a.closing, Follow: j.Tail, Outcomes: a.outcomes(j, d), Listeners: a.listeners,
		Ready: ready(j), Notes: notes(j),
		Version: a.cfg.Version, Log: a.cfg.Log, Now: a.cfg.Now,
	}
}
