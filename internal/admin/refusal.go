package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// refusal says no, in words for the caller. Its JSON form is that of every error of
// the API.
type refusal struct {
	status int
	header http.Header
	Detail detail `json:"error"`
	// Problems are what is wrong with a definition, one by one, and YAML what it was.
	Problems []problem `json:"problems,omitempty" doc:"What is wrong with a definition, one by one."`
	YAML     string    `json:"yaml,omitzero" doc:"The definition, without secrets."`
}

// detail is what is wrong.
type detail struct {
	Message string `json:"message" doc:"What is wrong, and what to do about it."`
	// When is the condition that is wrong, Line and Column the place in it, from 1.
	When   string `json:"when,omitzero" doc:"The condition that is wrong."`
	Line   int    `json:"line,omitzero" doc:"The line of what is wrong, from 1."`
	Column int    `json:"column,omitzero" doc:"The column of what is wrong, from 1."`
}

// Error is the message.
func (r *refusal) Error() string { return r.Detail.Message }

// GetStatus is the answer's status.
func (r *refusal) GetStatus() int { return r.status }

// refuse is a refusal with this status.
func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status: status, Detail: detail{Message: fmt.Sprintf(format, args...)}}
}

// invalid refuses a request for what err says.
func invalid(err error) *refusal { return refuse(http.StatusBadRequest, "%s", err) }

// broken is for what went wrong inside: the log has the cause, the caller is told
// only what was being done.
func (a *api) broken(ctx context.Context, doing string, err error) *refusal {
	if ctx.Err() == nil { // otherwise the caller is gone
		a.Log.ErrorContext(ctx, "answering failed", "doing", doing, "path", requestOf(ctx).r.URL.Path, "err", err)
	}
	return refuse(http.StatusInternalServerError, "%s failed; the log of the gateway says why", doing)
}

// refused is the refusal that err is; any other error is one of the gateway's own.
func (a *api) refused(ctx context.Context, err error) *refusal {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r
	}
	return a.broken(ctx, "answering", err)
}

// inOurWords turns what the library has to say into a refusal.
func inOurWords(_ huma.Context, _ string, v any) (any, error) {
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	r := refuse(e.Status, "%s", e.Detail)
	for _, d := range e.Errors {
		r.Detail.Message += "; " + d.Error()
	}
	return r, nil
}
