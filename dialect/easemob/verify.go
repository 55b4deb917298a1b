package easemob

import (
	"crypto/md5"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
)

// signed is what a body says about itself. The timestamp is signed as it is written.
type signed struct {
	CallID    string         `json:"callId"`
	Timestamp jsontext.Value `json:"timestamp"`
	Security  string         `json:"security"`
	AppKey    string         `json:"appkey"`
	// What tells the copies of one message apart.
	EventType jsontext.Value `json:"eventType"`
	Step      jsontext.Value `json:"step"`
	To        jsontext.Value `json:"to"`
	Target    jsontext.Value `json:"target"`
	Device    jsontext.Value `json:"device_id"`
}

// Verify checks the body's security, app and age. A body without security is
// accepted where v names its kind; the proof is then empty.
//
// Proof.Once is call id and timestamp, and for what belongs to a message also kind
// and receiver, which the signature does not cover: the server reports one message
// under one call id and time for every offline member and every push, and refusing
// the second of them would lose it.
func (d *Dialect) Verify(req *dialect.Request, cred dialect.Credentials, v dialect.Verification) (dialect.Proof, error) {
	var s signed
	if err := dialect.Unmarshal(Name, "", req.Body, &s); err != nil {
		return dialect.Proof{}, fmt.Errorf("%w: reading callId, timestamp and security: %w", dialect.ErrSignature, err)
	}
	if want := cred.Get("app_key"); s.AppKey != "" && want != "" && s.AppKey != want {
		return dialect.Proof{}, fmt.Errorf("%w: appkey is %.64q", dialect.ErrWrongApp, s.AppKey)
	}
	if s.Security == "" {
		if kind := unsignedKind(req); kind != "" && slices.Contains(v.AcceptUnsigned, kind) {
			return dialect.Proof{Secret: -1}, nil
		}
		return dialect.Proof{}, fmt.Errorf("%w: security is missing", dialect.ErrSignature)
	}
	timestamp := literal(s.Timestamp)
	if s.CallID == "" || timestamp == "" {
		return dialect.Proof{}, fmt.Errorf("%w: callId or timestamp is missing", dialect.ErrSignature)
	}

	got := []byte(strings.ToLower(s.Security))
	match := -1
	for i, secret := range cred.Live(v.Now) {
		want := security(s.CallID, secret, timestamp)
		if subtle.ConstantTimeCompare(got, want[:]) == 1 {
			match = i
		}
	}
	if match < 0 {
		return dialect.Proof{}, dialect.ErrSignature
	}

	ms, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return dialect.Proof{}, fmt.Errorf("%w: timestamp is no number", dialect.ErrStale)
	}
	if age := v.Now.Sub(time.UnixMilli(ms)).Abs(); v.MaxAge > 0 && age > v.MaxAge {
		return dialect.Proof{}, fmt.Errorf("%w: it is %s off, %s are allowed", dialect.ErrStale, age.Round(time.Second), v.MaxAge)
	}
	return dialect.Proof{Once: s.once(timestamp), Secret: match}, nil
}

func (s *signed) once(timestamp string) string {
	once := s.CallID + "\n" + timestamp
	kind, step := literal(s.EventType), literal(s.Step)
	if kind != typeChat && kind != typeOffline && step != stepPush {
		return once
	}
	for _, part := range []jsontext.Value{s.EventType, s.Step, s.To, s.Target, s.Device} {
		once += "\n" + literal(part)
	}
	return once
}

// unsignedKind reads what kind a body without a signature is of, by the very
// reading that Decode goes by.
func unsignedKind(req *dialect.Request) string {
	var m message
	if _, err := m.heading(req.Body); err != nil {
		return ""
	}
	return m.unsignedKind(req.Path)
}

// literal is a JSON value as text, a string without its quotes.
func literal(v jsontext.Value) string {
	if v.Kind() != '"' {
		return string(v)
	}
	plain, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return ""
	}
	return string(plain)
}

// security is lower-case hex MD5 of call id, secret and timestamp run together.
func security(callID, secret, timestamp string) [2 * md5.Size]byte {
	var stack [256]byte
	sum := md5.Sum(append(append(append(stack[:0], callID...), secret...), timestamp...))
	var out [2 * md5.Size]byte
	hex.Encode(out[:], sum[:])
	return out
}
