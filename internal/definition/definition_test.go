package definition

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func parse(t *testing.T, text string) Doc {
	t.Helper()
	d, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

func TestParse_HasOneFormWhateverItCameIn(t *testing.T) {
	t.Parallel()
	want := "url: http://b\ndialect: openim\nevents:\n  - message.*\n  - \"123\"\nconcurrency: 8\nechoes: true\nwhen: |-\n  a\n  b\n"
	for _, text := range []string{
		`{"name":"x","url":"http://b","dialect":"openim","events":["message.*","123"],"concurrency":8,"echoes":true,"when":"a\nb"}`,
		"# about\nurl: http://b # here\ndialect: 'openim'\nevents: [message.*, '123']\nconcurrency: 8\nechoes: true\nwhen: |-\n  a\n  b\n",
		want,
	} {
		if diff := cmp.Diff(want, parse(t, text).String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	for _, text := range []string{"", "[]", "x", "a: 1\n---\nb: 2", "a: &x 1\nb: *x", "a: *hush", "{", strings.Repeat("[", 40) + strings.Repeat("]", 40), "a: " + strings.Repeat("[", 40) + strings.Repeat("]", 40)} {
		if d, err := Parse([]byte(text)); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q = %q, %v; want an error that holds nothing of it", text, d, err)
		}
	}
}

const secretive = `url: http://b
dialect: rongcloud
credentials:
  app_key: k
  app_secret: hush-1
  path_tokens:
    - value: hush-2
      until: 2027-01-01
  secrets:
    - hush-3
    - value: hush-4
      from: 2026-01-01
  unheard_of: hush-5
kafka:
  user: u
  password: hush-6
nats:
  token: hush-7
`

func TestMasked_HidesWhateverMayBeASecret(t *testing.T) {
	t.Parallel()
	got := parse(t, secretive).Masked([]string{"app_key"})
	if strings.Contains(got, "hush") || strings.Count(got, "<redacted>") != 7 {
		t.Errorf("masked:\n%s", got)
	}
	for _, want := range []string{"app_key: k", "user: u", "until: 2027-01-01", "from: 2026-01-01", "url: http://b"} {
		if !strings.Contains(got, want) {
			t.Errorf("masked has no %q:\n%s", want, got)
		}
	}
	// Of a dialect that nobody knows nothing is shown.
	if got := parse(t, secretive).Masked(nil); strings.Contains(got, "app_key: k") {
		t.Errorf("masked without a dialect:\n%s", got)
	}
}

// What stands in the wrong place is hidden as well: it is shown with what is wrong with it.
func TestMasked_HidesSecretsInWrongPlaces(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"credentials: hush", "credentials: [hush]", "app_secret: hush", "secrets: [hush]", "secrets: [{value: hush, until: 2027-01-01}]", "token: {value: hush}",
		"tls: {key_password: hush}", "path_tokens: [hush]", "credential: {secret: {one: hush}}",
	} {
		if got := parse(t, text).Masked([]string{"app_key"}); strings.Contains(got, "hush") {
			t.Errorf("%s: masked:\n%s", text, got)
		}
	}
}

func TestFilled_KeepsWhatWasHidden(t *testing.T) {
	t.Parallel()
	old := parse(t, secretive)
	shown := parse(t, strings.Replace(old.Masked([]string{"app_key"}), "http://b", "http://c", 1))
	got, err := shown.Filled(old)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Replace(old.String(), "http://b", "http://c", 1); got.String() != want {
		t.Errorf("filled (-want +got):\n%s", cmp.Diff(want, got.String()))
	}
	if _, err := parse(t, "credentials: {secret: <redacted>}").Filled(parse(t, "url: http://b")); err == nil || !strings.Contains(err.Error(), "credentials.secret") {
		t.Errorf("a secret that never was: %v, want its name", err)
	}
}

func TestPatched_IsAMergePatch(t *testing.T) {
	t.Parallel()
	d := parse(t, "url: http://b\nevents: [a, b]\nretry: {max_age: 1h, max_attempts: 3}\n")
	got := d.Patched(parse(t, `{"events":["c"],"retry":{"max_age":null,"fast":["1s"]},"order":"strict"}`))
	want := "url: http://b\nevents:\n  - c\nretry:\n  max_attempts: 3\n  fast:\n    - 1s\norder: strict\n"
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("patched (-want +got):\n%s", diff)
	}
	if !strings.Contains(d.String(), "max_age") {
		t.Error("the patch changed what it was applied to")
	}
}

func TestRotated_NewOneBehindThePresent(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	d := parse(t, "dialect: rongcloud\ncredentials: {app_key: k, app_secret: one}\n")
	d, err := d.Rotated([]string{"app_secret"}, false, "two", until)
	if err != nil {
		t.Fatal(err)
	}
	want := "dialect: rongcloud\ncredentials:\n  app_key: k\n  secrets:\n    - value: one\n      until: \"2026-11-21T12:00:00Z\"\n    - value: two\n"
	if diff := cmp.Diff(want, d.String()); diff != "" {
		t.Errorf("rotated (-want +got):\n%s", diff)
	}
	// Again: what ends earlier ends as it would.
	if d, err = d.Rotated([]string{"app_secret"}, false, "three", until.Add(24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	want = "dialect: rongcloud\ncredentials:\n  app_key: k\n  secrets:\n    - value: one\n      until: \"2026-11-21T12:00:00Z\"\n" +
		"    - value: two\n      until: \"2026-11-22T12:00:00Z\"\n    - value: three\n"
	if diff := cmp.Diff(want, d.String()); diff != "" {
		t.Errorf("rotated again (-want +got):\n%s", diff)
	}
	p, err := parse(t, "credentials: {path_token: one-long-token}").Rotated(nil, true, "two", until)
	if err != nil || !strings.Contains(p.String(), "path_tokens:\n    - value: one-long-token\n") {
		t.Errorf("path token: %v\n%s", err, p)
	}
	for _, text := range []string{"url: http://b", "credentials: {app_key: k}", "credentials: {secrets: []}", "credentials: x"} {
		if _, err := parse(t, text).Rotated(nil, false, "x", until); err == nil {
			t.Errorf("%s: there is a secret to rotate?", text)
		}
	}
}

func TestExport_IsAFileWithoutSecrets(t *testing.T) {
	t.Parallel()
	got, vars := Export([]Part{
		{"sources", "shop", "rong", parse(t, "dialect: rongcloud\ncredentials: {app_key: k, app_secret: hush}\n"), []string{"app_key"}},
		{"endpoints", "shop", "back-end", parse(t, "url: http://b\ndialect: cloudevents\ncredentials: {secrets: [{value: hush-a, until: 2027-01-01}, {value: hush-b}]}\n"), nil},
		{"endpoints", "other", "x", parse(t, "builtin: inbox"), nil},
	})
	want := `# Defined through the API. Put it into the configuration file, and delete it there:
# the file wins.
# Secrets are not exported: set these before the gateway starts.
#   IMHOOK_SHOP_RONG_APP_SECRET
#   IMHOOK_SHOP_BACK_END_SECRET
#   IMHOOK_SHOP_BACK_END_SECRET_2
apps:
  - name: shop
    sources:
      - name: rong
        dialect: rongcloud
        credentials:
          app_key: k
          app_secret_env: IMHOOK_SHOP_RONG_APP_SECRET
    endpoints:
      - name: back-end
        url: http://b
        dialect: cloudevents
        credentials:
          secrets:
            - value_env: IMHOOK_SHOP_BACK_END_SECRET
              until: 2027-01-01
            - value_env: IMHOOK_SHOP_BACK_END_SECRET_2
  - name: other
    endpoints:
      - name: x
        builtin: inbox
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("export (-want +got):\n%s", diff)
	}
	if len(vars) != 3 {
		t.Errorf("variables = %q", vars)
	}
	if none, _ := Export(nil); !strings.HasSuffix(none, "apps: []\n") {
		t.Errorf("nothing = %q", none)
	}
}
