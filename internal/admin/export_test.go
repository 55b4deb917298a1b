package admin

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Open is New, with the document and every pattern that is on a mux.
func Open(cfg Config) (h http.Handler, doc *huma.OpenAPI, patterns []string, err error) {
	a, err := newAPI(cfg)
	if err != nil {
		return nil, nil, nil, err
	}
	return a.mux.open, a.huma.OpenAPI(), append(a.mux.open.patterns, a.mux.guarded.patterns...), nil
}

// Lasting is New with GET /lasting, which lasts as long as it may.
func Lasting(cfg Config) (http.Handler, error) {
	a, err := newAPI(cfg)
	if err != nil {
		return nil, err
	}
	op := operation{id: "lasting", method: http.MethodGet, path: "/api/v1/lasting", tag: tagGateway, role: RoleOperator, answers: "text/event-stream"}
	ask(a, op, stream(nil), func(context.Context, *none) (stream, error) {
		return func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, nil
	})
	return a.mux.open, nil
}

// Failing is a handler with a route that fails in the library's hands.
func Failing(err error) http.Handler {
	mux := newListedMux()
	api := newHuma(mux, "test")
	huma.Register(api, huma.Operation{Method: http.MethodGet, Path: "/fails"}, func(context.Context, *none) (*written, error) { return nil, err })
	return mux
}

// Schemas is an empty registry like that of the document.
func Schemas() huma.Registry {
	return newDocument("").Components.Schemas
}
