package admin_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imhook/imhook/internal/admin"
)

// aborted reports whether a handler broke its connection off.
func aborted(why any) bool {
	err, ok := why.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// A stream that lasts ends with what it was asked with.
func TestStream_EndsWithItsTokenOrSession(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		ask  func(o *office, token string) func(*http.Request)
		end  func(o *office)
		ends bool
	}{
		{"nothing happens", func(_ *office, token string) func(*http.Request) { return bears(token) }, func(*office) {}, false},
		{
			"its token is revoked", func(_ *office, token string) func(*http.Request) { return bears(token) },
			func(o *office) { ask(o.h, "DELETE", "/api/v1/tokens/night", "", bears("hush-admin")) }, true,
		},
		{
			"others guess from its address", func(*office, string) func(*http.Request) { return bears("hush-admin") },
			func(o *office) {
				for n := range 30 {
					ask(o.h, "GET", "/api/v1/me", "", bears(fmt.Sprint("guess", n)))
				}
			}, false,
		},
		{
			"its session is over", func(o *office, token string) func(*http.Request) { return sits(o.login(t, token, nil)) },
			func(o *office) { o.add(12 * time.Hour) }, true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var lasting http.Handler
				o := newOffice(t, false, func(c *admin.Config) {
					var err error
					if lasting, err = admin.Lasting(*c); err != nil {
						t.Fatal(err)
					}
				})
				r := httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/lasting", http.NoBody)
				tt.ask(o, o.create(t, "night", admin.RoleOperator, ""))(r)
				ended := make(chan any, 1)
				go func() {
					defer func() { ended <- recover() }()
					lasting.ServeHTTP(httptest.NewRecorder(), r)
				}()
				synctest.Wait()
				tt.end(o)
				select {
				case why := <-ended:
					if !tt.ends || !aborted(why) {
						t.Errorf("it ended with %v", why)
					}
				case <-time.After(time.Minute):
					if tt.ends {
						t.Error("it goes on")
					}
				}
			})
		})
	}
}
