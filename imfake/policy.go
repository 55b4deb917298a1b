package imfake

import (
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
)

// Policy is what a vendor's server does with the answer to an after-callback.
type Policy struct {
	// Timeout is how long the server waits for one answer.
	Timeout time.Duration
	// Retries is how many times it posts again what was not taken.
	Retries int
	// Pause is what it waits before a retry; zero means at once.
	Pause time.Duration
	// Taken reports whether the server is content with an answer. Nil means with
	// any answer at all.
	Taken func(res *dialect.Response) bool
}

// PolicyOf returns the documented policy of a dialect:
//
//	wildfirechat  any answer will do, never again
//	openim        any answer will do, never again
//	rongcloud     200 within 5 s, two retries
//	tencent       200 with a JSON body within 2 s, never again
//	easemob       200 within 10 s, one retry at once
//	cloudevents   2xx within 10 s, two retries a second apart
//
// An unknown dialect gets cloudevents' policy.
func PolicyOf(name string) Policy {
	switch name {
	case "wildfirechat":
		return Policy{Timeout: 10 * time.Second}
	case "openim":
		return Policy{Timeout: 5 * time.Second}
	case "rongcloud":
		return Policy{Timeout: 5 * time.Second, Retries: 2, Taken: is200}
	case "tencent":
		return Policy{Timeout: 2 * time.Second, Taken: func(res *dialect.Response) bool {
			return is200(res) && jsontext.Value(res.Body).IsValid()
		}}
	case "easemob":
		return Policy{Timeout: 10 * time.Second, Retries: 1, Taken: is200}
	}
	return Policy{Timeout: 10 * time.Second, Retries: 2, Pause: time.Second, Taken: is2xx}
}

func is200(res *dialect.Response) bool { return res.Status == http.StatusOK }

func is2xx(res *dialect.Response) bool { return res.Status >= 200 && res.Status <= 299 }
