package admin_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/internal/admin"
)

// witness answers as the API does, and compares every answer with what the document
// says: so all tests of this package are tests of the document.
type witness struct {
	t   *testing.T
	h   http.Handler
	doc *huma.OpenAPI
	// paths finds the operation of a request.
	paths *http.ServeMux
	ops   map[string]*huma.Operation
}

func newWitness(t *testing.T, h http.Handler, doc *huma.OpenAPI) *witness {
	t.Helper()
	w := &witness{t: t, h: h, doc: doc, paths: http.NewServeMux(), ops: operationsOf(doc)}
	for pattern := range w.ops {
		w.paths.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) {})
	}
	return w
}

// operationsOf are the operations of a document by the pattern of their route.
func operationsOf(doc *huma.OpenAPI) map[string]*huma.Operation {
	all := map[string]*huma.Operation{}
	for path, item := range doc.Paths {
		for method, op := range map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
		} {
			if op != nil {
				all[method+" "+path] = op
			}
		}
	}
	return all
}

func (w *witness) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	maps.Copy(to.Header(), rec.Header())
	to.WriteHeader(rec.Code)
	_, _ = to.Write(rec.Body.Bytes())
	if rec.Code == http.StatusTemporaryRedirect {
		return // to the path as it should be written; nothing is known of it before
	}
	if _, pattern := w.paths.Handler(r); pattern != "" {
		w.compare(pattern, rec)
	}
}

func (w *witness) compare(pattern string, rec *httptest.ResponseRecorder) {
	w.t.Helper()
	said, ok := w.ops[pattern].Responses[strconv.Itoa(rec.Code)]
	if !ok {
		w.t.Errorf("%s answered %d %.200s, which is not in the document", pattern, rec.Code, rec.Body)
		return
	}
	media, _, _ := strings.Cut(rec.Header().Get("Content-Type"), ";")
	m, ok := said.Content[media]
	if !ok {
		w.t.Errorf("%s answered %d with %q, which is not in the document", pattern, rec.Code, media)
		return
	}
	if media != "application/json" {
		return
	}
	var v any
	if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
		w.t.Errorf("%s answered %d %s: %v", pattern, rec.Code, rec.Body, err)
		return
	}
	for _, e := range against(w.doc, m.Schema, v) {
		w.t.Errorf("%s answered %d %.300s, which the document does not allow: %v", pattern, rec.Code, rec.Body, e)
	}
}

// against is what a schema does not allow of a value.
func against(doc *huma.OpenAPI, s *huma.Schema, v any) []error {
	res := huma.ValidateResult{}
	huma.Validate(doc.Components.Schemas, s, huma.NewPathBuffer([]byte{}, 0), huma.ModeWriteToServer, v, &res)
	return res.Errors
}

func opened(t *testing.T) (http.Handler, *huma.OpenAPI, []string) {
	t.Helper()
	var h http.Handler
	var doc *huma.OpenAPI
	var patterns []string
	setup(t, func(c *admin.Config) {
		var err error
		if h, doc, patterns, err = admin.Open(*c); err != nil {
			t.Fatal(err)
		}
	})
	return h, doc, patterns
}

func TestDocument_HasEveryRouteAndNoOther(t *testing.T) {
	t.Parallel()
	_, doc, patterns := opened(t)
	// What is for people, for profilers, or for everything else.
	others := []string{"/", "/api/", "/metrics", "/debug/pprof/"}
	var routes []string
	for _, p := range patterns {
		if !slices.Contains(others, p) && !strings.HasPrefix(p, "GET /debug/pprof/") {
			routes = append(routes, p)
		}
	}
	slices.Sort(routes)
	routes = slices.Compact(routes) // what is open stands on both
	if diff := cmp.Diff(routes, slices.Sorted(maps.Keys(operationsOf(doc)))); diff != "" {
		t.Errorf("routes and document (-routes +document):\n%s", diff)
	}
	if len(routes) < 30 {
		t.Errorf("there are %d routes: the list is broken", len(routes))
	}
}

func TestDocument_IsComplete(t *testing.T) {
	t.Parallel()
	_, doc, _ := opened(t)
	seen := 0
	for pattern, op := range operationsOf(doc) {
		if op.OperationID == "" || op.Summary == "" || len(op.Tags) != 1 {
			t.Errorf("%s has the id %q, the summary %q and the tags %q, want all of them", pattern, op.OperationID, op.Summary, op.Tags)
		}
		if !slices.ContainsFunc(doc.Tags, func(known *huma.Tag) bool { return known.Name == op.Tags[0] }) {
			t.Errorf("%s has the tag %q, which is explained nowhere", pattern, op.Tags[0])
		}
		for _, p := range op.Parameters {
			if p.In == "path" && !strings.Contains(pattern, "{"+p.Name+"}") {
				t.Errorf("%s says that its path has %s", pattern, p.Name)
			}
		}
		for status, r := range op.Responses {
			for media, m := range r.Content {
				if m.Schema == nil {
					t.Errorf("%s answers %s %s without a schema", pattern, status, media)
				}
				if media != "application/json" || pattern == "GET /api/openapi.json" && status == "200" {
					continue
				}
				seen++
				if m.Example == nil {
					t.Errorf("%s answers %s without an example", pattern, status)
				}
				for _, e := range against(doc, m.Schema, m.Example) {
					t.Errorf("%s: the example of %s: %v", pattern, status, e)
				}
			}
		}
		if op.RequestBody == nil {
			continue
		}
		for media, m := range op.RequestBody.Content {
			if media != "application/json" {
				continue
			}
			seen++
			for _, e := range against(doc, m.Schema, m.Example) {
				t.Errorf("%s: the example of a request: %v", pattern, e)
			}
		}
	}
	if seen < 60 {
		t.Errorf("%d examples were compared: the loop is broken", seen)
	}
}

// What the document shows of a request the API takes, as far as there is what it
// names.
func TestDocument_ExamplesOfRequestsAreTaken(t *testing.T) {
	t.Parallel()
	h, doc, _ := opened(t)
	for pattern, op := range operationsOf(doc) {
		if op.RequestBody == nil || op.RequestBody.Content["application/json"] == nil {
			continue
		}
		body, err := json.Marshal(op.RequestBody.Content["application/json"].Example)
		if err != nil {
			t.Fatal(err)
		}
		method, path, _ := strings.Cut(pattern, " ")
		path = strings.NewReplacer("{app}", "shop", "{name}", "none", "{id}", "99").Replace(path)
		if w := ask(h, method, path, string(body), nil); strings.Contains(w.Body.String(), "reading the request") {
			t.Errorf("%s refuses its own example: %d %s", pattern, w.Code, w.Body)
		}
	}
}

func TestDocument_IsServedOpenForMore(t *testing.T) {
	t.Parallel()
	w := ask(setup(t, nil), "GET", "/api/openapi.json", "", nil)
	var doc struct {
		OpenAPI    string `json:"openapi"`
		Paths      map[string]map[string]any
		Components struct {
			Schemas map[string]struct {
				AdditionalProperties any `json:"additionalProperties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || doc.Paths["/api/v1/events/{id}"]["get"] == nil {
		t.Errorf("document = %.200s, want OpenAPI 3.1 with the events", w.Body)
	}
	schemas := doc.Components.Schemas
	if schemas["Found"].AdditionalProperties != nil || schemas["Steering"].AdditionalProperties != false {
		t.Errorf("more is allowed in an answer: %v, in a request: %v; want it in answers alone",
			schemas["Found"].AdditionalProperties, schemas["Steering"].AdditionalProperties)
	}
	if _, ok := schemas["ErrorModel"]; ok || bytes.Contains(w.Body.Bytes(), []byte("problem+json")) {
		t.Error("the document has errors in a form that is not ours")
	}
}

func TestDocument_ErrorsOfTheLibraryAreInOurForm(t *testing.T) {
	t.Parallel()
	h := admin.Failing(context.Canceled)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/fails", nil))
	want := fmt.Sprintf(`{"error":{"message":"unexpected error occurred; %v"}}`, context.Canceled)
	if w.Code != http.StatusInternalServerError || w.Body.String() != want {
		t.Errorf("an error of the library = %d %s, want %s", w.Code, w.Body, want)
	}
}
