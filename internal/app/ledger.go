package app

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/internal/gateway/journal"
	"github.com/imhook/imhook/internal/gateway/receive"
	"github.com/imhook/imhook/internal/ledger"
)

// accounts are those of all sources and endpoints, as they are now.
func accounts(in *receive.Handler, d delivering) []ledger.Account {
	var all []ledger.Account
	for _, a := range in.Accounts() {
		all = append(all, ledger.Account{
			Kind: ledger.Source, App: a.App, Name: a.Name,
			In: []ledger.Entry{{Name: "received", Events: a.Received}},
			Out: []ledger.Entry{
				{Name: "journaled", Events: a.Journaled},
				{Name: "duplicates", Events: a.Duplicates},
				{Name: "refused", Events: a.Refused},
				{Name: "answered", Events: a.Answered},
				{Name: "under way", Events: a.UnderWay},
			},
		})
	}
	for _, a := range d.Accounts() {
		all = append(all, ledger.Account{
			Kind: ledger.Endpoint, App: a.App, Name: a.Name, Removed: a.Removed,
			In: []ledger.Entry{
				{Name: "matched", Events: a.Matched},
				{Name: "carried over", Events: a.CarriedOver},
			},
			Out: []ledger.Entry{
				{Name: "delivered", Events: a.Delivered},
				{Name: "parked", Events: a.Parked},
				{Name: "expired", Events: a.Expired},
				{Name: "echoes", Events: a.Echoes},
				{Name: "untranslatable", Events: a.Untranslatable},
				{Name: "coalesced", Events: a.Coalesced},
				{Name: "open", Events: a.Open},
			},
		})
	}
	return all
}

// sayLedger asks another gateway of a cluster for its accounts.
const sayLedger = "ledger"

// sharedBooks are the accounts of all gateways of a cluster, added up. Those of a
// gateway that does not answer are missing, in what came as in what became of it.
func (a *App) sharedBooks(j *journal.Journal, d together, own func() []ledger.Account) func() []ledger.Account {
	say := func() ([]byte, error) { return json.Marshal(own()) }
	j.Serve(sayLedger, func(context.Context, []byte) ([]byte, error) { return say() })
	return func() []ledger.Account {
		ctx, cancel := context.WithTimeout(context.Background(), booksWithin)
		defer cancel()
		mine, err := say()
		if err != nil {
			a.cfg.Log.Error("writing the ledger failed", "err", err)
			return own()
		}
		var all []ledger.Account
		err = d.Gather(ctx, sayLedger, mine, func(answer []byte) error {
			var some []ledger.Account
			err := json.Unmarshal(answer, &some)
			all = append(all, some...)
			return err
		})
		if err != nil {
			a.cfg.Log.Warn("the ledger is without the accounts of a gateway that does not answer", "err", err)
		}
		return ledger.Add(all)
	}
}

// booksWithin is how long other gateways may take to say what they have counted.
const booksWithin = 4 * time.Second

// ledgerCollector shows where accounts do not balance. One that does shows 0, so that
// an alert sees the difference between balanced and absent.
type ledgerCollector struct {
	accounts   func() []ledger.Account
	difference *prometheus.Desc
}

func newLedgerCollector(all func() []ledger.Account) *ledgerCollector {
	return &ledgerCollector{all, prometheus.NewDesc("imhook_ledger_difference",
		"Events that came in and are nowhere now, negative when more came out; 0 is what it must be.", []string{"kind", "app", "name"}, nil)}
}

// Describe sends the description.
func (c *ledgerCollector) Describe(ch chan<- *prometheus.Desc) { ch <- c.difference }

// Collect sends the values.
//
// An endpoint that was removed and is back in one slice before another has two accounts
// for a moment: two values under one name would cost the whole page.
func (c *ledgerCollector) Collect(ch chan<- prometheus.Metric) {
	all := c.accounts()
	for i := range all {
		all[i].Removed = false
	}
	for _, a := range ledger.Add(all) {
		ch <- prometheus.MustNewConstMetric(c.difference, prometheus.GaugeValue, float64(a.Difference()), string(a.Kind), a.App, a.Name)
	}
}
