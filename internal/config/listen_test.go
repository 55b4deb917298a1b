package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imhook/imhook/internal/config"
)

func TestParse_TwoListenersNeedTwoAddresses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		listen, admin string
		taken         bool
	}{
		{"127.0.0.1:8420", "127.0.0.1:8420", true},
		{"127.0.0.1:8420", "localhost:8420", true},
		{"0.0.0.0:8420", "127.0.0.1:8420", true},
		{":8420", "127.0.0.1:8420", true},
		{"[::]:8420", "[::1]:8420", true},
		{"127.0.0.1:8420", "127.0.0.1:8421", false},
		{"10.0.0.1:8420", "127.0.0.1:8420", false},
		{"0.0.0.0:0", "127.0.0.1:0", false},
	} {
		_, err := config.Parse("f.yaml", fmt.Appendf(nil, "listen: %q\nadmin: {listen: %q}\napps: [{name: a}]\n", tt.listen, tt.admin), options())
		if tt.taken && (err == nil || !strings.Contains(err.Error(), "f.yaml:2:17: admin.listen: "+tt.admin+" is where callbacks are taken already")) {
			t.Errorf("listen %s and admin.listen %s: %v, want it refused", tt.listen, tt.admin, err)
		}
		if !tt.taken && err != nil {
			t.Errorf("listen %s and admin.listen %s: %v", tt.listen, tt.admin, err)
		}
	}
}

func TestCheckListen_IsAboutWhereTheAPIIs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		listen, admin string
		token         bool
		open          bool
	}{
		{"0.0.0.0:1", "", false, true},
		{"0.0.0.0:1", "", true, false},
		{"0.0.0.0:1", "127.0.0.1:2", false, false},
		{"127.0.0.1:1", "0.0.0.0:2", false, true},
		{"127.0.0.1:1", "0.0.0.0:2", true, false},
	} {
		c := config.Sandbox(registry(), "", tt.listen)
		c.Admin.Listen = tt.admin
		if tt.token {
			c.Admin.Token = "t"
		}
		if err := c.CheckListen(); (err != nil) != tt.open {
			t.Errorf("listen %s, admin.listen %q, token %v: %v", tt.listen, tt.admin, tt.token, err)
		}
	}
}
