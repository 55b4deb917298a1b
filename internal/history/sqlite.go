package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// files is the store of one gateway: a SQLite file for each segment.
type files struct {
	dir  string
	log  *slog.Logger
	now  func() time.Time
	lock *flock.Flock
}

// ending of a segment's file, and what SQLite puts behind it for files of its own.
const fileEnding = ".db"

var fileParts = []string{"", "-wal", "-shm", "-journal"}

func openFiles(dir string, log *slog.Logger, now func() time.Time) (*files, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making a place for the history: %w", err)
	}
	l := flock.New(filepath.Join(dir, "lock"))
	ok, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("locking the history: %w", err)
	}
	if !ok {
		return nil, fmt.Errorf("another gateway has its history in %s: give each a data_dir of its own, or all the same history.url", dir)
	}
	return &files{dir: dir, log: log, now: now, lock: l}, nil
}

func (f *files) local() bool { return true }

func (f *files) lead(context.Context) error { return nil }

func (f *files) close() error { return f.lock.Close() }

func (f *files) path(id int64) string {
	return filepath.Join(f.dir, fmt.Sprintf("%06d%s", id, fileEnding))
}

// open implements [store]. A file that is damaged so that it cannot be opened is set
// aside.
func (f *files) open(ctx context.Context) ([]*segment, error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, fmt.Errorf("looking for the history: %w", err)
	}
	var ids []int64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), fileEnding)
		if id, err := strconv.ParseInt(name, 10, 64); ok && err == nil && id > 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	var all []*segment
	fail := func(err error) ([]*segment, error) {
		for _, s := range all {
			_ = s.db.Close()
		}
		return nil, err
	}
	for _, id := range ids {
		s, err := f.segment(id)
		if err == nil {
			err = f.check(ctx, s)
		}
		if err == nil {
			s.directory, err = s.load(ctx)
		}
		switch {
		case err == nil:
			all = append(all, s)
		case isDamage(err):
			if s != nil {
				if _, err := f.setAside(ctx, s); err != nil {
					return fail(err)
				}
			}
		default:
			if s != nil {
				_ = s.close()
			}
			return fail(fmt.Errorf("opening %s: %w", f.path(id), err))
		}
	}
	return all, nil
}

// segment opens a file; nothing is read yet.
func (f *files) segment(id int64) (*segment, error) {
	q := url.Values{"_pragma": {
		"journal_mode(WAL)",
		// The last moments may be missing after a loss of power: they are read again.
		"synchronous(NORMAL)",
		"busy_timeout(5000)",
		"cache_size(-2048)",
		"temp_store(MEMORY)",
		"journal_size_limit(4194304)",
	}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: f.path(id)}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(2)
	db.SetConnMaxIdleTime(time.Minute)
	return &segment{
		id: id, db: db, prepares: true, stmts: map[string]*sql.Stmt{}, kinds: map[int64]kind{},
		text: naming("", "", "state", "{key}", "INTEGER", "{blob}", "BLOB", "{clustered}", "WITHOUT ROWID", "{least}", "min", "{greatest}", "max"),
	}, nil
}

// check says whether a file is a segment that this imhook knows. One whose making was
// cut short is made now.
func (f *files) check(ctx context.Context, s *segment) error {
	var version int
	if err := s.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	switch {
	case version == formatVersion:
		return nil
	case version > formatVersion:
		return errNewer
	}
	return f.define(ctx, s)
}

// define makes the tables of an empty file.
func (f *files) define(ctx context.Context, s *segment) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for statement := range strings.SplitSeq(definitions+stateDefinition, ";\n") {
		if statement = strings.TrimSpace(statement); statement == "" {
			continue
		}
		if _, err := tx.ExecContext(ctx, s.text(statement)); err != nil {
			return errors.Join(fmt.Errorf("making a segment: %w", err), tx.Rollback())
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", formatVersion)); err != nil {
		return errors.Join(fmt.Errorf("making a segment: %w", err), tx.Rollback())
	}
	return tx.Commit()
}

func (f *files) create(ctx context.Context, id int64) (*segment, error) {
	s, err := f.segment(id)
	if err != nil {
		return nil, fmt.Errorf("making segment %d: %w", id, err)
	}
	if err := f.check(ctx, s); err != nil {
		return nil, errors.Join(fmt.Errorf("making segment %d: %w", id, err), s.db.Close())
	}
	return s, nil
}

func (f *files) drop(_ context.Context, s *segment) error {
	err := s.close()
	for _, part := range fileParts {
		if e := os.Remove(f.path(s.id) + part); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	if err != nil {
		return fmt.Errorf("removing segment %d: %w", s.id, err)
	}
	return nil
}

func (f *files) setAside(_ context.Context, s *segment) (string, error) {
	_ = s.close() // it is damaged
	to := fmt.Sprintf("%s.damaged-%s", f.path(s.id), f.now().UTC().Format("20060102T150405"))
	for _, part := range fileParts {
		if err := os.Rename(f.path(s.id)+part, to+part); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("setting a damaged segment aside: %w", err)
		}
	}
	f.log.Error("a file of the history is damaged and was set aside", "file", f.path(s.id), "as", to)
	return "a damaged file of the history was set aside as " + to, nil
}

func (f *files) bytes(_ context.Context, s *segment) (int64, error) {
	var n int64
	for _, part := range fileParts {
		info, err := os.Stat(f.path(s.id) + part)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("measuring the history: %w", err)
		}
		n += info.Size()
	}
	return n, nil
}

// state implements [store]. A segment that was just made may have none yet: then that of
// the one before holds.
func (f *files) state(ctx context.Context, all []*segment, name string) (value []byte, err error) {
	for _, s := range slices.Backward(all) {
		rows, err := s.query(ctx, selectState, name)
		err = each(rows, err, func(r *sql.Rows) error { return r.Scan(&value) })
		if err != nil {
			return nil, fmt.Errorf("reading how far the history is: %w", err)
		}
		if value != nil {
			return value, nil
		}
	}
	return nil, nil
}

func (f *files) forget(context.Context) error { return nil }

func (f *files) writer(ctx context.Context, s *segment) (*writer, error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("opening segment %d: %w", s.id, err)
	}
	return &writer{conn: conn, text: s.text, begins: "BEGIN IMMEDIATE", rows: 24, stmts: map[string]*sql.Stmt{}, empties: "DELETE FROM {}"}, nil
}

func (f *files) guest(context.Context, *segment) (*writer, error) {
	return nil, errors.New("nobody else writes these files")
}

// close lets go of the segment's database, where it has one of its own.
func (s *segment) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, stmt := range s.stmts {
		errs = append(errs, stmt.Close())
	}
	clear(s.stmts)
	if s.prepares {
		errs = append(errs, s.db.Close())
	}
	return errors.Join(errs...)
}

// isDamage reports whether a file is none of SQLite's, or broken.
func isDamage(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return errors.Is(err, errPlaces)
	}
	code := e.Code() & 0xff
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// isFull reports whether there was no room.
func isFull(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()&0xff == sqlite3.SQLITE_FULL
	}
	return false
}
