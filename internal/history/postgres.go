package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/imhook/imhook/dialect"
)

// shared is the store in a PostgreSQL that several gateways may have together: tables
// for each segment. The one that has the lock feeds it.
type shared struct {
	db *sql.DB
	// lock is the connection that holds the lock, and that everything is written with:
	// who loses the lock cannot write. Nil before [shared.lead].
	lock *sql.Conn
}

// Names in the database. They are on disk: append only.
const (
	tablePrefix   = "imhook_history_"
	segmentsTable = tablePrefix + "segments"
	stateTable    = tablePrefix + "state"
)

// dialWithin bounds connecting to the database.
const dialWithin = 5 * time.Second

func openShared(url dialect.Secret) (*shared, error) {
	c, err := pgx.ParseConfig(string(url))
	if err != nil {
		// Its error repeats the URL, with the password taken out as far as it was found.
		return nil, errors.New("history.url is no URL of a PostgreSQL database: write postgres://user:password@host:5432/database")
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = dialWithin
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "imhook history"
	}
	db := stdlib.OpenDB(*c)
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(4)
	db.SetConnMaxIdleTime(time.Minute)
	return &shared{db: db}, nil
}

func (p *shared) local() bool { return false }

func (p *shared) close() error {
	var err error
	if p.lock != nil {
		err = p.lock.Close()
		p.lock = nil
	}
	return errors.Join(err, p.db.Close())
}

// define makes the tables that are not a segment's.
func (p *shared) define(ctx context.Context) error {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	// Two that make the same table at once meet an error otherwise.
	w := &writer{conn: conn, text: func(s string) string { return s }, begins: "BEGIN", within: writeWithin}
	return w.transaction(ctx, func() error {
		for _, statement := range []string{
			"SELECT pg_advisory_xact_lock(hashtext('" + tablePrefix + "define'))",
			"CREATE TABLE IF NOT EXISTS " + segmentsTable + " (id BIGINT PRIMARY KEY, format BIGINT NOT NULL)",
			strings.ReplaceAll(stateDefinition, "{state}", stateTable),
		} {
			if err := w.exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}

func (p *shared) open(ctx context.Context) ([]*segment, error) {
	if err := p.define(ctx); err != nil {
		return nil, fmt.Errorf("making the tables of the history: %w", err)
	}
	var all []*segment
	rows, err := p.db.QueryContext(ctx, "SELECT id, format FROM "+segmentsTable+" ORDER BY id")
	err = each(rows, err, func(r *sql.Rows) error {
		var id, format int64
		if err := r.Scan(&id, &format); err != nil {
			return err
		}
		if format > formatVersion {
			return errNewer
		}
		all = append(all, p.segment(id))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for the history: %w", err)
	}
	for _, s := range all {
		if s.directory, err = s.load(ctx); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (p *shared) segment(id int64) *segment {
	name := naming(tablePrefix, "_"+strconv.FormatInt(id, 10), stateTable, "{key}", "BIGINT", "{blob}", "BYTEA", "{clustered}", "", "{least}", "LEAST", "{greatest}", "GREATEST")
	return &segment{id: id, db: p.db, kinds: map[int64]kind{}, text: func(s string) string { return numbered(name(s)) }}
}

// lead takes the lock, or keeps it.
func (p *shared) lead(ctx context.Context) error {
	if p.lock != nil {
		if err := p.lock.PingContext(ctx); err == nil {
			return nil
		}
		_ = p.lock.Close()
		p.lock = nil
	}
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	var got bool
	// Histories in different schemas of one database have locks of their own.
	err = conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock(hashtext('"+tablePrefix+"' || current_schema()))").Scan(&got)
	if err == nil && !got {
		err = errFollower
	}
	if err != nil {
		return errors.Join(err, discard(conn))
	}
	p.lock = conn
	return nil
}

// discard closes a connection for good: one that may hold the lock must not come back
// into the pool.
func discard(conn *sql.Conn) error {
	_ = conn.Raw(func(c any) error {
		if pc, ok := c.(*stdlib.Conn); ok {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_ = pc.Conn().Close(ctx)
		}
		return nil
	})
	return conn.Close()
}

func (p *shared) writer(ctx context.Context, s *segment) (*writer, error) {
	if p.lock == nil {
		return nil, errFollower
	}
	w := &writer{conn: p.lock, borrowed: true, text: s.text, begins: "BEGIN", within: writeWithin, rows: 24, empties: "TRUNCATE {}"}
	w.copies = func(ctx context.Context, t table, rows [][]any) error {
		return w.conn.Raw(func(c any) error {
			name := strings.Trim(s.text("{"+t.name+"}"), " ")
			_, err := c.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{name}, t.columns, pgx.CopyFromRows(rows))
			return err
		})
	}
	return w, nil
}

// guest returns a writer for a gateway that does not feed the history: of rows that
// disturb nobody.
func (p *shared) guest(ctx context.Context, s *segment) (*writer, error) {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	return &writer{conn: conn, text: s.text, begins: "BEGIN", within: writeWithin, rows: 24}, nil
}

func (p *shared) create(ctx context.Context, id int64) (*segment, error) {
	if p.lock == nil {
		return nil, errFollower
	}
	s := p.segment(id)
	w := &writer{conn: p.lock, text: s.text, begins: "BEGIN", within: writeWithin}
	err := w.transaction(ctx, func() error {
		for statement := range strings.SplitSeq(definitions, ";\n") {
			if statement = strings.TrimSpace(statement); statement == "" {
				continue
			}
			if err := w.exec(ctx, statement); err != nil {
				return err
			}
		}
		return w.exec(ctx, "INSERT INTO "+segmentsTable+" (id, format) VALUES (?, ?)", id, formatVersion)
	})
	if err != nil {
		return nil, fmt.Errorf("making segment %d: %w", id, err)
	}
	return s, nil
}

func (p *shared) drop(ctx context.Context, s *segment) error {
	if p.lock == nil {
		return errFollower
	}
	w := &writer{conn: p.lock, text: s.text, begins: "BEGIN", within: writeWithin}
	err := w.transaction(ctx, func() error {
		for _, t := range tables {
			if err := w.exec(ctx, "DROP TABLE IF EXISTS {"+t+"}"); err != nil {
				return err
			}
		}
		return w.exec(ctx, "DELETE FROM "+segmentsTable+" WHERE id = ?", s.id)
	})
	if err != nil {
		return fmt.Errorf("removing segment %d: %w", s.id, err)
	}
	return nil
}

func (p *shared) setAside(ctx context.Context, s *segment) (string, error) {
	return fmt.Sprintf("segment %d of the history was damaged and is removed", s.id), p.drop(ctx, s)
}

func (p *shared) bytes(ctx context.Context, s *segment) (n int64, err error) {
	var sum []string
	for _, t := range tables {
		sum = append(sum, "pg_total_relation_size('{"+t+"}')")
	}
	rows, err := s.query(ctx, "SELECT "+strings.Join(sum, " + "))
	err = each(rows, err, func(r *sql.Rows) error { return r.Scan(&n) })
	if err != nil {
		return 0, fmt.Errorf("measuring the history: %w", err)
	}
	return n, nil
}

func (p *shared) state(ctx context.Context, _ []*segment, name string) (value []byte, err error) {
	rows, err := p.db.QueryContext(ctx, numbered(strings.ReplaceAll(selectState, "{state}", stateTable)), name)
	err = each(rows, err, func(r *sql.Rows) error { return r.Scan(&value) })
	if err != nil {
		return nil, fmt.Errorf("reading how far the history is: %w", err)
	}
	return value, nil
}

func (p *shared) forget(ctx context.Context) error {
	if p.lock == nil {
		return errFollower
	}
	if _, err := p.lock.ExecContext(ctx, "DELETE FROM "+stateTable); err != nil {
		return fmt.Errorf("forgetting how far the history is: %w", err)
	}
	return nil
}

// sayDatabase is an error of a database in words, without what the connection was made
// with.
func sayDatabase(err error) string {
	if e, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return "the database of the history does not answer: " + e.Unwrap().Error()
	}
	return err.Error()
}
