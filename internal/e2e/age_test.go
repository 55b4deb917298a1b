package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/imfake"
)

// What is never tried never fails: the age of what waits is what tells. It is there
// for every endpoint, 0 where nothing waits, so that an alert has something to look at.
func TestAge_IsZeroWhenNothingWaitsAndGrowsWhenSomethingDoes(t *testing.T) {
	t.Parallel()
	good := imfake.NewBackend(wildfirechat.New(), imfake.Keep(0))
	t.Cleanup(good.Close)
	gateway := newGateway(t, func(listen, data string) string {
		return fmt.Sprintf(`listen: %s
data_dir: %s
apps:
  - name: shop
    sources:
      - {name: wfc, dialect: wildfirechat}
    endpoints:
      - {name: good, dialect: wildfirechat, url: %q}
      - {name: idle, dialect: wildfirechat, url: %q, events: [user.**]}
      - {name: dead, dialect: wildfirechat, url: "http://%s"}
`, listen, data, good.URL(), good.URL(), freeAddr(t))
	})
	gateway.start(t)
	page, err := get(t.Context(), gateway, "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	series := func(name string) string {
		return fmt.Sprintf(`imhook_backlog_age_seconds{app="shop",endpoint=%q}`, name)
	}
	for _, name := range []string{"good", "idle", "dead"} {
		if !strings.Contains(page, series(name)+" 0\n") {
			t.Errorf("%s 0 is not shown in the beginning", series(name))
		}
	}
	server := imfake.NewServer(wildfirechat.New(), "http://"+gateway.addr+"/in/wfc", imfake.ServerConfig{})
	t.Cleanup(server.Close)
	if err := server.Start(t.Context(), imfake.Load{Count: 1}).Wait(); err != nil {
		t.Fatal(err)
	}
	if err := awaitDistinct(t, good.Tally(), 1, time.Minute); err != nil {
		t.Fatal(err)
	}
	var last float64
	for range 2 { // it grows
		if err := eventually(t.Context(), time.Minute, func() error {
			age := metric(t, gateway.addr, series("dead"))
			if age <= last {
				return fmt.Errorf("the age of what waits for the dead endpoint is %v, want more than %v", age, last)
			}
			last = age
			return nil
		}); err != nil {
			t.Fatalf("%v\n%s", err, gateway.tail())
		}
	}
	for _, name := range []string{"good", "idle"} {
		if err := eventually(t.Context(), time.Minute, func() error {
			if age := metric(t, gateway.addr, series(name)); age != 0 {
				return fmt.Errorf("the age of what waits for %s is %v, want 0", name, age)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
}
