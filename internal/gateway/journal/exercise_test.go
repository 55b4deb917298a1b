package journal

import (
	"testing"

	"github.com/imhook/imhook/internal/gateway/journaltest"
)

func TestJournal_Exercise(t *testing.T) {
	t.Parallel()
	for _, sync := range []Sync{Always, Interval} {
		t.Run(string(sync), func(t *testing.T) {
			t.Parallel()
			journaltest.Exercise(t, func(t *testing.T, place string) journaltest.Journal {
				t.Helper()
				j, err := Open(t.Context(), Config{Dir: place, Reserve: 1, Sync: sync})
				if err != nil {
					t.Fatal(err)
				}
				return j
			})
		})
	}
}
