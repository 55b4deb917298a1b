package app

import (
	"github.com/prometheus/client_golang/prometheus"

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
				{Name: "open", Events: a.Open},
			},
		})
	}
	return all
}

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
func (c *ledgerCollector) Collect(ch chan<- prometheus.Metric) {
	for _, a := range c.accounts() {
		ch <- prometheus.MustNewConstMetric(c.difference, prometheus.GaugeValue, float64(a.Difference()), string(a.Kind), a.App, a.Name)
	}
}
