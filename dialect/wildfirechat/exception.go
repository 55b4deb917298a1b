package wildfirechat

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
)

// heartbeat is the event_type, and in practice the count, of a sign of life.
const heartbeat = 100

// exception is IMExceptionEvent: the server about itself.
type exception struct {
	EventType *int32 `json:"event_type"`
	Msg       string `json:"msg,omitzero"`
	CallStack string `json:"call_stack,omitzero"`
	Count     int32  `json:"count"`
	NodeID    int32  `json:"node_id"`
	exceptionRest
}

type exceptionRest struct {
	Unknown jsontext.Value `json:",embed"`
}

func decodeException(in input) (*event.Event, error) {
	var w exception
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if w.EventType == nil {
		return nil, in.missing("event_type")
	}
	ev := &event.Event{
		Type: event.SystemException, Lane: systemLane(), Generation: current,
		Report: &event.Report{
			Code: codeText(*w.EventType), Text: w.Msg, Trace: w.CallStack, Count: int(w.Count), Node: codeText(w.NodeID),
		},
	}
	switch n := *w.EventType; {
	case n >= 1 && n <= 10:
	case n == heartbeat, n == 0 && w.Count == heartbeat:
		ev.Type = event.SystemHeartbeat
	default:
		return in.unknown(ev.Lane), nil
	}
	var err error
	ev.Vendor, err = vendor(in, &w.exceptionRest)
	return ev, err
}

func encodeException(out *output) error {
	r := out.ev.Report
	if r == nil {
		r = &event.Report{}
	}
	w := exception{Msg: r.Text, CallStack: r.Trace, Count: narrow(r.Count)}
	if err := out.kept(&w.exceptionRest); err != nil {
		return err
	}
	code, ok := javaInt(r.Code)
	if !out.own || !ok {
		// What the numbers of others mean is not known here: an event callback, 9,
		// reports it.
		if code = 9; out.ev.Type == event.SystemHeartbeat {
			code = heartbeat
		}
	}
	w.EventType = &code
	w.NodeID, _ = javaInt(r.Node)
	return out.post("", &w)
}

func javaInt(s string) (int32, bool) {
	n, err := strconv.ParseInt(s, 10, 32)
	return int32(n), err == nil
}
