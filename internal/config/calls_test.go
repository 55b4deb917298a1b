package config_test

import (
	"net/netip"
	"testing"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/internal/config"
)

// What is defined through the API of a sandbox may be on the same machine, where nobody
// else reaches the sandbox; in a network nowhere.
func TestCalls_OfASandboxOnThisMachine(t *testing.T) {
	t.Parallel()
	local, private := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("10.0.0.7")
	for listen, want := range map[string]bool{"127.0.0.1:8420": true, "[::1]:8420": true, "0.0.0.0:8420": false} {
		c := config.Sandbox(builtin.New(), t.TempDir(), listen)
		if err := c.Calls(true).Check(local); (err == nil) != want {
			t.Errorf("listening on %s, an endpoint of the API at %v: %v", listen, local, err)
		}
		if err := c.Calls(true).Check(private); err == nil {
			t.Errorf("listening on %s, an endpoint of the API at %v is called", listen, private)
		}
	}
}
