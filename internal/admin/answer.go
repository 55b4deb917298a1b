package admin

import (
	"io"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// answer writes v with 200.
func (a *api) answer(w http.ResponseWriter, r *http.Request, v any) {
	a.write(w, r, http.StatusOK, v)
}

// fail writes an error in words for the caller.
func (a *api) fail(w http.ResponseWriter, r *http.Request, status int, message string) {
	type body struct {
		Message string `json:"message"`
	}
	a.write(w, r, status, map[string]body{"error": {message}})
}

// broken reports what went wrong inside: the log has the cause, the caller only
// what was being done.
func (a *api) broken(w http.ResponseWriter, r *http.Request, doing string, err error) {
	if r.Context().Err() != nil {
		return // the caller is gone
	}
	a.Log.ErrorContext(r.Context(), "answering failed", "doing", doing, "path", r.URL.Path, "err", err)
	a.fail(w, r, http.StatusInternalServerError, doing+" failed; the log of the gateway says why")
}

func (a *api) write(w http.ResponseWriter, r *http.Request, status int, v any) {
	b, err := json.Marshal(v, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true), json.Deterministic(true))
	if err != nil {
		a.Log.ErrorContext(r.Context(), "writing an answer failed", "path", r.URL.Path, "err", err)
		status, b = http.StatusInternalServerError, []byte(`{"error":{"message":"the answer cannot be written"}}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
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
