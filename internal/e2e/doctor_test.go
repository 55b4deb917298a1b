package e2e_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/imfake"
	"github.com/imhook/imhook/internal/natstest"
)

// Where gateways share a journal no event is followed end to end. The doctor ended
// there, before it had looked at endpoints and the ledger.
func TestDoctor_LooksAtEverythingElseInACluster(t *testing.T) {
	t.Parallel()
	backend := imfake.NewBackend(wildfirechat.New(), imfake.Keep(0))
	t.Cleanup(backend.Close)
	nats := natstest.Server(t)
	gateway := newGateway(t, func(listen, data string) string {
		return fmt.Sprintf(`listen: %s
data_dir: %s
journal: {url: %q}
apps:
  - name: shop
    sources:
      - {name: wfc, dialect: wildfirechat}
    endpoints:
      - {name: backend, dialect: wildfirechat, url: %q}
`, listen, data, nats.URL(), backend.URL())
	})
	gateway.start(t)
	out, err := exec.CommandContext(t.Context(), binary(t), "doctor", "--gateway", "http://"+gateway.addr).CombinedOutput()
	if err != nil {
		t.Errorf("doctor: %v", err)
	}
	for _, want := range []string{"no event was sent", "ledger: everything that came in is accounted for", "nothing is wrong"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("doctor does not say %q:\n%s", want, out)
		}
	}
}
