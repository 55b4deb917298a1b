package admin_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/internal/admin"
)

func TestDeadLetterGroups_CountByEndpointAndReason(t *testing.T) {
	t.Parallel()
	h := setup(t, func(c *admin.Config) { c.DeadLetters = manyLetters(30, func(i int) bool { return i == 1 }) })
	w := ask(h, "GET", "/api/v1/deadletters/groups", "", nil)
	var answer struct {
		Groups []struct {
			Endpoint, Reason string
			Letters          int
			Oldest, Newest   time.Time
		}
		Letters int
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer, json.MatchCaseInsensitiveNames(true)); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if answer.Letters != 29 || len(answer.Groups) != 2 {
		t.Fatalf("%s, want 29 letters in two groups", w.Body)
	}
	first, second := answer.Groups[0], answer.Groups[1]
	if first.Endpoint != "shop/backend" || first.Letters != 19 || !first.Oldest.Equal(noon.Add(-28*time.Minute)) || !first.Newest.Equal(noon.Add(-1*time.Minute)) {
		t.Errorf("first group %+v", first)
	}
	if second.Endpoint != "shop/other" || second.Reason != "timeout" || second.Letters != 10 {
		t.Errorf("second group %+v", second)
	}
}

func TestDeadLetters_TheOldestFirst(t *testing.T) {
	t.Parallel()
	h := setup(t, func(c *admin.Config) { c.DeadLetters = manyLetters(30, func(int) bool { return false }) })
	var ids []string
	for after := ""; ; {
		w := ask(h, "GET", "/api/v1/deadletters?endpoint=shop/other&order=oldest&limit=4&after="+after, "", nil)
		var answer struct {
			DeadLetters []struct {
				ID string `json:"id"`
			} `json:"deadletters"`
			Next string `json:"next"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%d %s: %v", w.Code, w.Body, err)
		}
		for _, l := range answer.DeadLetters {
			ids = append(ids, l.ID)
		}
		if after = answer.Next; after == "" {
			break
		}
	}
	if want := []string{"3", "6", "9", "12", "15", "18", "21", "24", "27", "30"}; !slices.Equal(ids, want) {
		t.Errorf("letters %v, want %v", ids, want)
	}
	for _, query := range []string{"order=best", "order=oldest&before=3"} {
		if w := ask(h, "GET", "/api/v1/deadletters?"+query, "", nil); w.Code != http.StatusBadRequest {
			t.Errorf("%s = %d, want 400", query, w.Code)
		}
	}
}
