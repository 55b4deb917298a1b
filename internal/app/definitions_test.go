package app_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/imhook/imhook/client/admin"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/imfake"
	"github.com/imhook/imhook/internal/app"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/natstest"
)

// extend adds what the API defined.
func extend(base *config.Config, all []config.Addition) (*config.Config, []config.Added) {
	return config.Extend(base, config.Options{Registry: builtin.New()}, all)
}

// asking is who asks a gateway with a token.
func asking(t *testing.T, a *app.App, token string) *admin.Client {
	t.Helper()
	tr := &http.Transport{DisableKeepAlives: true}
	c, err := admin.New(admin.Config{URL: "http://" + a.Addr(), Token: token, HTTP: &http.Client{Transport: tr}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// post sends n messages through a source, and says how many were kept.
func postTo(t *testing.T, a *app.App, source string, first int64, n int) error {
	t.Helper()
	s := imfake.NewServer(wildfirechat.New(), "http://"+a.Addr()+"/in/"+source, imfake.ServerConfig{})
	defer s.Close()
	run := s.Start(t.Context(), imfake.Load{Lanes: n, FirstLane: uint32(first), FirstID: 1<<50 + first<<40, Workers: 1, Count: n})
	if err := run.Wait(); err != nil {
		return err
	}
	if kept, refused, err := run.Counts(); kept != n {
		return fmt.Errorf("%d of %d kept, %d refused, %w", kept, n, refused, err)
	}
	return nil
}

// endpointsOf are the names of the endpoints that a gateway has.
func endpointsOf(ctx context.Context, c *admin.Client) ([]string, error) {
	list, err := c.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range list.Endpoints {
		if e.State != "removed" {
			names = append(names, e.Name)
		}
	}
	return names, nil
}

// What the API defines is in force at once, after a restart, and no more when the file
// takes its name or it is deleted.
func TestDefinitions_InForceAtOnceAndAfterARestart(t *testing.T) {
	t.Parallel()
	backend := imfake.NewBackend(wildfirechat.New(), imfake.Keep(0))
	t.Cleanup(backend.Close)
	dir := t.TempDir()
	file := func(more string) *config.Config {
		t.Helper()
		cfg, err := config.Parse("imhook.yaml", fmt.Appendf(nil, `listen: 127.0.0.1:0
data_dir: %q
egress: {allow: [127.0.0.0/8]}
apps:
  - name: shop
    sources: [{name: wfc, dialect: wildfirechat}]
    endpoints: [{name: inbox, builtin: inbox}%s]
`, dir, more), config.Options{Registry: builtin.New()})
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	start := func(more string) *app.App {
		t.Helper()
		a, err := app.New(app.Config{Config: file(more), Registry: builtin.New(), Extend: extend})
		if err == nil {
			err = a.Start(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	ctx, cancel := context.WithTimeout(t.Context(), eventual)
	defer cancel()
	arrived := func(n int) {
		t.Helper()
		eventually(ctx, t, func() error {
			if got := backend.Tally().Arrivals(); got != n {
				return fmt.Errorf("%d arrived, want %d", got, n)
			}
			return nil
		})
	}

	a := start("")
	c := asking(t, a, "")
	yaml := fmt.Appendf(nil, "dialect: wildfirechat\nurl: %s\nsources: [second]\n", backend.URL())
	// It names a source that is not there yet.
	_, err := c.PutDefinition(ctx, admin.Endpoints, "shop", "far", yaml, admin.DefineOptions{})
	if no, ok := errors.AsType[*admin.Error](err); !ok || no.Status != http.StatusUnprocessableEntity || !strings.Contains(no.Message, `no source "second"`) {
		t.Errorf("an endpoint of no source = %v", err)
	}
	if _, err := c.PutDefinition(ctx, admin.Sources, "shop", "second", []byte("dialect: wildfirechat\n"), admin.DefineOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutDefinition(ctx, admin.Endpoints, "shop", "far", yaml, admin.DefineOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := postTo(t, a, "second", 1, 5); err != nil {
		t.Error(err)
	}
	arrived(5)
	stop(t, a)

	a = start("")
	c = asking(t, a, "")
	if err := postTo(t, a, "second", 2, 5); err != nil {
		t.Error(err)
	}
	arrived(10)
	// A reload of the file leaves it alone.
	if changes, err := a.Reload(ctx, file("")); err != nil || len(changes) > 0 {
		t.Errorf("the same file changed %v, %v", changes, err)
	}
	// A source that is in use stays.
	if _, err := c.DeleteDefinition(ctx, admin.Sources, "shop", "second", admin.DefineOptions{}); err == nil || !strings.Contains(err.Error(), "the endpoint shop/far would not be valid any more") {
		t.Errorf("deleting a source that is in use = %v", err)
	}
	// The file takes the name, and gives it back.
	if _, err := a.Reload(ctx, file(", {name: far, builtin: inbox}")); err != nil {
		t.Fatal(err)
	}
	if err := postTo(t, a, "second", 3, 5); err != nil {
		t.Error(err)
	}
	d, err := c.GetDefinition(ctx, admin.Endpoints, "shop", "far")
	if err != nil || d.Origin != "file" || len(d.Problems) != 1 || !strings.Contains(d.Problems[0].Message, "the file wins") {
		t.Errorf("shadowed by the file: %+v, %v", d, err)
	}
	if _, err := a.Reload(ctx, file("")); err != nil {
		t.Fatal(err)
	}
	if err := postTo(t, a, "second", 4, 5); err != nil {
		t.Error(err)
	}
	arrived(15)
	for _, x := range []struct {
		section admin.Section
		name    string
	}{{admin.Endpoints, "far"}, {admin.Sources, "second"}} {
		if _, err := c.DeleteDefinition(ctx, x.section, "shop", x.name, admin.DefineOptions{}); err != nil {
			t.Errorf("deleting %s: %v", x.name, err)
		}
	}
	if err := postTo(t, a, "second", 5, 1); err == nil {
		t.Error("a source that was deleted takes events")
	}
	stop(t, a)
	a = start("")
	if names, err := endpointsOf(ctx, asking(t, a, "")); err != nil || !slices.Equal(names, []string{"inbox"}) {
		t.Errorf("after deleting and a restart there are %v, %v", names, err)
	}
	stop(t, a)
}

// Tokens, sessions and definitions hold at every gateway of a cluster, whichever was
// told, and at one that joins later.
func TestCluster_SettingsHoldAtEveryGateway(t *testing.T) {
	n := natstest.Server(t)
	c := newClustered(t, 1, oneEndpoint(1))
	c.top = "admin: {token: hush-admin}\negress: {allow: [127.0.0.0/8]}\n"
	for range 2 {
		c.join(n.URL())
	}
	ctx, cancel := context.WithTimeout(t.Context(), eventual)
	defer cancel()
	at := func(i int, token string) *admin.Client { return asking(t, c.gateways[i].App, token) }

	token, err := at(0, "hush-admin").CreateToken(ctx, admin.TokenWish{Name: "night", Role: "operator"})
	if err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, func() error {
		_, err := at(1, token.Secret).Endpoints(ctx)
		return err
	})
	cookie := sessionAt(t, c.gateways[1].App, token.Secret)
	eventually(ctx, t, func() error {
		if status := visit(t, c.gateways[0].App, cookie); status != http.StatusOK {
			return fmt.Errorf("the other gateway answers a session with %d", status)
		}
		return nil
	})

	far := imfake.NewBackend(wildfirechat.New(), imfake.Keep(0))
	t.Cleanup(far.Close)
	for _, x := range []struct {
		section admin.Section
		name    string
		yaml    string
	}{
		{admin.Sources, "second", "dialect: wildfirechat\n"},
		{admin.Endpoints, "far", fmt.Sprintf("dialect: wildfirechat\nurl: %s\nsources: [second]\n", far.URL())},
	} {
		if _, err := at(0, "hush-admin").PutDefinition(ctx, x.section, "shop", x.name, []byte(x.yaml), admin.DefineOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	c.join(n.URL())
	sent := 0
	for i, g := range c.gateways {
		tries := int64(0)
		eventually(ctx, t, func() error {
			names, err := endpointsOf(ctx, at(i, token.Secret))
			if err == nil && !slices.Contains(names, "far") {
				err = fmt.Errorf("gateway %d has %v", i, names)
			}
			if err != nil {
				return err
			}
			tries++
			return postTo(t, g.App, "second", int64(i+1)*1000+tries, 4)
		})
		sent += 4
	}
	eventually(ctx, t, func() error {
		if got := far.Tally().Arrivals(); got < sent {
			return fmt.Errorf("%d of %d arrived", got, sent)
		}
		return nil
	})

	if _, err := at(2, "hush-admin").RevokeToken(ctx, "night"); err != nil {
		t.Fatal(err)
	}
	if _, err := at(1, "hush-admin").DeleteDefinition(ctx, admin.Endpoints, "shop", "far", admin.DefineOptions{}); err != nil {
		t.Fatal(err)
	}
	for i, g := range c.gateways {
		eventually(ctx, t, func() error {
			_, err := at(i, token.Secret).Endpoints(ctx)
			if no, ok := errors.AsType[*admin.Error](err); !ok || no.Status != http.StatusUnauthorized {
				return fmt.Errorf("gateway %d does not refuse a revoked token: %w", i, cmp.Or(err, errors.New("no error")))
			}
			if status := visit(t, g.App, cookie); status != http.StatusUnauthorized {
				return fmt.Errorf("gateway %d answers its session with %d", i, status)
			}
			names, err := endpointsOf(ctx, at(i, "hush-admin"))
			if err == nil && slices.Contains(names, "far") {
				err = fmt.Errorf("gateway %d still has %v", i, names)
			}
			return err
		})
	}
}

// sessionAt logs in and returns the cookie.
func sessionAt(t *testing.T, a *app.App, token string) *http.Cookie {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.Addr()+"/api/v1/login", strings.NewReader(fmt.Sprintf(`{"token":%q}`, token)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	all := res.Cookies()
	if res.StatusCode != http.StatusOK || len(all) != 1 {
		t.Fatalf("login = %s with %d cookies", res.Status, len(all))
	}
	return all[0]
}

// visit asks who one is with a session, and returns the status.
func visit(t *testing.T, a *app.App, session *http.Cookie) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+a.Addr()+"/api/v1/me", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.AddCookie(session)
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	return res.StatusCode
}
