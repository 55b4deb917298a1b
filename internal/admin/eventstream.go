package admin

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// mediaEvents is a stream of server-sent events.
const mediaEvents = "text/event-stream"

const (
	// heartbeat is how often a stream says that it is there, at least.
	heartbeat = 10 * time.Second
	// patient is how long one write to a stream may wait for who reads it.
	patient = 20 * time.Second
	// reconnectAfter is how long a browser waits before it asks again.
	reconnectAfter = time.Second
)

// eventStream writes server-sent events. It is for one goroutine.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	b       []byte
}

// newEventStream begins the answer.
func newEventStream(w http.ResponseWriter) (*eventStream, error) {
	h := w.Header()
	h.Set("Content-Type", mediaEvents)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	// A proxy that gathers would keep everything back.
	h.Set("X-Accel-Buffering", "no")
	s := &eventStream{w: w, control: http.NewResponseController(w)}
	// The server's bound of reading a request would end the stream. A recorder of a test
	// has none.
	_ = s.control.SetReadDeadline(time.Time{})
	w.WriteHeader(http.StatusOK)
	s.b = append(s.b, "retry: "+strconv.FormatInt(reconnectAfter.Milliseconds(), 10)+"\n\n"...)
	return s, s.flush()
}

// event adds an event with JSON data, to go out with the next flush. An empty id or
// name is left out.
func (s *eventStream) event(name, id string, data jsontext.Value) {
	if name != "" {
		s.b = append(append(append(s.b, "event: "...), name...), '\n')
	}
	if id != "" {
		s.b = append(append(append(s.b, "id: "...), id...), '\n')
	}
	// JSON holds no line breaks.
	s.b = append(append(append(s.b, "data: "...), data...), "\n\n"...)
}

// send sends one event now.
func (s *eventStream) send(name, id string, v any) error {
	b, err := asJSON(v)
	if err != nil {
		return err
	}
	s.event(name, id, b)
	return s.flush()
}

// beat says that the stream is there.
func (s *eventStream) beat() error {
	s.b = append(s.b, ": heartbeat\n\n"...)
	return s.flush()
}

// flush writes what was added. Its error means that nobody reads any more, or too
// slowly.
func (s *eventStream) flush() error {
	if len(s.b) == 0 {
		return nil
	}
	_ = s.control.SetWriteDeadline(time.Now().Add(patient))
	_, err := s.w.Write(s.b)
	if s.b = s.b[:0]; cap(s.b) > 1<<20 {
		s.b = nil
	}
	if err != nil {
		return err
	}
	return s.control.Flush()
}
