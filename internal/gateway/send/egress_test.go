package send

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/internal/egress"
	"github.com/imhook/imhook/internal/gateway"
)

// byName is the URL of a server on 127.0.0.1 by a name that must be looked up.
func byName(t *testing.T, s string) string {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return "http://localhost:" + u.Port()
}

func TestSend_WhoMayBeCalled(t *testing.T) {
	t.Parallel()
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, tt := range []struct {
		name   string
		policy egress.Policy
		kind   gateway.OutcomeKind
		detail string
	}{
		{"the file's", egress.ForFile(nil), gateway.Delivered, ""},
		{"the API's", egress.ForAPI(nil), gateway.Misconfigured, "is private ("},
		{"the API's, allowed", egress.ForAPI(loopback), gateway.Delivered, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(t, nil)
			cfg := config(byName(t, b.URL))
			cfg.Egress = tt.policy
			s := newSender(t, cfg)
			out := s.Send(t.Context(), raw("ours", `{"text":"hi"}`), 0)
			reply := s.Ask(t.Context(), gateway.Question{Event: raw("ours", `{"text":"hi"}`), Deadline: time.Now().Add(10 * time.Second)})
			if out.Kind != tt.kind || !strings.Contains(out.Detail, tt.detail) {
				t.Errorf("outcome = %+v, want %s with %q", out, tt.kind, tt.detail)
			}
			if tt.kind == gateway.Delivered {
				if n := len(b.requests()); n != 2 {
					t.Errorf("the backend got %d requests, want the event and the question", n)
				}
				return
			}
			if out.Reason != gateway.ReasonEgress || !strings.Contains(out.Detail, "add it to egress.allow") || out.Exchange == nil {
				t.Errorf("outcome = %+v, want %s with the remedy and what was tried", out, gateway.ReasonEgress)
			}
			if reply.Cause != gateway.CauseError || reply.Reason != gateway.ReasonEgress || !strings.Contains(reply.Detail, "add it to egress.allow") {
				t.Errorf("a hook's reply = %+v, want %s with the remedy", reply, gateway.ReasonEgress)
			}
			if n := len(b.requests()); n != 0 {
				t.Errorf("the backend got %d requests, want none", n)
			}
		})
	}
}

// TestSend_RedirectLeadsNowhereElse: neither to an address in any spelling nor to the endpoint's
// own name with another address behind it.
func TestSend_RedirectLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	for _, to := range []string{
		"http://169.254.169.254/latest/meta-data", "//169.254.169.254/", "http://2852039166/", "http://[::ffff:169.254.169.254]/", `\\169.254.169.254\x`,
		"http://127.0.0.1@169.254.169.254/", "http://127.0.0.1.:1/", "gopher://127.0.0.1/",
	} {
		b := newBackend(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header()["Location"] = []string{to}
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
		out := newSender(t, config(b.URL)).Send(t.Context(), raw("ours", `{}`), 0)
		followed := len(b.requests())
		if out.Kind != gateway.Refused || out.Reason != gateway.ReasonRedirect {
			t.Errorf("%s: outcome = %+v, want %s", to, out, gateway.ReasonRedirect)
		}
		// A path of the endpoint's own, however it is spelled, is asked of the endpoint.
		if followed != 1 && !strings.HasPrefix(to, `\`) {
			t.Errorf("%s: %d requests, want 1", to, followed)
		}
	}
}

// TestSend_NoProxyFromTheEnvironment: through a proxy nobody would check the address.
func TestSend_NoProxyFromTheEnvironment(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") }))
	t.Cleanup(proxy.Close)
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	t.Setenv("NO_PROXY", "")
	b := newBackend(t, nil)
	if out := newSender(t, config(b.URL)).Send(t.Context(), raw("ours", `{}`), 0); out.Kind != gateway.Delivered {
		t.Errorf("outcome = %+v, want it delivered without the proxy", out)
	}
	cfg := config("http://169.254.169.254/")
	if out := newSender(t, cfg).Send(t.Context(), raw("ours", `{}`), 0); out.Reason != gateway.ReasonEgress {
		t.Errorf("outcome = %+v, want %s", out, gateway.ReasonEgress)
	}
}

func TestParseBase_HostsAreWrittenInOneWay(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"http://Backend:8080/x":                "backend:8080",
		"http://例子.中国/":                        "xn--fsqu00a.xn--fiqs8s",
		"https://[2001:DB8::0:1]:8443":         "[2001:db8::1]:8443",
		"https://[2001:DB8::0:1]":              "[2001:db8::1]",
		"http://[::ffff:10.1.2.3]/":            "10.1.2.3",
		"http://backend.example.":              "backend.example.",
		"http://2852039166/":                   "",
		"http://[fe80::1%25eth0]/":             "",
		"http://0xa9.254.0251.254:80/metadata": "",
	} {
		u, err := parseBase(in)
		if want == "" {
			if err == nil {
				t.Errorf("parseBase(%q) = %s, want an error", in, u.Host)
			}
			continue
		}
		if err != nil || u.Host != want {
			t.Errorf("parseBase(%q) = %v, %v, want host %s", in, u, err, want)
		}
		if _, _, err := net.SplitHostPort(net.JoinHostPort(u.Hostname(), portOf(u))); err != nil {
			t.Errorf("%s cannot be connected to: %v", u.Host, err)
		}
	}
}
