package easemob_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/easemob"
)

// The vector is our own: no published example gives its secret.
const (
	vectorSecret = "testsecret"
	vectorBody   = `{"callId":"easemob-demo#support_1418038921190704764","eventType":"chat","timestamp":1747727714765,` +
		`"chat_type":"chat","to":"bob","security":"3f2fa2fa71d324b070e216e0b1c7b4f4","appkey":"easemob-demo#support"}`
)

var vectorTime = time.UnixMilli(1747727714765)

func vectorCredentials() dialect.Credentials {
	return dialect.Credentials{
		Public:  map[string]string{"app_key": "easemob-demo#support"},
		Secrets: []dialect.DatedSecret{{Value: "older"}, {Value: vectorSecret}},
	}
}

func TestVerify_AcceptsTheVector(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"as it is":         vectorBody,
		"upper-case hex":   change(t, vectorBody, "3f2fa2fa71d324b070e216e0b1c7b4f4", "3F2FA2FA71D324B070E216E0B1C7B4F4"),
		"other text":       change(t, vectorBody, `"chat_type":"chat"`, `"chat_type":"chat","payload":{}`),
		"time as a string": change(t, vectorBody, `1747727714765`, `"1747727714765"`),
	} {
		v := dialect.Verification{Now: vectorTime.Add(71 * time.Hour), MaxAge: 72 * time.Hour}
		proof, err := easemob.New().Verify(&dialect.Request{Body: []byte(body)}, vectorCredentials(), v)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if proof.Secret != 1 || !strings.HasPrefix(proof.Once, "easemob-demo#support_1418038921190704764\n1747727714765") {
			t.Errorf("%s: proof = %+v", name, proof)
		}
	}
}

func TestVerify_Refuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		body string
		now  time.Time
		want error
	}{
		{"flipped byte of the signature", change(t, vectorBody, "3f2fa2", "3f2fa3"), vectorTime, dialect.ErrSignature},
		{"cut signature", change(t, vectorBody, "b4f4", "b4f"), vectorTime, dialect.ErrSignature},
		{"other call id", change(t, vectorBody, "_1418", "_1419"), vectorTime, dialect.ErrSignature},
		{"other time", change(t, vectorBody, "1747727714765", "1747727714766"), vectorTime, dialect.ErrSignature},
		{"no signature", change(t, vectorBody, `"security":"3f2fa2fa71d324b070e216e0b1c7b4f4",`, ""), vectorTime, dialect.ErrSignature},
		{"empty signature", change(t, vectorBody, `3f2fa2fa71d324b070e216e0b1c7b4f4`, ""), vectorTime, dialect.ErrSignature},
		{"signature of another type", change(t, vectorBody, `"3f2fa2fa71d324b070e216e0b1c7b4f4"`, "1"), vectorTime, dialect.ErrSignature},
		{"no call id", change(t, vectorBody, `"callId":"easemob-demo#support_1418038921190704764",`, ""), vectorTime, dialect.ErrSignature},
		{"no JSON", "security=1", vectorTime, dialect.ErrSignature},
		{"other app", change(t, vectorBody, `"appkey":"easemob-demo#support"`, `"appkey":"other#app"`), vectorTime, dialect.ErrWrongApp},
		{"too old", vectorBody, vectorTime.Add(72*time.Hour + time.Second), dialect.ErrStale},
		{"from the future", vectorBody, vectorTime.Add(-72*time.Hour - time.Second), dialect.ErrStale},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := dialect.Verification{Now: tt.now, MaxAge: 72 * time.Hour, AcceptUnsigned: []string{"reaction", "thread", "push"}}
			proof, err := easemob.New().Verify(&dialect.Request{Body: []byte(tt.body)}, vectorCredentials(), v)
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

func TestVerify_UnsignedOnlyWhereTheKindIsNamed(t *testing.T) {
	t.Parallel()
	bodies := map[string]string{
		"reaction": `{"chat_type":"notify","payload":{"type":"reaction","num":1}}`,
		"thread":   `{"chat_type":"notify","payload":{"type":"thread"}}`,
		"push":     `{"callId":"c","step":"push","status":"success","timestamp":1}`,
	}
	for kind, body := range bodies {
		verify := func(accept ...string) (dialect.Proof, error) {
			return easemob.New().Verify(&dialect.Request{Body: []byte(body)}, vectorCredentials(), dialect.Verification{Now: vectorTime, AcceptUnsigned: accept})
		}
		if proof, err := verify(kind); err != nil || proof.Secret != -1 || proof.Once != "" {
			t.Errorf("%s named: %+v, %v", kind, proof, err)
		}
		if _, err := verify(); !errors.Is(err, dialect.ErrSignature) {
			t.Errorf("%s by default: err = %v, want %v", kind, err, dialect.ErrSignature)
		}
		for other := range bodies {
			if _, err := verify(other); other != kind && !errors.Is(err, dialect.ErrSignature) {
				t.Errorf("%s with %s named: err = %v", kind, other, err)
			}
		}
		if _, err := easemob.New().Verify(&dialect.Request{Body: []byte(strings.Replace(body, "{", `{"security":"00",`, 1))}, vectorCredentials(),
			dialect.Verification{Now: vectorTime, AcceptUnsigned: []string{kind}}); !errors.Is(err, dialect.ErrSignature) {
			t.Errorf("%s with a wrong signature: err = %v", kind, err)
		}
		if _, err := easemob.New().Verify(&dialect.Request{Path: "/pre_send", Body: []byte(body)}, vectorCredentials(),
			dialect.Verification{Now: vectorTime, AcceptUnsigned: []string{kind}}); !errors.Is(err, dialect.ErrSignature) {
			t.Errorf("%s on the path of pre-send: err = %v", kind, err)
		}
	}
}

// What is accepted unsigned because of its kind must not be read as another kind:
// a message could then be forged.
func TestVerify_UnsignedBodyIsDecodedAsTheKindThatWasAccepted(t *testing.T) {
	t.Parallel()
	accepted := 0
	message := `"eventType":"chat","chat_type":"chat","from":"ann","to":"bob","msg_id":"1","payload":{"type":"reaction","bodies":[{"msg":"x","type":"txt"}]}`
	for _, body := range []string{
		`{"step":"push",` + message + `}`,
		`{"status":{},"step":"push",` + message + `}`,
		`{` + message + `,"chat_type":"notify"}`,
		`{"chat_type":"notify",` + message + `}`,
		`{"event":"group_op_event","step":"push",` + message + `}`,
		// Whole bodies of other families, which are read at once when nothing
		// contradicts them.
		`{"step":"push","status":"online","reason":"login","callId":"c","user":"ann"}`,
		`{"chat_type":"notify","status":"online","reason":"login","payload":{"type":"reaction"},"callId":"c","user":"ann"}`,
		`{"chat_type":"muc","step":"push","status":"success","group_id":"7","from":"ann","to":"bob","payload":{"operation":"kick","is_chatroom":false}}`,
		`{"chat_type":"muc","group_id":"7","from":"ann","to":"bob","payload":{"operation":"kick","is_chatroom":false,"type":"reaction"},"chat_type":"notify"}`,
	} {
		req := &dialect.Request{Body: []byte(body)}
		_, err := easemob.New().Verify(req, vectorCredentials(), dialect.Verification{Now: vectorTime, AcceptUnsigned: []string{"reaction", "thread", "push"}})
		if err != nil {
			continue
		}
		accepted++
		evs, err := easemob.New().Decode(req)
		if err != nil {
			continue
		}
		if evs[0].Type != "vendor.unknown" {
			t.Errorf("%s was accepted unsigned and read as %s", body, evs[0].Type)
		}
	}
	if accepted != 7 {
		t.Errorf("%d bodies were accepted, want the 7 that are pushes or reactions", accepted)
	}
}

func TestVerify_OnceTellsTheCopiesOfOneMessageApart(t *testing.T) {
	t.Parallel()
	once := func(body string) string {
		proof, err := easemob.New().Verify(&dialect.Request{Body: []byte(body)}, vectorCredentials(), dialect.Verification{Now: vectorTime})
		if err != nil {
			t.Fatal(err)
		}
		return proof.Once
	}
	up := once(vectorBody)
	offline := change(t, vectorBody, `"eventType":"chat"`, `"eventType":"chat_offline"`)
	bob := once(offline)
	carl := once(change(t, offline, `"to":"bob"`, `"to":"carl"`))
	if up == bob || bob == carl || up == carl {
		t.Errorf("copies share a proof: %q %q %q", up, bob, carl)
	}
	if other := once(change(t, vectorBody, `"chat_type":"chat"`, `"chat_type":"chat","payload":{"x":1}`)); other != up {
		t.Errorf("the same callback with other content has another proof: %q and %q", up, other)
	}
	status := change(t, vectorBody, `"eventType":"chat"`, `"status":"online"`)
	if one, two := once(status), once(change(t, status, `"to":"bob"`, `"to":"eve"`)); one != two {
		t.Errorf("a callback that is no message has two proofs: %q and %q", one, two)
	}
}

func TestSign_ReplacesTheSignatureAndNothingElse(t *testing.T) {
	t.Parallel()
	const sum = `"3f2fa2fa71d324b070e216e0b1c7b4f4"`
	const call = `"callId":"easemob-demo#support_1418038921190704764"`
	for _, tt := range []struct{ name, in, want string }{
		{"empty", `{` + call + `,"security":"","timestamp":1747727714765}`, `{` + call + `,"security":` + sum + `,"timestamp":1747727714765}`},
		{
			"odd layout", "\n{ \"x\" : {\"security\":\"mine\"},\r\n \"security\" :\t\"old\" , " + call + ", \"timestamp\": 1747727714765, \"n\": 1.50, \"u\":\"\\u0041\" }\n",
			"\n{ \"x\" : {\"security\":\"mine\"},\r\n \"security\" :\t" + sum + " , " + call + ", \"timestamp\": 1747727714765, \"n\": 1.50, \"u\":\"\\u0041\" }\n",
		},
		{"of another type", `{` + call + `,"timestamp":1747727714765,"security":null}`, `{` + call + `,"timestamp":1747727714765,"security":` + sum + `}`},
		{"escaped key", `{` + call + `,"timestamp":1747727714765,"\u0073ecurity":"x"}`, `{` + call + `,"timestamp":1747727714765,"\u0073ecurity":` + sum + `}`},
		{"given twice", `{"security":1,` + call + `,"timestamp":1747727714765,"security":2}`, `{"security":` + sum + `,` + call + `,"timestamp":1747727714765,"security":` + sum + `}`},
		{"none", `{` + call + `,"timestamp":1747727714765,"a":{"security":""}}`, `{` + call + `,"timestamp":1747727714765,"a":{"security":""}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body := []byte(tt.in)
			req := dialect.Request{Query: "a=1", Body: body}
			cred := dialect.Credentials{Secrets: []dialect.DatedSecret{{Value: "later", From: vectorTime.Add(time.Hour)}, {Value: vectorSecret}}}
			if err := easemob.New().Sign(&req, cred, "ev1", vectorTime); err != nil {
				t.Fatal(err)
			}
			if string(req.Body) != tt.want || req.Query != "a=1" {
				t.Errorf("body = %s\nwant   %s", req.Body, tt.want)
			}
			if string(body) != tt.in {
				t.Error("the bytes that were given changed: they are the event's own")
			}
		})
	}
}

func TestSign_NeedsALiveSecretAndAnObject(t *testing.T) {
	t.Parallel()
	req := dialect.Request{Body: []byte(`{"security":""}`)}
	if err := easemob.New().Sign(&req, dialect.Credentials{}, "ev1", vectorTime); !errors.Is(err, dialect.ErrNoSecret) {
		t.Errorf("err = %v, want %v", err, dialect.ErrNoSecret)
	}
	for _, body := range []string{"", "[]", `{"security":`, `{"a" "security":""}`} {
		req := dialect.Request{Body: []byte(body)}
		if err := easemob.New().Sign(&req, vectorCredentials(), "ev1", vectorTime); err == nil {
			t.Errorf("%q was signed", body)
		}
	}
}
