package cloudevents_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
)

const otherSecret = "whsec_dGhlIG5leHQga2V5LCBhZnRlciByb3RhdGlvbiEh"

func signed(t *testing.T, id string, secrets ...string) *dialect.Request {
	t.Helper()
	req := &dialect.Request{ContentType: "application/cloudevents+json", Body: []byte(`{"specversion":"1.0","id":"x"}`)}
	if err := cloudevents.New().Sign(req, credentials(secrets...), id, arrival); err != nil {
		t.Fatal(err)
	}
	return req
}

func verification(at time.Time) dialect.Verification {
	return dialect.Verification{Now: at, MaxAge: 5 * time.Minute}
}

func TestVerify_CoversEachByteOfTheBody(t *testing.T) {
	t.Parallel()
	d := cloudevents.New()
	req := signed(t, "e-1", secret)
	for i := range req.Body {
		changed := *req
		changed.Body = []byte(string(req.Body))
		changed.Body[i] ^= 1
		if _, err := d.Verify(&changed, credentials(secret), verification(arrival)); !errors.Is(err, dialect.ErrSignature) {
			t.Errorf("byte %d changed: %v, want ErrSignature", i, err)
		}
	}
}

func TestVerify_WhileSecretsRotate(t *testing.T) {
	t.Parallel()
	d := cloudevents.New()
	both := credentials(secret, otherSecret)
	both.Secrets[0].Until = arrival.Add(time.Minute)

	proof, err := d.Verify(signed(t, "e-1", otherSecret), both, verification(arrival))
	if err != nil || proof.Secret != 1 {
		t.Errorf("signed with the second secret: %+v, %v, want Secret 1", proof, err)
	}
	if proof, err = d.Verify(signed(t, "e-1", secret), both, verification(arrival)); err != nil || proof.Secret != 0 {
		t.Errorf("signed with the first secret: %+v, %v, want Secret 0", proof, err)
	}
	if _, err = d.Verify(signed(t, "e-1", secret), both, verification(arrival.Add(2*time.Minute))); !errors.Is(err, dialect.ErrSignature) {
		t.Errorf("signed with the first secret after its end: %v, want ErrSignature", err)
	}

	// A sender that rotates signs with both, in one header.
	req, second := signed(t, "e-1", "whsec_"+"AAAA"), signed(t, "e-1", otherSecret)
	req.Header.Set("Webhook-Signature", req.Header.Get("Webhook-Signature")+" v2,x "+second.Header.Get("Webhook-Signature"))
	if _, err := d.Verify(req, credentials(otherSecret), verification(arrival)); err != nil {
		t.Errorf("the last of three signatures fits: %v", err)
	}
	// What counts as used is then the one that stays, wherever it stands.
	first := signed(t, "e-1", secret)
	req.Header.Set("Webhook-Signature", first.Header.Get("Webhook-Signature")+" "+second.Header.Get("Webhook-Signature"))
	end := arrival.Add(time.Hour)
	for _, tt := range []struct {
		first, second time.Time
		want          int
	}{
		{time.Time{}, end, 0}, {end, time.Time{}, 1}, {end, end.Add(1), 1}, {end.Add(1), end, 0}, {end, end, 0}, {time.Time{}, time.Time{}, 0},
	} {
		cred := credentials(secret, otherSecret)
		cred.Secrets[0].Until, cred.Secrets[1].Until = tt.first, tt.second
		if proof, err := d.Verify(req, cred, verification(arrival)); err != nil || proof.Secret != tt.want {
			t.Errorf("signed with both, until %v and %v: secret %d, %v, want %d", tt.first, tt.second, proof.Secret, err, tt.want)
		}
	}
}

func TestVerify_WithoutSecrets(t *testing.T) {
	t.Parallel()
	d := cloudevents.New()
	req := &dialect.Request{Body: []byte(`{}`)}
	proof, err := d.Verify(req, dialect.Credentials{}, verification(arrival))
	if err != nil || proof != (dialect.Proof{Secret: -1}) {
		t.Errorf("unsigned to a source without a secret: %+v, %v", proof, err)
	}
	if err := d.Sign(req, dialect.Credentials{}, "e-1", arrival); err != nil || req.Header != nil {
		t.Errorf("signing without a secret: %v, headers %v, want neither", err, req.Header)
	}

	// A secret that has run out is not the same as none.
	over := credentials(secret)
	over.Secrets[0].Until = arrival.Add(-time.Hour)
	if _, err := d.Verify(signed(t, "e-1", secret), over, verification(arrival)); !errors.Is(err, dialect.ErrSignature) {
		t.Errorf("no live secret: %v, want ErrSignature", err)
	}
	if err := d.Sign(req, over, "e-1", arrival); !errors.Is(err, dialect.ErrNoSecret) {
		t.Errorf("signing with no live secret: %v, want ErrNoSecret", err)
	}
}

func TestSecret_OfWrongFormIsNotQuoted(t *testing.T) {
	t.Parallel()
	d := cloudevents.New()
	for _, bad := range []string{"whsec_not*base64*at*all", "whsec_"} {
		_, verr := d.Verify(signed(t, "e-1", secret), credentials(bad), verification(arrival))
		serr := d.Sign(&dialect.Request{}, credentials(bad), "e-1", arrival)
		if !errors.Is(verr, dialect.ErrSignature) || serr == nil {
			t.Errorf("%s: verifying %v, signing %v, want errors", bad, verr, serr)
		}
		if text := verr.Error() + serr.Error(); strings.Contains(text, "not*base64") {
			t.Errorf("the secret is quoted: %s", text)
		}
	}
}

func TestVerify_OnceIsTheNumberNotItsText(t *testing.T) {
	t.Parallel()
	d := cloudevents.New()
	req := signed(t, "e-1", secret)
	first, err := d.Verify(req, credentials(secret), verification(arrival))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Webhook-Timestamp", "0"+req.Header.Get("Webhook-Timestamp"))
	again, err := d.Verify(req, credentials(secret), verification(arrival))
	if err == nil && again.Once != first.Once {
		t.Errorf("one signature has two Onces: %q and %q", first.Once, again.Once)
	}
}

func TestSign_IDThatNoHeaderHolds(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "two words", "Zürich", "a\nb"} {
		req := signed(t, id, secret)
		got := req.Header.Get("Webhook-Id")
		if got == "" || strings.ContainsFunc(got, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("id %q is signed as %q", id, got)
		}
		if again := signed(t, id, secret).Header.Get("Webhook-Id"); again != got {
			t.Errorf("id %q is signed as %q and as %q", id, got, again)
		}
	}
}
