package admin

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/imhook/imhook/internal/config"
)

// Comparison is what another configuration would change.
type Comparison struct {
	Changes []Change `json:"changes"`
	Effects []Effect `json:"effects"`
}

// Change is one thing that would change.
type Change struct {
	config.Change
	// Text says it whole, without secrets.
	Text string `json:"text"`
	// Restart is true when the gateway must be restarted for it.
	Restart bool `json:"restart,omitzero"`
}

// Effect is what the changes mean for the events of one endpoint (app/name).
type Effect struct {
	Endpoint string `json:"endpoint"`
	Text     string `json:"text"`
	// Events are concerned, or more when AtLeast is true: counting is bounded.
	Events  int  `json:"events"`
	AtLeast bool `json:"atLeast,omitzero"`
}

// maxConfig bounds a configuration in bytes.
const maxConfig = 4 << 20

// compare answers what the configuration in the body would change. Files and
// environment variables that it names are the gateway's own.
func (a *api) compare(ctx context.Context, _ *none) (Comparison, error) {
	if a.Compare == nil {
		return Comparison{}, refuse(http.StatusNotImplemented, "this gateway cannot compare configurations")
	}
	q := requestOf(ctx)
	data, err := io.ReadAll(http.MaxBytesReader(q.w, q.r.Body, maxConfig))
	if err != nil {
		return Comparison{}, refuse(http.StatusRequestEntityTooLarge, "the configuration could not be read; at most 4 MiB")
	}
	c, err := a.Compare(ctx, data)
	if problems, ok := errors.AsType[*config.Error](err); ok {
		return Comparison{}, refuse(http.StatusUnprocessableEntity, "%v", problems)
	}
	if err != nil {
		return Comparison{}, a.broken(ctx, "comparing configurations", err)
	}
	return c, nil
}
