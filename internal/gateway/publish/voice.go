package publish

import (
	"errors"
	"fmt"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Voice says events as CloudEvents in the structured form, which is the same text in
// every binding. Immutable and safe for concurrent use.
type Voice struct {
	// CloudEvents is the dialect of that name.
	CloudEvents dialect.Outbound
	// Registry reads events again that were kept in the form that they came in.
	Registry *dialect.Registry
	// Echoes lets events through that repeat what another command reports.
	Echoes bool
	Now    func() time.Time
}

// text is a CloudEvent.
type text struct {
	contentType string
	body        []byte
}

// say writes ev; an outcome with a kind means that there is nothing to publish.
func (v Voice) say(ev *event.Event) (text, gateway.Outcome) {
	if ev.Type == event.VendorUnknown && ev.Raw.Dialect != cloudEvents {
		return text{}, gateway.Outcome{Kind: gateway.Untranslatable, Detail: fmt.Sprintf("nothing is known of %s %s", ev.Dialect, ev.Command)}
	}
	if ev.Echo && ev.Dialect != cloudEvents && !v.Echoes {
		return text{}, gateway.Outcome{Kind: gateway.Echoed}
	}
	full, err := v.Registry.Restore(ev)
	if err != nil {
		return text{}, failed(gateway.Refused, gateway.ReasonEncode, err)
	}
	reqs, err := v.CloudEvents.Encode(full, dialect.Target{Now: v.Now()})
	switch {
	case errors.Is(err, dialect.ErrUntranslatable):
		return text{}, gateway.Outcome{Kind: gateway.Untranslatable, Detail: err.Error()}
	case err != nil:
		return text{}, failed(gateway.Refused, gateway.ReasonEncode, err)
	case len(reqs) != 1:
		return text{}, failed(gateway.Refused, gateway.ReasonInternal, fmt.Errorf("%d CloudEvents of one event", len(reqs)))
	}
	return text{contentType: reqs[0].ContentType, body: reqs[0].Body}, gateway.Outcome{}
}

// cloudEvents is the dialect that is published.
const cloudEvents = "cloudevents"

// maxDetail bounds what is said about a failure, in bytes.
const maxDetail = 500

func failed(kind gateway.OutcomeKind, reason gateway.Reason, err error) gateway.Outcome {
	detail := err.Error()
	return gateway.Outcome{Kind: kind, Reason: reason, Detail: detail[:min(len(detail), maxDetail)]}
}
