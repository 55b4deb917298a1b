package admin

import (
	"context"
	"net/http"
	"net/url"
)

// Listening says what somebody wants to answer for: an endpoint whose url is listen, and
// hooks. Hooks that are nil are all of the endpoint's app.
type Listening struct {
	Endpoint string   `json:"endpoint,omitzero"`
	Hooks    []string `json:"hooks,omitempty"`
}

// ListenBegin is the data of a session's first event, begin.
type ListenBegin struct {
	Session string       `json:"session"`
	Names   []ListenName `json:"names"`
	// Notes are in words what stands in the way.
	Notes []string `json:"notes,omitempty"`
	// BeatS is how often [Client.AnswerListen] must be called at least, in seconds.
	BeatS int `json:"beat_s"`
}

// ListenName is what a session answers for: an endpoint or hook, as app/name.
type ListenName struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// ListenRequest is the data of an event of the name request.
type ListenRequest struct {
	ID string `json:"id"`
	// Kind is endpoint or hook.
	Kind string `json:"kind"`
	// Name is app/name.
	Name   string      `json:"name"`
	Path   string      `json:"path"`
	Query  string      `json:"query,omitzero"`
	Header http.Header `json:"header,omitempty"`
	Body   []byte      `json:"body,omitempty"`
	// TimeoutMS is after how many milliseconds nobody waits for the answer any more.
	TimeoutMS int64 `json:"timeout_ms,omitzero"`
}

// ListenAnswer answers a request. Error says why there is no answer; then Status is not
// set.
type ListenAnswer struct {
	ID     string      `json:"id"`
	Status int         `json:"status,omitzero"`
	Header http.Header `json:"header,omitempty"`
	Body   []byte      `json:"body,omitempty"`
	Error  string      `json:"error,omitzero"`
}

// ListenAnswered has the ids of requests that nobody waited for any more.
type ListenAnswered struct {
	Late []string `json:"late,omitempty"`
}

// Listen begins a session and calls take with its events: begin, requests, and end. It
// returns as [Client.Stream] does; heard is called whenever the gateway says anything, and
// may be nil. Who begins another session for the same ends this one.
func (c *Client) Listen(ctx context.Context, to Listening, heard func(), take func(StreamEvent) error) error {
	return c.Stream(ctx, StreamRequest{Path: "/api/v1/listen", Body: to, Heard: heard}, take)
}

// AnswerListen answers requests of a session; without any it says that one is there.
func (c *Client) AnswerListen(ctx context.Context, session string, all ...ListenAnswer) (*ListenAnswered, error) {
	body := struct {
		Answers []ListenAnswer `json:"answers,omitempty"`
	}{all}
	return send[ListenAnswered](ctx, c, http.MethodPost, "/api/v1/listen/"+url.PathEscape(session)+"/answers", nil, body)
}
