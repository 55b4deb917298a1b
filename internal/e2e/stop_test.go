package e2e_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/imfake"
)

// A clean stop, unlike a kill, has time to write down what was delivered.
func TestStop_LosesNothingAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	backend := imfake.NewBackend(wildfirechat.New(), imfake.Keep(0))
	t.Cleanup(backend.Close)
	gateway := newGateway(t, func(listen, data string) string {
		return fmt.Sprintf(`listen: %s
data_dir: %s
apps:
  - name: shop
    sources:
      - {name: wfc, dialect: wildfirechat}
    endpoints:
      - {name: backend, dialect: wildfirechat, url: %q}
`, listen, data, backend.URL())
	})
	server := imfake.NewServer(wildfirechat.New(), "http://"+gateway.addr+"/in/wfc", imfake.ServerConfig{})
	t.Cleanup(server.Close)
	gateway.start(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	run := server.Start(ctx, imfake.Load{Lanes: 50, Workers: 8, TextBytes: 200})

	for i := range 3 {
		if err := awaitDistinct(t, backend.Tally(), backend.Tally().Distinct()+500, time.Minute); err != nil {
			t.Fatalf("before stop %d: %v\n%s", i+1, err, gateway.tail())
		}
		if err := gateway.stop(); err != nil {
			t.Fatalf("stop %d: %v\n%s", i+1, err, gateway.tail())
		}
		gateway.start(t)
	}
	cancel()
	if err := run.Wait(); err != nil {
		t.Fatal(err)
	}
	accepted := run.Accepted()
	if err := eventually(t.Context(), time.Minute, func() error { return backend.Tally().Check(accepted) }); err != nil {
		t.Errorf("%v\n%s", err, gateway.tail())
	}
	if n := backend.Tally().Duplicates(); n != 0 {
		t.Errorf("%d of %d messages were delivered again after a clean stop", n, len(accepted))
	}
}
