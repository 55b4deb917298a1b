package admin

import (
	"io"
	"maps"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// answer writes v with 200.
func (a *api) answer(w http.ResponseWriter, r *http.Request, v any) {
	a.write(w, r, http.StatusOK, v)
}

// refuse writes why not.
func (a *api) refuse(w http.ResponseWriter, r *http.Request, no *refusal) {
	maps.Copy(w.Header(), no.header)
	a.write(w, r, no.status, no)
}

// asJSON is v as every answer has it.
func asJSON(v any) ([]byte, error) {
	return json.Marshal(v, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true), json.Deterministic(true))
}

func (a *api) write(w http.ResponseWriter, r *http.Request, status int, v any) {
	b, err := asJSON(v)
	if err != nil {
		a.Log.ErrorContext(r.Context(), "writing an answer failed", "path", r.URL.Path, "err", err)
		status, b = http.StatusInternalServerError, []byte(`{"error":{"message":"the answer cannot be written"}}`)
	}
	h := w.Header()
	h.Set("Content-Type", mediaJSON)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}
