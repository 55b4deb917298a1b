package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/imhook/imhook/client/admin"
)

// checkCluster looks at who writes and who delivers, where several gateways share the
// journal.
func (d *doctor) checkCluster(ctx context.Context) error {
	v, err := d.client.Cluster(ctx)
	if refused, ok := errors.AsType[*admin.Error](err); ok {
		if d.shared = refused.Status != http.StatusNotFound; d.shared {
			d.found(finding{
				Level: wrong, Check: "cluster", What: "no gateway writes the journal", Why: reason(refused),
				Do: "another one takes over within seconds; if none does, look at NATS (journal.url)",
			})
		}
		return nil
	}
	if err != nil {
		return explain(err)
	}
	d.shared = true
	d.judgeCluster(v)
	return nil
}

func (d *doctor) judgeCluster(v *admin.Cluster) {
	well := true
	bad := func(f finding) {
		f.Level, f.Check, well = wrong, "cluster", false
		d.found(f)
	}
	for _, m := range v.Members {
		name := fmt.Sprintf("%s/%d", m.Host, m.PID)
		if len(m.Differs) > 0 {
			bad(finding{About: name, What: "its configuration is another one than that of the gateway that writes", Why: strings.Join(m.Differs, "; "), Do: "make the files equal; each gateway reads its own again by itself"})
		}
		if m.Note != "" {
			bad(finding{About: name, What: "it does not deliver", Why: m.Note, Do: "replace it by the version of the others"})
		}
	}
	var waits []string
	for _, p := range v.Parts {
		if (p.Owner == "" || p.Moving) && d.wants(p.Endpoint) {
			waits = append(waits, fmt.Sprintf("%s part %d of %d", p.Endpoint, p.Part, p.Of))
		}
	}
	if len(waits) > 0 {
		bad(finding{
			What: fmt.Sprintf("nobody delivers %d of %d parts of endpoints at the moment", len(waits), len(v.Parts)), Why: "they go from one gateway to another, or could not be begun: " + strings.Join(waits, ", "),
			Do: "ask again in some seconds; if it stays so, the gateways' logs say why",
		})
	}
	if well {
		d.fine("cluster", "", "%s share the journal, and every part of every endpoint is delivered", count(len(v.Members), "gateway"))
	}
}
