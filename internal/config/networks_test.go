package config_test

import (
	"strings"
	"testing"

	"github.com/imhook/imhook/internal/config"
)

func TestParse_NetworksInIPv6Clothes(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("imhook.yaml", []byte(`{trusted_proxies: ["::ffff:10.0.0.0/104", "::ffff:10.1.2.3", "10.2.0.0/16"], apps: [{name: shop}]}`), options())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range c.TrustedProxies {
		got = append(got, p.String())
	}
	if all := strings.Join(got, " "); all != "10.0.0.0/8 10.1.2.3/32 10.2.0.0/16" {
		t.Errorf("trusted_proxies are %s", all)
	}
}
