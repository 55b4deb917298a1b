package easemob

import (
	"bytes"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
)

// span is a place in a body.
type span struct{ from, to int }

// Sign puts the signature into the body's top-level security, whatever stands
// there, and leaves every other byte. A body without that key is of a kind that
// the vendor does not sign and stays as it is.
func (d *Dialect) Sign(req *dialect.Request, cred dialect.Credentials, _ string, now time.Time) error {
	callID, timestamp, places, err := locate(req.Body)
	if err != nil {
		return fmt.Errorf("locating security in the body: %w", err)
	}
	if len(places) == 0 {
		return nil
	}
	secret, ok := cred.Signing(now)
	if !ok {
		return dialect.ErrNoSecret
	}
	sum := security(callID, secret, timestamp)
	// The body may be the event's own: it is copied, never written to.
	out := make([]byte, 0, len(req.Body)+len(places)*(len(sum)+2))
	done := 0
	for _, place := range places {
		out = append(out, req.Body[done:place.from]...)
		out = append(append(append(out, '"'), sum[:]...), '"')
		done = place.to
	}
	req.Body = append(out, req.Body[done:]...)
	return nil
}

// locate finds what is signed and where the signature goes. A key that is given
// twice counts as its last value, as it does when read; its every place is
// returned.
func locate(b []byte) (callID, timestamp string, places []span, err error) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(b), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if dec.PeekKind() != '{' {
		return "", "", nil, errNotObject
	}
	if _, err := dec.ReadToken(); err != nil {
		return "", "", nil, err
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return "", "", nil, err
		}
		key := name.String()
		value, err := dec.ReadValue()
		if err != nil {
			return "", "", nil, err
		}
		switch key {
		case "callId":
			callID = literal(value)
		case "timestamp":
			timestamp = literal(value)
		case "security":
			end := int(dec.InputOffset())
			places = append(places, span{end - len(value), end})
		}
	}
	return callID, timestamp, places, nil
}
