package tencent_test

import (
	"errors"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/tencent"
)

// The example of page 34354.
const (
	publishedToken = "xxxxyyyy"
	publishedTime  = "1669872112"
	publishedSign  = "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061"
)

func credentials(token string) dialect.Credentials {
	return dialect.Credentials{
		Public: map[string]string{"sdk_app_id": "888888"}, Secrets: []dialect.DatedSecret{{Value: dialect.Secret(token)}},
	}
}

func TestVerify_TakesThePublishedExample(t *testing.T) {
	t.Parallel()
	req := &dialect.Request{Query: "SdkAppid=888888&CallbackCommand=C2C.CallbackAfterSendMsg&contenttype=json&ClientIP=10.0.0.1&OptPlatform=Web" +
		"&RequestTime=" + publishedTime + "&Sign=" + publishedSign}
	v := dialect.Verification{Now: time.Unix(1669872113, 0), MaxAge: time.Minute}
	proof, err := tencent.New().Verify(req, credentials(publishedToken), v)
	if err != nil || proof.Secret != 0 || proof.Once != "" {
		t.Fatalf("Verify = %+v, %v; want secret 0 and no Once, since a second's requests share the signature", proof, err)
	}
}

func TestSign_MakesThePublishedExample(t *testing.T) {
	t.Parallel()
	req := &dialect.Request{Query: "CallbackCommand=C2C.CallbackAfterSendMsg"}
	if err := tencent.New().Sign(req, credentials(publishedToken), "id", time.Unix(1669872112, 0)); err != nil {
		t.Fatal(err)
	}
	want := "SdkAppid=888888&CallbackCommand=C2C.CallbackAfterSendMsg&RequestTime=" + publishedTime + "&Sign=" + publishedSign
	if req.Query != want {
		t.Errorf("query is %s\nwant     %s", req.Query, want)
	}
}

func TestVerify_Refuses(t *testing.T) {
	t.Parallel()
	good := url.Values{"SdkAppid": {"888888"}, "RequestTime": {publishedTime}, "Sign": {publishedSign}}
	with := func(key, value string) string {
		v := maps.Clone(good)
		if value == "" {
			v.Del(key)
		} else {
			v.Set(key, value)
		}
		return v.Encode()
	}
	at := time.Unix(1669872113, 0)
	for name, tt := range map[string]struct {
		query, token string
		at           time.Time
		want         error
	}{
		"another app":                 {with("SdkAppid", "888889"), publishedToken, at, dialect.ErrWrongApp},
		"no app":                      {with("SdkAppid", ""), publishedToken, at, dialect.ErrWrongApp},
		"no sign":                     {with("Sign", ""), publishedToken, at, dialect.ErrSignature},
		"no time":                     {with("RequestTime", ""), publishedToken, at, dialect.ErrSignature},
		"another time":                {with("RequestTime", "1669872113"), publishedToken, at, dialect.ErrSignature},
		"another token":               {good.Encode(), "xxxxyyyz", at, dialect.ErrSignature},
		"a token that moves a digit":  {with("RequestTime", "669872112"), publishedToken + "1", at, dialect.ErrStale},
		"too old":                     {good.Encode(), publishedToken, at.Add(6 * time.Minute), dialect.ErrStale},
		"of tomorrow":                 {good.Encode(), publishedToken, at.Add(-6 * time.Minute), dialect.ErrStale},
		"nothing":                     {"", publishedToken, at, dialect.ErrWrongApp},
		"a second sign that is right": {"Sign=0&" + good.Encode(), publishedToken, at, dialect.ErrSignature},
	} {
		_, err := tencent.New().Verify(&dialect.Request{Query: tt.query}, credentials(tt.token), dialect.Verification{Now: tt.at, MaxAge: 5 * time.Minute})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

func TestVerify_TakesBothTokensWhileOneIsReplaced(t *testing.T) {
	t.Parallel()
	d := tencent.New()
	at := time.Unix(1795200000, 0)
	both := credentials("old")
	both.Secrets = append(both.Secrets, dialect.DatedSecret{Value: "new"})
	for i, token := range []string{"old", "new"} {
		req := &dialect.Request{}
		if err := d.Sign(req, credentials(token), "", at); err != nil {
			t.Fatal(err)
		}
		if p, err := d.Verify(req, both, dialect.Verification{Now: at}); err != nil || p.Secret != i {
			t.Errorf("%s: secret %d, %v", token, p.Secret, err)
		}
	}
}

// The receiver checks its own SdkAppid, whatever app the event came from.
func TestSign_NamesTheEndpointsApp(t *testing.T) {
	t.Parallel()
	req := &dialect.Request{Query: "SdkAppid=1&CallbackCommand=X&Sign=old&RequestTime=1"}
	if err := tencent.New().Sign(req, credentials("k"), "", time.Unix(5, 0)); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(req.Query, "SdkAppid=888888&CallbackCommand=X&RequestTime=5&Sign=") {
		t.Errorf("query is %s", req.Query)
	}
}
