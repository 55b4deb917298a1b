package rongcloud_test

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/rongcloud"
)

// The vectors: the API page's own example, the test of a public client library
// (seconds), and the callback page's URL with the first one's secret.
const (
	vectorSecret = "Y1W2MeFwwwRxa0"
	vectorNonce  = "14314"

	vectorPage     = "30be0bbca9c9b2e27578701e9fda2358a814c88f" // 1408710653000
	vectorSeconds  = "e107e3819638b81a00383951d1d871197910ffe6" // 1408706337
	vectorCallback = "dd11a264276f438b045b3b236a2741ddc89d48df" // 1408710653491
)

var vectorTime = time.UnixMilli(1408710653491)

func vectorCredentials() dialect.Credentials {
	return dialect.Credentials{
		Public:  map[string]string{"app_key": "someappKey"},
		Secrets: []dialect.DatedSecret{{Value: vectorSecret}},
	}
}

func TestVerify_PublishedVectors(t *testing.T) {
	t.Parallel()
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	for _, tt := range []struct {
		name   string
		query  string
		header http.Header
		now    time.Time
		once   string
	}{
		{
			name:  "current names",
			query: "appKey=someappKey&timestamp=1408710653491&nonce=14314&signature=" + vectorCallback,
			now:   vectorTime, once: "143141408710653491",
		},
		{
			name:  "current names without app",
			query: "timestamp=1408710653000&nonce=14314&signature=" + vectorPage,
			now:   vectorTime, once: "143141408710653000",
		},
		{
			name:  "signTimestamp",
			query: "nonce=14314&signTimestamp=1408710653000&signature=" + vectorPage,
			now:   vectorTime, once: "143141408710653000",
		},
		{
			name:  "oldest names, seconds",
			query: "rc-nonce=14314&rc-timestamp=1408706337&rc-signature=" + vectorSeconds,
			now:   time.Unix(1408706337, 0), once: "143141408706337",
		},
		{
			name:  "upper-case hex and a parameter of the operator's",
			query: "tenant=a%2Fb&timestamp=1408710653491&nonce=14314&signature=" + strings.ToUpper(vectorCallback),
			now:   vectorTime, once: "143141408710653491",
		},
		{
			name:   "headers",
			header: header("App-Key", "someappKey", "Nonce", "14314", "Timestamp", "1408710653000", "Signature", vectorPage),
			now:    vectorTime, once: "143141408710653000",
		},
		{
			name:   "headers with a prefix",
			header: header("RC-App-Key", "someappKey", "RC-Nonce", "14314", "RC-Timestamp", "1408710653000", "RC-Signature", vectorPage),
			now:    vectorTime, once: "143141408710653000",
		},
		{
			name:   "headers of the sister product",
			header: header("appKey", "someappKey", "nonce", "14314", "timestamp", "1408710653000", "signature", vectorPage),
			now:    vectorTime, once: "143141408710653000",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req := dialect.Request{Path: "/chatroom_status", Query: tt.query, Header: tt.header, Body: []byte("[]")}
			proof, err := rongcloud.New().Verify(&req, vectorCredentials(), dialect.Verification{Now: tt.now, MaxAge: 5 * time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			if proof.Once != tt.once || proof.Secret != 0 {
				t.Errorf("proof = %+v, want once %q of secret 0", proof, tt.once)
			}
		})
	}
}

func TestVerify_Refuses(t *testing.T) {
	t.Parallel()
	query := "appKey=someappKey&timestamp=1408710653491&nonce=14314&signature=" + vectorCallback
	for _, tt := range []struct {
		name  string
		query string
		now   time.Time
		want  error
	}{
		{"no signature", "appKey=someappKey&timestamp=1408710653491&nonce=14314", vectorTime, dialect.ErrSignature},
		{"nothing at all", "", vectorTime, dialect.ErrSignature},
		{"flipped byte of the signature", strings.Replace(query, "signature=d", "signature=e", 1), vectorTime, dialect.ErrSignature},
		{"cut signature", query[:len(query)-1], vectorTime, dialect.ErrSignature},
		{"other nonce", strings.Replace(query, "14314&", "14315&", 1), vectorTime, dialect.ErrSignature},
		{"other timestamp", strings.Replace(query, "491", "492", 1), vectorTime, dialect.ErrSignature},
		{"other app", strings.Replace(query, "someappKey", "otherApp", 1), vectorTime, dialect.ErrWrongApp},
		{"too old", query, vectorTime.Add(5*time.Minute + time.Second), dialect.ErrStale},
		{"from the future", query, vectorTime.Add(-5*time.Minute - time.Second), dialect.ErrStale},
		{
			"the seed's stock signature", "appKey=someappKey&timestamp=1408710653491&nonce=14314&signature=45beb7cc7307889a8e711219a47b7cf6a5b000e8",
			vectorTime, dialect.ErrSignature,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req := dialect.Request{Path: "/chatroom_status", Query: tt.query, Body: []byte("[]")}
			proof, err := rongcloud.New().Verify(&req, vectorCredentials(), dialect.Verification{Now: tt.now, MaxAge: 5 * time.Minute})
			if !errors.Is(err, tt.want) {
				t.Fatalf("err = %v, want %v", err, tt.want)
			}
			if proof != (dialect.Proof{}) {
				t.Errorf("proof of a refused request is %+v", proof)
			}
			if strings.Contains(err.Error(), vectorSecret) {
				t.Errorf("the secret stands in %q", err)
			}
		})
	}
}

// Moving a digit between nonce and timestamp keeps the signature, so it must not
// make a captured request look new.
func TestVerify_OnceSurvivesAShiftedNonce(t *testing.T) {
	t.Parallel()
	verify := func(query string) dialect.Proof {
		req := dialect.Request{Query: query}
		proof, err := rongcloud.New().Verify(&req, vectorCredentials(), dialect.Verification{Now: vectorTime})
		if err != nil {
			t.Fatal(err)
		}
		return proof
	}
	honest := verify("timestamp=1408710653491&nonce=14314&signature=" + vectorCallback)
	shifted := verify("timestamp=408710653491&nonce=143141&signature=" + vectorCallback)
	if honest.Once != shifted.Once {
		t.Errorf("once = %q and %q, want the same", honest.Once, shifted.Once)
	}
}

func TestVerify_EachLiveSecret(t *testing.T) {
	t.Parallel()
	cred := dialect.Credentials{Secrets: []dialect.DatedSecret{
		{Value: "next", From: vectorTime.Add(time.Hour)},
		{Value: "current"},
		{Value: vectorSecret, Until: vectorTime.Add(time.Minute)},
	}}
	req := dialect.Request{Query: "timestamp=1408710653491&nonce=14314&signature=" + vectorCallback}
	proof, err := rongcloud.New().Verify(&req, cred, dialect.Verification{Now: vectorTime})
	if err != nil {
		t.Fatal(err)
	}
	if proof.Secret != 2 {
		t.Errorf("secret = %d, want 2", proof.Secret)
	}
	_, err = rongcloud.New().Verify(&req, cred, dialect.Verification{Now: vectorTime.Add(time.Minute)})
	if !errors.Is(err, dialect.ErrSignature) {
		t.Errorf("with the secret expired: err = %v, want %v", err, dialect.ErrSignature)
	}
}

func TestSign_WritesTheCurrentNamesBehindTheQuery(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1795200000123)
	cred := dialect.Credentials{
		Public:  map[string]string{"app_key": "k&1"},
		Secrets: []dialect.DatedSecret{{Value: "s3cret"}},
	}
	body := []byte(`[{"chatRoomId":"r"}]`)
	req := dialect.Request{Path: "/chatroom_status", Query: "a=%31&nonce=old&signature=old&rc-timestamp=5&b", Body: body}
	if err := rongcloud.New().Sign(&req, cred, "ev1", now); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(req.Query, "a=%31&b&appKey=k%261&timestamp=1795200000123&nonce=") {
		t.Errorf("query = %q", req.Query)
	}
	values, err := url.ParseQuery(req.Query)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(values.Get("nonce")); n == 0 || n > 18 {
		t.Errorf("nonce has %d characters, want 1 to 18", n)
	}
	proof, err := rongcloud.New().Verify(&req, cred, dialect.Verification{Now: now, MaxAge: time.Second})
	if err != nil {
		t.Fatalf("verifying what was signed: %v", err)
	}

	other := dialect.Request{Body: []byte(`[{"chatRoomId":"s"}]`)}
	if err := rongcloud.New().Sign(&other, cred, "ev1", now); err != nil {
		t.Fatal(err)
	}
	otherProof, err := rongcloud.New().Verify(&other, cred, dialect.Verification{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	if proof.Once == otherProof.Once {
		t.Error("two bodies signed in one millisecond share nonce and timestamp: the second would look like a replay")
	}
}

// The receivers of moderation results look into the headers, as their page says.
func TestSign_PutsTheSignatureOfModerationResultsIntoHeaders(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1795200000123)
	cred := dialect.Credentials{Public: map[string]string{"app_key": "k1"}, Secrets: []dialect.DatedSecret{{Value: "s3cret"}}}
	shared := http.Header{"X-Tenant": {"a"}, "Signature": {"old"}, "Rc-Nonce": {"old"}}
	req := dialect.Request{Path: "/audit_result", Query: "a=1&appKey=old&signature=old", Header: shared, Body: []byte(`{}`)}
	if err := rongcloud.New().Sign(&req, cred, "ev1", now); err != nil {
		t.Fatal(err)
	}
	if req.Query != "a=1" {
		t.Errorf("query = %q", req.Query)
	}
	nonce := req.Header.Get("Nonce")
	sum := sha1.Sum([]byte("s3cret" + nonce + "1795200000123"))
	want := http.Header{
		"X-Tenant": {"a"}, "App-Key": {"k1"}, "Nonce": {nonce}, "Timestamp": {"1795200000123"}, "Signature": {hex.EncodeToString(sum[:])},
	}
	if diff := cmp.Diff(want, req.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if len(shared) != 3 || shared.Get("Signature") != "old" {
		t.Errorf("the header that was given is changed: %v", shared)
	}
	if _, err := rongcloud.New().Verify(&req, cred, dialect.Verification{Now: now, MaxAge: time.Second}); err != nil {
		t.Errorf("verifying what was signed: %v", err)
	}

	req = dialect.Request{Path: "/chatroom_status", Header: http.Header{"Signature": {"old"}, "Appkey": {"old"}}}
	if err := rongcloud.New().Sign(&req, cred, "ev1", now); err != nil {
		t.Fatal(err)
	}
	if len(req.Header) > 0 || !strings.Contains(req.Query, "signature=") {
		t.Errorf("another command: query %q, headers %v", req.Query, req.Header)
	}
}

func TestVerify_SaysWhatBecameOfTheTimestamp(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"appKey=a×tamp=1408710653491&nonce=14314&signature=" + vectorCallback:      "×tamp where &timestamp is meant",
		"appKey=a%c3%97tamp=1408710653491&nonce=14314&signature=" + vectorCallback: "×tamp where &timestamp is meant",
		"appKey=a&nonce=14314&signature=" + vectorCallback:                         "missing from query and headers",
	} {
		req := dialect.Request{Query: query}
		_, err := rongcloud.New().Verify(&req, vectorCredentials(), dialect.Verification{Now: vectorTime})
		if !errors.Is(err, dialect.ErrSignature) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: err = %v, want one that says %q", query, err, want)
		}
	}
}

func TestSign_NeedsALiveSecret(t *testing.T) {
	t.Parallel()
	req := dialect.Request{Query: "a=1"}
	cred := dialect.Credentials{Secrets: []dialect.DatedSecret{{Value: "x", Until: vectorTime}}}
	if err := rongcloud.New().Sign(&req, cred, "ev1", vectorTime); !errors.Is(err, dialect.ErrNoSecret) {
		t.Errorf("err = %v, want %v", err, dialect.ErrNoSecret)
	}
	if req.Query != "a=1" {
		t.Errorf("query = %q after a failed Sign", req.Query)
	}
}
