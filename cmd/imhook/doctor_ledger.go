package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/imhook/imhook/client/admin"
	"github.com/imhook/imhook/internal/ledger"
)

// checkSecrets says which secrets end, or have ended.
func (d *doctor) checkSecrets(ctx context.Context) error {
	ends, err := d.readEndpoints(ctx)
	if err != nil {
		return err
	}
	hooks, err := d.client.Hooks(ctx)
	if err != nil {
		return explain(err)
	}
	n := 0
	look := func(kind, id string, all []admin.SecretStatus, do string) {
		n += len(all)
		for _, hint := range expiries(all, d.now) {
			level := note
			if strings.HasPrefix(hint, "no secret is valid") || strings.Contains(hint, "nothing follows") {
				level = wrong
			}
			d.found(finding{Level: level, Check: "secret", About: kind + " " + id, What: hint, Why: "it is dated (until)", Do: do})
		}
	}
	for _, s := range d.haveSources {
		look("source", s.Name, s.Secrets, "add the secret that its server signs with from then on")
	}
	for _, e := range ends {
		if id := e.App + "/" + e.Name; d.wants(id) {
			look("endpoint", id, e.Secrets, "add its successor here and at the backend")
		}
	}
	for _, h := range hooks.Hooks {
		look("hook", h.App+"/"+h.Name, h.Secrets, "add its successor here and at the hook")
	}
	if d.count("secret") == 0 && n > 0 {
		d.fine("secret", "", "none of %d ends soon", n)
	}
	return nil
}

func (d *doctor) count(check string) (n int) {
	for _, f := range d.findings {
		if f.Check == check {
			n++
		}
	}
	return n
}

// checkLedger says whether everything that came in is somewhere, and who gets nothing.
func (d *doctor) checkLedger(ctx context.Context) error {
	var answer struct {
		Accounts []ledger.Account `json:"accounts"`
	}
	if err := d.client.get(ctx, "/api/v1/ledger", nil, &answer); err != nil {
		return err
	}
	came := map[string]uint64{}
	for _, a := range answer.Accounts {
		if a.Kind == ledger.Source {
			came[a.App] += a.Came()
		}
	}
	sources, endpoints := 0, 0
	for _, a := range answer.Accounts {
		if a.Kind == ledger.Source {
			sources++
			continue
		}
		endpoints++
		if a.Came() > 0 || a.Removed || !d.wants(a.ID()) || came[a.App] <= uint64(d.sent[a.App]) {
			continue
		}
		d.found(finding{
			Level: note, Check: "endpoint", About: a.ID(), What: fmt.Sprintf("nothing matches it: it got none of the %d events since the start", came[a.App]),
			Why: "its events, sources and when pick none of them", Do: "imhook rule test --endpoint " + a.ID() + " says of each kept event why not",
		})
	}
	lines := ledger.Check(answer.Accounts)
	for _, line := range lines {
		d.found(finding{
			Level: wrong, Check: "ledger", What: line, Why: "what came in must be what came to its end and what is open",
			Do: "this is a defect of imhook: report it with the log since the start; events may be found with imhook events",
		})
	}
	if len(lines) == 0 {
		d.fine("ledger", "", "everything that came in is accounted for, at %d sources and %d endpoints", sources, endpoints)
	}
	return nil
}
