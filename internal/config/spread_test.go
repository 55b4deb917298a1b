package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imhook/imhook/internal/config"
)

func TestParse_SpreadIsForAClusterAndKeepsItsBounds(t *testing.T) {
	t.Parallel()
	file := func(journal, endpoint string) []byte {
		return fmt.Appendf(nil, `journal: %s
apps:
  - name: shop
    sources: [{name: im, dialect: plain}]
    endpoints:
      - {name: a, url: "https://a", dialect: own, credentials: {secret: s}, %s}
`, journal, endpoint)
	}
	const shared = "{url: nats://n}"
	for _, c := range []struct{ journal, endpoint, want string }{
		{shared, "spread: 8", ""},
		{"{}", "spread: 1", ""},
		{shared, "spread: 33", "up to 32 parts"},
		{shared, "spread: 0", "spread"},
		{shared, "spread: 2, order: strict", "order: strict"},
		{"{}", "spread: 2", "set journal.url"},
	} {
		got, err := config.Parse("imhook.yaml", file(c.journal, c.endpoint), options())
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s %s: %v", c.journal, c.endpoint, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s %s = %v, want an error that says %q", c.journal, c.endpoint, err, c.want)
		case c.want == "" && got.Apps[0].Endpoints[0].Spread < 1:
			t.Errorf("%s is read as %d", c.endpoint, got.Apps[0].Endpoints[0].Spread)
		}
	}
}

func TestFingerprint_TellsConfigurationsApartAndNoSecret(t *testing.T) {
	t.Parallel()
	parse := func(listen, url, secret string) map[string]string {
		t.Helper()
		c, err := config.Parse("imhook.yaml", fmt.Appendf(nil, `listen: %s
apps:
  - name: shop
    sources: [{name: im, dialect: plain}]
    endpoints: [{name: a, url: %q, dialect: own, credentials: {secret: %s}}]
`, listen, url, secret), options())
		if err != nil {
			t.Fatal(err)
		}
		return c.Fingerprint()
	}
	one := parse("127.0.0.1:1", "https://a", "s1")
	if fmt.Sprint(one) != fmt.Sprint(parse("127.0.0.1:2", "https://a", "s2")) {
		t.Error("it tells an address or a secret, which are each gateway's own")
	}
	other := parse("127.0.0.1:1", "https://b", "s1")
	if one["endpoint shop/a"] == other["endpoint shop/a"] || one["source shop/im"] != other["source shop/im"] {
		t.Errorf("%v and %v", one, other)
	}
}
