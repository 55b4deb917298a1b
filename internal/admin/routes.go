package admin

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	jsonv2 "github.com/go-json-experiment/json"
)

// routes are what there is: open for everybody, and guarded.
type routes struct{ open, guarded *listedMux }

func newRoutes() *routes { return &routes{newListedMux(), newListedMux()} }

// listedMux is a mux that can say what is on it.
type listedMux struct {
	http.ServeMux
	patterns []string
}

func newListedMux() *listedMux { return &listedMux{} }

// HandleFunc registers a handler.
func (m *listedMux) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	m.patterns = append(m.patterns, pattern)
	m.ServeMux.HandleFunc(pattern, h)
}

// Handle registers a handler.
func (m *listedMux) Handle(pattern string, h http.Handler) { m.HandleFunc(pattern, h.ServeHTTP) }

// only answers for h when the caller's role is not enough.
func (a *api) only(least Role, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if c := callerOf(r.Context()); !c.Role.may(least) {
			a.refuse(w, r, refuse(http.StatusForbidden, "%s is %s here, and %s needs %s", c.Name, c.Role, r.URL.Path, least))
			return
		}
		h(w, r)
	}
}

// marshal and unmarshal are the library's way to our JSON.
func marshal(w io.Writer, v any) error {
	b, err := asJSON(v)
	if err == nil {
		_, err = w.Write(b)
	}
	return err
}

func unmarshal(b []byte, v any) error {
	return jsonv2.Unmarshal(b, v, jsonv2.RejectUnknownMembers(true))
}

// showDocument answers with the document.
func (a *api) showDocument(w http.ResponseWriter, r *http.Request) {
	b, err := a.text()
	if err != nil {
		a.Log.ErrorContext(r.Context(), "writing the document of the API failed", "err", err)
		a.refuse(w, r, refuse(http.StatusInternalServerError, "the document cannot be written; the log of the gateway says why"))
		return
	}
	a.answer(w, r, rawJSON(b))
}

// rawJSON is JSON at hand.
type rawJSON []byte

// MarshalJSON is the JSON itself.
func (b rawJSON) MarshalJSON() ([]byte, error) { return b, nil }

// describeOthers puts into the document what the library does not serve, and closes it.
func (a *api) describeOthers() {
	doc := a.huma.OpenAPI()
	a.text = sync.OnceValues(func() ([]byte, error) {
		loosen(doc)
		return json.Marshal(doc)
	})
	text := func(about string) *huma.Response {
		return &huma.Response{Description: about, Content: map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}}
	}
	add := func(path, id, summary string, role Role, answers map[string]*huma.Response) {
		op := &huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Tags: []string{tagGateway}, Summary: summary, Responses: answers}
		if role != "" {
			op.Extensions = map[string]any{roleExtension: role}
			op.Security = tokenOrSession()
			for status, about := range map[string]int{"401": http.StatusUnauthorized, "403": http.StatusForbidden, "429": http.StatusTooManyRequests} {
				answers[status] = a.refusalDocument(about)
			}
		} else {
			op.Security = []map[string][]string{}
		}
		doc.AddOperation(op)
	}
	add("/healthz", "health", "Whether the process answers", "", map[string]*huma.Response{"200": text("It does.")})
	add("/readyz", "ready", "Whether callbacks are taken", "", map[string]*huma.Response{
		"200": text("They are."), "503": text("They are not; why is told to those who may read the API."),
	})
	add("/metrics", "metrics", "Metrics for Prometheus", RoleViewer, map[string]*huma.Response{"200": text("In the text format.")})
	add(documentPath, "document", "This document", RoleViewer, map[string]*huma.Response{
		"200": {Description: "OpenAPI 3.1", Content: map[string]*huma.MediaType{mediaJSON: {Schema: &huma.Schema{Type: huma.TypeObject}}}},
	})
}

func tokenOrSession() []map[string][]string {
	return []map[string][]string{{schemeToken: {}}, {schemeSession: {}}}
}
