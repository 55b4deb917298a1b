package admin

import (
	"context"
	"net/http"

	"github.com/imhook/imhook/internal/cluster"
)

// Cluster tells which gateways share the journal.
type Cluster interface {
	// View fails while no gateway of the cluster writes.
	View(ctx context.Context) (cluster.View, error)
}

func (a *api) cluster(w http.ResponseWriter, r *http.Request) {
	if a.Cluster == nil {
		a.fail(w, r, http.StatusNotFound, "this gateway has its journal alone; gateways share one with journal.url")
		return
	}
	v, err := a.Cluster.View(r.Context())
	if err != nil {
		a.fail(w, r, http.StatusServiceUnavailable, err.Error())
		return
	}
	a.answer(w, r, v)
}
