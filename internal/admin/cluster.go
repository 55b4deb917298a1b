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

func (a *api) cluster(ctx context.Context, _ *none) (cluster.View, error) {
	v, err := a.Cluster.View(ctx)
	if err != nil {
		return v, refuse(http.StatusServiceUnavailable, "%v", err)
	}
	return v, nil
}
