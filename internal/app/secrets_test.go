package app_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/imfake"
	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/app"
	"github.com/imhook/imhook/internal/config"
)

// clock is the system's, moved forward by hand.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// lockedLog is a log that is read while it is written.
type lockedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const (
	inOld, inNew   = "callers-old-secret", "callers-new-secret"
	outOld, outNew = "whsec_dGhlIG9sZCBzZWNyZXQgb2YgdGhlIGJhY2tlbmQh", "whsec_dGhlIG5ldyBzZWNyZXQgb2YgdGhlIGJhY2tlbmQh"
	pathToken      = "a-segment-that-is-hard-to-guess"
)

// rotation is a gateway in which the secrets of both directions are replaced. From
// begin the new ones are valid, and from end the callers' old one is not.
type rotation struct {
	clock      clock
	log        lockedLog
	begin, end time.Time
	backend    *imfake.Backend
	dir        string
}

func (r *rotation) credentials(in ...dialect.DatedSecret) dialect.Credentials {
	return dialect.Credentials{Public: map[string]string{"app_key": "shop#app"}, Secrets: in}
}

func (r *rotation) config(t *testing.T, in ...dialect.DatedSecret) *config.Config {
	t.Helper()
	c, err := config.Parse("imhook.yaml", fmt.Appendf(nil, `
listen: 127.0.0.1:0
data_dir: %q
apps:
  - name: shop
    sources:
      - {name: easemob, dialect: easemob, credentials: {app_key: "shop#app", secret: x, path_token: %s}}
    endpoints:
      - {name: backend, url: %q, dialect: cloudevents, events: ["**"], credentials: {secret: %s}}
`, r.dir, pathToken, r.backend.URL(), outOld), config.Options{Registry: builtin.New()})
	if err != nil {
		t.Fatal(err)
	}
	c.Apps[0].Sources[0].Credentials = r.credentials(in...)
	c.Apps[0].Endpoints[0].Credentials.Secrets = []dialect.DatedSecret{{Value: outNew, From: r.begin}, {Value: outOld}}
	return c
}

// secrets is what the API shows of the source's and of the endpoint's.
func secrets(t *testing.T, addr string) (source, endpoint []admin.SecretStatus) {
	t.Helper()
	read := func(what string) []admin.SecretStatus {
		_, text := ask(t, "http://"+addr+"/api/v1/"+what, "")
		var answer map[string][]struct {
			Secrets []admin.SecretStatus `json:"secrets"`
		}
		if err := json.Unmarshal([]byte(text), &answer); err != nil || len(answer[what]) != 1 {
			t.Fatalf("%s = %s, %v", what, text, err)
		}
		for _, s := range []string{inOld, inNew, outOld, outNew, pathToken} {
			if strings.Contains(text, s) {
				t.Errorf("%s shows a secret: %s", what, text)
			}
		}
		return answer[what][0].Secrets
	}
	return read("sources"), read("endpoints")
}

// load is one caller of its own.
type load struct {
	run    *imfake.Run
	before int
}

// Secrets of both directions are replaced while callbacks pour in, and then the old
// ones removed: none is refused, none is signed wrongly, and it can be seen when the
// old ones are not used any more.
func TestApp_SecretsAreReplacedUnderLoad(t *testing.T) {
	r := &rotation{dir: t.TempDir()}
	r.begin = time.Now().Add(time.Minute)
	// Callers change over in between.
	change := r.begin.Add(time.Minute)
	r.end = change.Add(time.Minute)
	reg := builtin.New()
	easemob, err := reg.Get("easemob")
	if err != nil {
		t.Fatal(err)
	}
	ce, err := reg.Get("cloudevents")
	if err != nil {
		t.Fatal(err)
	}
	r.backend = imfake.NewBackend(ce, imfake.Clock(r.clock.now),
		imfake.Credentials(dialect.Credentials{Secrets: []dialect.DatedSecret{{Value: outOld}, {Value: outNew}}}))
	defer r.backend.Close()

	retiring, successor := dialect.DatedSecret{Value: inOld, Until: r.end}, dialect.DatedSecret{Value: inNew, From: r.begin}
	a, err := app.New(app.Config{
		Config: r.config(t, retiring, successor), Registry: reg, Version: "test", Now: r.clock.now,
		Log: slog.New(slog.NewTextHandler(&r.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer stop(t, a)
	url := "http://" + a.Addr() + "/in/easemob/" + pathToken

	// Each caller posts one after the other, so that one more accepted each means
	// that nothing is under way that was signed before.
	callers := imfake.NewServer(easemob, url, imfake.ServerConfig{Now: r.clock.now, Credentials: r.credentials(
		dialect.DatedSecret{Value: inOld, Until: change}, dialect.DatedSecret{Value: inNew, From: change})})
	defer callers.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var loads []*load
	for i := range 4 {
		loads = append(loads, &load{run: callers.Start(ctx, imfake.Load{
			Lanes: 4, Workers: 1, FirstLane: uint32(10 * i), FirstID: int64(i+1) * 1_000_000,
		})})
	}
	more := func(what string) {
		t.Helper()
		for _, l := range loads {
			l.before, _, _ = l.run.Counts()
		}
		await(t, what, func() bool {
			for _, l := range loads {
				accepted, refused, err := l.run.Counts()
				if refused > 0 {
					t.Fatalf("%s: %d callbacks were refused: %v\n%s", what, refused, err, &r.log)
				}
				if accepted < l.before+25 {
					return false
				}
			}
			return true
		})
	}
	// What was used after since is in use now.
	var since time.Time
	step := func(what string, to time.Time) {
		t.Helper()
		more(what + ": up to then")
		if !to.IsZero() {
			r.clock.ahead.Store(int64(time.Until(to)))
		}
		more(what + ": what was under way")
		since = r.clock.now()
		r.clock.ahead.Add(int64(2 * time.Second)) // uses are noted once a second
		more(what)
	}
	type want struct{ oldIn, newIn, oldOut, newOut bool }
	expect := func(what string, w want) {
		t.Helper()
		await(t, what+" shows", func() bool {
			in, out := secrets(t, a.Addr())
			used := func(s admin.SecretStatus) bool { return s.LastUsed.After(since) }
			return len(in) == 3 && len(out) == 2 && used(in[0]) &&
				w == want{used(in[1]), used(in[2]), used(out[1]), used(out[0])}
		})
	}

	step("before the new secrets are valid", time.Time{})
	expect("before", want{oldIn: true, oldOut: true})
	step("the new secrets are valid", r.begin)
	expect("overlapping", want{oldIn: true, newOut: true})
	step("the callers change", change)
	expect("changed", want{newIn: true, newOut: true})
	step("the old secret has expired", r.end)
	expect("expired", want{newIn: true, newOut: true})
	in, _ := secrets(t, a.Addr())
	if in[1].State != admin.SecretExpired || !in[1].LastUsed.Before(change.Add(time.Second)) || !in[1].LastUsed.After(r.begin) {
		t.Errorf("the old secret is shown as %+v, it was used until %v", in[1], change)
	}

	// A caller that was forgotten is refused, and the log says why.
	forgotten := imfake.NewServer(easemob, url, imfake.ServerConfig{
		Now: r.clock.now, Credentials: r.credentials(dialect.DatedSecret{Value: inOld}), Policy: &imfake.Policy{},
	})
	defer forgotten.Close()
	if answer, err := forgotten.Post(t.Context(), easemob.Spec().Commands[0].Name); err != nil || answer.Response.Status != 401 {
		t.Errorf("signed with the expired secret: %+v, %v, want 401", answer, err)
	}
	if want := `signed_with="secret 1, which expired at ` + r.end.UTC().Format(time.RFC3339); !strings.Contains(r.log.String(), want) {
		t.Errorf("the log does not say %s:\n%s", want, &r.log)
	}
	if n := strings.Count(r.log.String(), "expires soon"); n != 1 {
		t.Errorf("that callers use a secret that expires soon was said %d times, want once:\n%s", n, &r.log)
	}

	// The old one is removed while callbacks go on; what is known of the other stays.
	const series = `imhook_secret_last_used_timestamp_seconds{app="shop",key="secret",kind="source",name="easemob",place="2"}`
	_, text := ask(t, "http://"+a.Addr()+"/metrics", "")
	for _, want := range []string{
		series,
		`imhook_secret_last_used_timestamp_seconds{app="shop",key="path_token",kind="source",name="easemob",place="1"}`,
		`imhook_secret_last_used_timestamp_seconds{app="shop",key="secret",kind="endpoint",name="backend",place="2"}`,
		`imhook_secret_expires_timestamp_seconds{app="shop",key="secret",kind="source",name="easemob",place="1"}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
	if strings.Contains(text, series+" 0\n") {
		t.Errorf("the metrics say that the new secret was not used")
	}
	in, _ = secrets(t, a.Addr())
	if changes, err := a.Reload(t.Context(), r.config(t, successor)); err != nil || len(changes) != 1 {
		t.Fatalf("reload: %v, %v", changes, err)
	}
	after, _ := secrets(t, a.Addr())
	if len(after) != 2 || after[1].LastUsed.Before(in[2].LastUsed) {
		t.Errorf("after the reload the secrets are %+v, before %+v", after, in)
	}
	if _, text := ask(t, "http://"+a.Addr()+"/metrics", ""); strings.Contains(text, series) {
		t.Errorf("the metrics still have %s", series)
	}
	more("the old secret is removed")

	cancel()
	var marks []imfake.Mark
	for _, l := range loads {
		if err := l.run.Wait(); err != nil {
			t.Error(err)
		}
		marks = append(marks, l.run.Accepted()...)
	}
	await(t, "everything is delivered", func() bool { return len(r.backend.Tally().Missing(marks)) == 0 })
	if err := r.backend.Tally().Check(marks); err != nil {
		t.Error(err)
	}
	for _, got := range r.backend.Received() {
		if got.VerifyErr != nil {
			t.Fatalf("request %d to the backend: %v", got.N, got.VerifyErr)
		}
	}
	t.Logf("%d callbacks", len(marks))
	for _, s := range []string{inOld, inNew, outOld, outNew, pathToken} {
		if strings.Contains(r.log.String(), s) {
			t.Errorf("the log holds a secret:\n%s", &r.log)
		}
	}
}
