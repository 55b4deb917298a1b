package history

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
)

// postgresEnv names the URL of a PostgreSQL database in which the tests may make
// schemas; .ci/run sets it.
const postgresEnv = "IMHOOK_TEST_POSTGRES"

// postgresURL is the URL of a schema of the test's own. The test is skipped where there
// is no server.
func postgresURL(tb testing.TB) dialect.Secret {
	tb.Helper()
	server := os.Getenv(postgresEnv)
	if server == "" {
		tb.Skipf("needs PostgreSQL: set %s to the URL of a database, as .ci/run does with a server that it starts", postgresEnv)
	}
	schema := "test_" + strconv.FormatInt(time.Now().UnixNano(), 36)
	db, err := sql.Open("pgx", server)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec("CREATE SCHEMA " + schema); err != nil {
		tb.Fatalf("%s: %v", postgresEnv, err)
	}
	tb.Cleanup(func() {
		if _, err := db.Exec("DROP SCHEMA " + schema + " CASCADE"); err != nil {
			tb.Errorf("dropping the schema: %v", err)
		}
	})
	u, err := url.Parse(server)
	if err != nil {
		tb.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return dialect.Secret(u.String())
}

// A transaction that rests may take as long as it likes; a statement may not.
func TestWriter_BoundsStatementsAndNotTransactions(t *testing.T) {
	t.Parallel()
	url := postgresURL(t)
	db, err := sql.Open("pgx", string(url))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rests := 0
	w := &writer{conn: conn, text: func(s string) string { return s }, begins: "BEGIN", within: 5 * time.Second}
	w.rest = func() { rests++ }
	if err := w.transaction(t.Context(), func() error {
		for range 4 {
			if err := w.exec(t.Context(), "SELECT pg_sleep(1.5)"); err != nil {
				return err
			}
		}
		return nil
	}); err != nil || rests != 4 {
		t.Errorf("four statements of 1.5 s with 5 s for each: %v, %d rests", err, rests)
	}
	err = w.transaction(t.Context(), func() error { return w.exec(t.Context(), "SELECT pg_sleep(60)") })
	if err == nil || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a statement of 60 s with 5 s for each: %v", err)
	}
}
