package dialect

import (
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/imhook/imhook/event"
)

// Dialect is one vendor's wire language, both directions. Implementations are
// stateless and safe for concurrent use; they keep no argument after they
// return, and do not change what they are given unless the method says so.
type Dialect interface {
	// Spec describes the dialect. The result is shared and must not be changed.
	Spec() *Spec
	Inbound
	Outbound
	// Sample returns what the vendor's server would send for command: realistic
	// values drawn from r, times around now, not yet signed. A command that the
	// dialect does not have is [ErrUnknownCommand].
	Sample(command string, r *rand.Rand, now time.Time) (Request, error)
}

// Inbound is the side that an IM server calls.
type Inbound interface {
	// Verify says whether req comes from whom the credentials belong to. The
	// error wraps [ErrSignature], [ErrStale] or [ErrWrongApp]; comparison takes
	// constant time and no secret enters the error. A dialect without
	// signatures always returns a zero Proof and nil.
	Verify(req *Request, cred Credentials, v Verification) (Proof, error)
	// Decode reads the events of one request, in wire order. It does not verify
	// and needs no credentials, so that what the journal kept can be read again.
	// It sets every field of the events that the wire gives, with Raw a complete
	// request for exactly that event; ID, App and Source stay empty (ID may be
	// set by a dialect whose wire carries it).
	//
	// A body that is not the vendor's form at all is a [*DecodeError] and no
	// events. An unknown command, or an item of a batch that cannot be read
	// while its siblings can, is one event of type vendor.unknown with its Raw.
	Decode(req *Request) ([]*event.Event, error)
	// Ack is the vendor's success answer to after-events; evs are what Decode
	// returned.
	Ack(req *Request, evs []*event.Event) Response
	// Answer gives the verdict on a before-event in the vendor's form and in the
	// generation of the event. A verdict that [Inbound.Carries] refuses becomes
	// the nearest safe one, deny.
	Answer(ev *event.Event, v event.Verdict) Response
	// Carries says whether Answer tells v exactly: what the vendor's server then
	// does is what v asks for. The code of a denial may be replaced by the nearest
	// legal one and its reason may be cut or lost; a denial is always carried. So
	// is a rewrite that leaves out what names the message (id, seq, sender, times),
	// and what it does not change.
	//
	// Otherwise the error wraps [ErrUncarried] with a short reason that a person
	// understands. Carries has no side effects and is cheap: it writes the answer,
	// and reads it again where it changes something.
	Carries(ev *event.Event, v event.Verdict) error
	// Refuse answers a request that was not accepted: status is the HTTP status
	// that says why in general, err what is wrong, in words fit for the vendor's
	// operator. It must be something that the vendor's server takes as a failure
	// where that makes it send again.
	Refuse(req *Request, status int, err error) Response
}

// Outbound is the side that calls an app backend.
type Outbound interface {
	// Path returns where ev goes below an endpoint's URL when its own bytes are
	// passed on: "" where the dialect has no paths.
	Path(ev *event.Event) string
	// Encode says ev in this dialect, unsigned: usually one request, several
	// where the wire takes one member or one target at a time. What the dialect
	// cannot express is an error that wraps [ErrUntranslatable].
	//
	// Encode works from the canonical fields, and from ev.Vendor where
	// ev.Dialect is its own. It is not used when the event came in this very
	// dialect: then Raw goes out byte for byte.
	Encode(ev *event.Event, to Target) ([]Request, error)
	// Sign authenticates req in place: query, headers or body, as the dialect
	// has it. id is the event's id, the same on every attempt. Where the
	// signature sits in the body its value alone is replaced.
	Sign(req *Request, cred Credentials, id string, now time.Time) error
	// Verdict reads a hook's answer to ev by the rules of the generation that the
	// question was in; to is whom that was encoded for (see [Target.Asked]). An
	// answer that is not of the dialect's form wraps [ErrBadReply].
	Verdict(ev *event.Event, res *Response, to Target) (event.Verdict, error)
	// Judge looks for a refusal inside a 2xx answer to an after-event. Nil means
	// there is none; otherwise it wraps [ErrRefused] with the backend's words.
	Judge(res *Response) error
}

// Batcher is implemented by dialects whose wire carries several events at once.
type Batcher interface {
	// Batch joins requests of the same path and query, in order, into one. It is
	// called before Sign, also with one request. An error means that these cannot
	// share one: a dialect may have batches of some commands only, which two
	// requests must show.
	Batch(reqs []Request) (Request, error)
}

// Request is one HTTP POST of a dialect, in or out, without its host.
type Request struct {
	// ID is set by Encode when an event takes several requests: the event id
	// with a part number. Empty means the event's own id.
	ID string
	// Path is what stands below the source's or endpoint's URL: "" or
	// "/im_event/message".
	Path string
	// Query is the raw query without '?'.
	Query string
	// ContentType is the media type, with parameters.
	ContentType string
	// Header holds further headers; nil when there are none.
	Header http.Header
	Body   []byte
}

// Response is an HTTP answer. Writers always send Content-Length and never
// compress: some vendors' servers take anything else as empty.
type Response struct {
	Status      int
	ContentType string
	Header      http.Header
	Body        []byte
}

// Verification is what Verify checks against.
type Verification struct {
	// Now is the time of arrival.
	Now time.Time
	// MaxAge is how far the signed timestamp may lie from Now, either way. Zero
	// means not checked.
	MaxAge time.Duration
	// AcceptUnsigned names the event kinds that may come without a signature,
	// in the dialect's own words (Easemob: reaction, thread, push).
	AcceptUnsigned []string
}

// Proof is what a verified request proves.
type Proof struct {
	// Once is what the signature covers that an honest server uses for one body
	// only (nonce and timestamp, call id). The same Once with another body is a
	// replay. Empty where the signature covers nothing of the kind.
	Once string
	// Secret is the place of the secret that matched in Credentials.Secrets; -1
	// when none was needed.
	Secret int
}

// Target is whom a request is encoded for.
type Target struct {
	// Generation is the wire generation to write; empty or "auto" is the newest.
	Generation string
	// Credentials of the endpoint or hook: some dialects write the app key into
	// the body.
	Credentials Credentials
	Now         time.Time
}

// Asked is the generation in which the target was asked about ev in the dialect of
// that name: its own, or where that is empty or "auto" that of an event of the very
// dialect, whose bytes were passed on as they came. Empty is the newest.
func (t Target) Asked(ev *event.Event, name string) string {
	switch {
	case t.Generation != "" && t.Generation != auto:
		return t.Generation
	case ev != nil && ev.Dialect == name:
		return ev.Generation
	}
	return ""
}

// auto is the word for the generation that is told from the wire, or the newest.
const auto = "auto"
