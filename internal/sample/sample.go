package sample

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/suggest"
)

// ErrUnsigned is wrapped when a request was made and could not be signed, because
// no secret is given.
var ErrUnsigned = errors.New("request is not signed")

// Wish is what somebody wants to have made.
type Wish struct {
	Command string
	Edits   []Edit
	// Seed makes the same request again, but for the time.
	Seed        uint64
	Credentials dialect.Credentials
	Now         time.Time
}

// Make returns the request. One that the dialect would sign and cannot, for want
// of a secret, is returned together with an error that wraps [ErrUnsigned].
func Make(d dialect.Dialect, w Wish) (dialect.Request, error) {
	spec := d.Spec()
	if _, ok := spec.Command(w.Command); !ok {
		return dialect.Request{}, UnknownCommand(spec, w.Command)
	}
	r := rand.New(rand.NewPCG(w.Seed, drawing))
	req, err := d.Sample(w.Command, r, w.Now)
	if err != nil {
		return dialect.Request{}, fmt.Errorf("making a sample of %s: %w", w.Command, err)
	}
	return finish(d, req, w, r)
}

// drawing is the second half of the seed that samples are drawn with.
const drawing = 0x696d686f6f6b

// finish puts the source's own keys and the edits into a sample, and signs it.
func finish(d dialect.Dialect, req dialect.Request, w Wish, r *rand.Rand) (dialect.Request, error) {
	spec := d.Spec()
	for _, key := range spec.Credentials {
		if own := w.Credentials.Get(key.Name); key.Sample != "" && own != "" {
			Substitute(&req, key.Sample, own)
		}
	}
	for _, e := range w.Edits {
		if err := e.Apply(&req); err != nil {
			return dialect.Request{}, fmt.Errorf("setting %s: %w", e.Path, err)
		}
	}
	switch err := d.Sign(&req, w.Credentials, eventID(d, &req, r), w.Now); {
	case err == nil:
	case errors.Is(err, dialect.ErrNoSecret):
		return req, fmt.Errorf("%w: %w", ErrUnsigned, err)
	default:
		return dialect.Request{}, fmt.Errorf("signing a sample of %s: %w", w.Command, err)
	}
	return req, nil
}

// UnknownCommand is the error for a command that a dialect does not have; it
// wraps [dialect.ErrUnknownCommand].
func UnknownCommand(spec *dialect.Spec, command string) error {
	names := make([]string, len(spec.Commands))
	for i, c := range spec.Commands {
		names[i] = c.Name
	}
	return fmt.Errorf("%w: %s has no %q%s", dialect.ErrUnknownCommand, spec.Name, command, suggest.DidYouMean(command, names))
}

// eventID is the id that the request's own event has, or one that the seed draws.
func eventID(d dialect.Dialect, req *dialect.Request, r *rand.Rand) string {
	drawn := event.DeriveID("sample", strconv.FormatUint(r.Uint64(), 16))
	if evs, err := d.Decode(req); err == nil && len(evs) > 0 && evs[0].ID != "" {
		return evs[0].ID
	}
	return drawn
}

// Substitute puts a real key where the sample wrote its own.
func Substitute(req *dialect.Request, from, to string) {
	req.Query = strings.ReplaceAll(req.Query, url.QueryEscape(from), url.QueryEscape(to))
	if IsForm(req) {
		req.Body = bytes.ReplaceAll(req.Body, []byte(url.QueryEscape(from)), []byte(url.QueryEscape(to)))
		return
	}
	req.Body = bytes.ReplaceAll(req.Body, quoted(from), quoted(to))
}

// quoted is s as it stands inside a JSON string. Broken UTF-8 is replaced.
func quoted(s string) []byte {
	b, err := jsontext.AppendQuote(nil, strings.ToValidUTF8(s, "\uFFFD"))
	if err != nil {
		panic(err) // valid UTF-8 can always be quoted
	}
	return b[1 : len(b)-1]
}

// IsForm reports whether the request's body is a form.
func IsForm(req *dialect.Request) bool {
	media, _, _ := strings.Cut(req.ContentType, ";")
	return strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded")
}
