package admin

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/sample"
)

// sampleQuery says which sample somebody wants to see.
type sampleQuery struct {
	Name    string `path:"name" doc:"The name of a source." example:"openim-prod"`
	Command string `query:"command" doc:"A command of the source's dialect, as GET /api/v1/sources lists them." example:"callbackAfterSendSingleMsgCommand"`
	Seed    string `query:"seed" doc:"Draws the same values as trigger does with this seed; without it they are new each time." example:"7"`
}

// shownSample is a callback that was not sent.
type shownSample struct {
	Request sent `json:"request"`
	// Seed makes trigger send the same values.
	Seed uint64 `json:"seed"`
	// Unsigned says why the request could not be signed.
	Unsigned string `json:"unsigned,omitzero"`
}

// sample shows what trigger would send.
func (a *api) sample(ctx context.Context, in *sampleQuery) (shownSample, error) {
	_, s, ok := a.Current().Source(in.Name)
	if !ok {
		return shownSample{}, noSource(in.Name)
	}
	d, err := a.Registry.Get(s.Dialect)
	if err != nil {
		return shownSample{}, a.broken(ctx, "finding the dialect", err)
	}
	answer := shownSample{Seed: rand.Uint64()}
	if in.Seed != "" {
		if answer.Seed, err = strconv.ParseUint(in.Seed, 10, 64); err != nil {
			return shownSample{}, invalid(fmt.Errorf("seed is %q; write a whole number", in.Seed))
		}
	}
	if in.Command == "" {
		return shownSample{}, invalid(errors.New("command is missing; GET /api/v1/sources lists them"))
	}
	req, err := sample.Make(d, sample.Wish{Command: in.Command, Seed: answer.Seed, Credentials: s.Credentials, Now: a.Now()})
	switch {
	case errors.Is(err, sample.ErrUnsigned):
		answer.Unsigned = err.Error()
	case err != nil:
		return shownSample{}, invalid(err)
	}
	answer.Request = sentBy(s, req)
	return answer, nil
}

// sentBy is a request to a source as it is shown.
func sentBy(s config.Source, req dialect.Request) sent {
	return sent{
		Method: http.MethodPost, Path: shownPath(s) + req.Path, Query: req.Query,
		ContentType: req.ContentType, Header: req.Header, Body: string(req.Body),
	}
}
