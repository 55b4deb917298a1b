package admin

import (
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
func (a *api) compare(w http.ResponseWriter, r *http.Request) {
	if a.Compare == nil {
		a.fail(w, r, http.StatusNotImplemented, "this gateway cannot compare configurations")
		return
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxConfig))
	if err != nil {
		a.fail(w, r, http.StatusRequestEntityTooLarge, "the configuration could not be read; at most 4 MiB")
		return
	}
	c, err := a.Compare(r.Context(), data)
	if problems, ok := errors.AsType[*config.Error](err); ok {
		a.fail(w, r, http.StatusUnprocessableEntity, problems.Error())
		return
	}
	if err != nil {
		a.broken(w, r, "comparing configurations", err)
		return
	}
	a.answer(w, r, c)
}
