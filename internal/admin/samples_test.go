package admin_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

func TestSample_IsWhatTriggerSends(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	var shown, sent struct {
		Request   map[string]any `json:"request"`
		Exchanges []struct {
			Request map[string]any `json:"request"`
		} `json:"exchanges"`
	}
	w := ask(h, "GET", "/api/v1/samples/im?command=message&seed=7", "", nil)
	if err := json.Unmarshal(w.Body.Bytes(), &shown); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if strings.Contains(w.Body.String(), "hush") {
		t.Errorf("the sample shows a secret: %s", w.Body)
	}
	w = ask(h, "POST", "/api/v1/sources/im/trigger", `{"command":"message","seed":7}`, nil)
	if err := json.Unmarshal(w.Body.Bytes(), &sent); err != nil || len(sent.Exchanges) != 1 {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if shown.Request["body"] != sent.Exchanges[0].Request["body"] || shown.Request["path"] != sent.Exchanges[0].Request["path"] {
		t.Errorf("the sample is %v, trigger sends %v", shown.Request, sent.Exchanges[0].Request)
	}
	for query, want := range map[string]int{
		"im?command=nothing": http.StatusBadRequest, "im": http.StatusBadRequest, "im?command=message&seed=-1": http.StatusBadRequest,
		"none?command=message": http.StatusNotFound,
	} {
		if w := ask(h, "GET", "/api/v1/samples/"+query, "", nil); w.Code != want {
			t.Errorf("%s = %d %s, want %d", query, w.Code, w.Body, want)
		}
	}
}
