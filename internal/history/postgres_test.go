package history

import (
	"database/sql"
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
