package admin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/config"
)

// rotating is a configuration in which secrets of both directions are replaced.
func rotating() *config.Config {
	secrets := []dialect.DatedSecret{
		{Value: "hush-old", Until: noon},
		{Value: "hush-present", Until: noon.Add(time.Hour)},
		{Value: "hush-next", From: noon.Add(time.Minute)},
		{Value: "hush-always"},
	}
	return &config.Config{Apps: []config.App{{
		Name:      "shop",
		Sources:   []config.Source{{Name: "im", Dialect: "toy", PathTokens: secrets[:2], Credentials: dialect.Credentials{Secrets: secrets[2:]}}},
		Endpoints: []config.Endpoint{{Name: "backend", Dialect: "toy", Credentials: dialect.Credentials{Secrets: secrets[1:3]}}},
	}}}
}

func TestSecrets_AreShownWithoutTheirValues(t *testing.T) {
	t.Parallel()
	var source, endpoint dialect.SecretUses
	source.Note("hush-old", noon.Add(-time.Minute))
	source.Note("hush-always", noon.Add(-time.Second))
	endpoint.Note("hush-present", noon.Add(-2*time.Second))
	h := setup(t, func(c *admin.Config) {
		c.Current = rotating
		c.Uses = func(o admin.Owner) *dialect.SecretUses {
			return map[admin.Owner]*dialect.SecretUses{
				{Kind: admin.OwnerSource, App: "shop", Name: "im"}:        &source,
				{Kind: admin.OwnerEndpoint, App: "shop", Name: "backend"}: &endpoint,
			}[o]
		}
	})
	for _, tt := range []struct{ path, want string }{
		{"/api/v1/sources", `"secrets":[` +
			`{"key":"path_token","place":1,"until":"2026-11-20T12:00:00Z","state":"expired","lastUsed":"2026-11-20T11:59:00Z"},` +
			`{"key":"path_token","place":2,"until":"2026-11-20T13:00:00Z","state":"live"},` +
			`{"key":"secret","place":1,"from":"2026-11-20T12:01:00Z","state":"not yet"},` +
			`{"key":"secret","place":2,"state":"live","lastUsed":"2026-11-20T11:59:59Z"}]`},
		{"/api/v1/endpoints", `"secrets":[` +
			`{"key":"secret","place":1,"until":"2026-11-20T13:00:00Z","state":"live","lastUsed":"2026-11-20T11:59:58Z"},` +
			`{"key":"secret","place":2,"from":"2026-11-20T12:01:00Z","state":"not yet"}]`},
	} {
		got := ask(h, "GET", tt.path, "", nil).Body.String()
		if strings.Contains(got, "hush") {
			t.Errorf("%s shows a secret: %s", tt.path, got)
		}
		_, secrets, _ := strings.Cut(got, `"secrets":`)
		secrets, _, _ = strings.Cut(secrets, "]")
		if diff := cmp.Diff(tt.want, `"secrets":`+secrets+"]"); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.path, diff)
		}
	}
}

func TestSecrets_NobodyKnowsWhenTheyWereUsed(t *testing.T) {
	t.Parallel()
	h := setup(t, func(c *admin.Config) { c.Current = rotating })
	if got := ask(h, "GET", "/api/v1/sources", "", nil).Body.String(); !strings.Contains(got, `{"key":"secret","place":2,"state":"live"}`) {
		t.Errorf("sources = %s", got)
	}
}
