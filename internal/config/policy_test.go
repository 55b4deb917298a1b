package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/internal/config"
)

// Each vendor decides what its endpoints do, and config explain says so.
func TestParse_AVendorsPolicyDecides(t *testing.T) {
	t.Parallel()
	o := options()
	o.Registry = builtin.New()
	for _, d := range o.Registry.All() {
		spec := d.Spec()
		credentials := "{"
		for _, k := range spec.Credentials {
			credentials += k.Name + ": c2VjcmV0LXNlY3JldC1zZWNyZXRz, "
		}
		file := fmt.Sprintf("apps: [{name: shop, sources: [{name: im, dialect: wildfirechat, credentials: {path_token: abcdefghijkl}}], endpoints: [{name: b, url: 'http://b', dialect: %s, policy: vendor, credentials: %s}}]}]\n", spec.Name, credentials)
		if credentials == "{" {
			file = strings.Replace(file, ", credentials: {}}]}]", "}]}]", 1)
		}
		c, err := config.Parse("f.yaml", []byte(file), o)
		of := spec.Delivery
		if of == nil {
			if err == nil || !strings.Contains(err.Error(), "nobody's but imhook's own") || !strings.Contains(err.Error(), "easemob, openim, rongcloud, tencent, wildfirechat") {
				t.Errorf("%s: %v, want that it has no vendor", spec.Name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", spec.Name, err)
			continue
		}
		e := c.Apps[0].Endpoints[0]
		parallel := of.Parallel
		if parallel == 0 {
			parallel = 32
		}
		if e.Timeout != of.Timeout || e.Concurrency != parallel || e.Order != config.OrderNone || !e.Breaker.Off || e.Retry.MaxAttempts != of.Retries+1 {
			t.Errorf("%s: %+v, want %+v", spec.Name, e, of)
		}
		settings, err := c.Explain("apps.shop.endpoints.b.timeout")
		if want := "policy: vendor, " + of.Vendor + " (f.yaml:1)"; err != nil || settings[0].Origin.String() != want {
			t.Errorf("%s: timeout comes from %v, %v; want %s", spec.Name, settings, err, want)
		}
	}
}

// OpenIM's operators set the timeout themselves.
func TestParse_AnAdjustableTimeoutIsTheFiles(t *testing.T) {
	t.Parallel()
	o := options()
	o.Registry = builtin.New()
	file := "apps: [{name: shop, sources: [{name: im, dialect: openim}], endpoints: [{name: b, url: 'http://b', dialect: openim, policy: vendor, timeout: 2s}]}]\n"
	c, err := config.Parse("f.yaml", []byte(file), o)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Apps[0].Endpoints[0].Timeout; got != 2*time.Second {
		t.Errorf("timeout is %v, want the file's 2s", got)
	}
}
