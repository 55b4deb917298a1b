package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// store is where segments are.
type store interface {
	// open returns the segments that are there, the oldest first. What cannot be used it
	// sets aside and tells.
	open(ctx context.Context) ([]*segment, error)
	// lead makes this gateway the one that writes; errFollower when another one does.
	// Writing fails when it no longer is.
	lead(ctx context.Context) error
	// writer returns what writes a segment; nothing else may write it meanwhile.
	writer(ctx context.Context, s *segment) (*writer, error)
	// guest returns a writer of endings for who does not lead.
	guest(ctx context.Context, s *segment) (*writer, error)
	// create makes a segment behind all others.
	create(ctx context.Context, id int64) (*segment, error)
	// drop removes a segment with all that is in it.
	drop(ctx context.Context, s *segment) error
	// setAside takes a segment away that is damaged, and says what became of it.
	setAside(ctx context.Context, s *segment) (string, error)
	// bytes is how much room a segment takes.
	bytes(ctx context.Context, s *segment) (int64, error)
	// state reads what was kept with the last commit; nil when there is nothing. forget
	// forgets it, where it would outlive the segments.
	state(ctx context.Context, all []*segment, name string) ([]byte, error)
	forget(ctx context.Context) error
	// local is true where no other gateway reads or writes it.
	local() bool
	close() error
}

// errFollower says that another gateway feeds the history.
var errFollower = errors.New("another gateway feeds the history")

// errNewer says that a newer imhook made the history.
var errNewer = errors.New("the history was made by a newer imhook: start that one, or remove the history and let it be made anew")

// writer writes a segment, in transactions.
type writer struct {
	conn *sql.Conn
	// borrowed is true where the connection goes on without the writer.
	borrowed bool
	text     func(string) string
	// begins is how a transaction that writes begins.
	begins string
	// rows is how many rows one statement adds.
	rows int
	// stmts are kept for those that are used again; nil where the driver does so.
	stmts map[string]*sql.Stmt
	// copies adds many rows at once where that is faster; nil where it is not.
	copies func(ctx context.Context, t table, rows [][]any) error
	// empties removes all rows of a table.
	empties string
	// rest is called between statements: see [pacer].
	rest func()
	// within bounds one statement; zero does not. It is not the transaction that has a
	// bound: one that rests in between, on a machine that is busy, would never end.
	within time.Duration
}

// bounded is the context of one statement.
func (w *writer) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if w.within == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, w.within)
}

func (w *writer) exec(ctx context.Context, statement string, args ...any) error {
	if w.rest != nil {
		w.rest()
	}
	ctx, cancel := w.bounded(ctx)
	defer cancel()
	if w.stmts == nil {
		_, err := w.conn.ExecContext(ctx, w.text(statement), args...)
		return err
	}
	stmt := w.stmts[statement]
	if stmt == nil {
		var err error
		if stmt, err = w.conn.PrepareContext(ctx, w.text(statement)); err != nil {
			return err
		}
		w.stmts[statement] = stmt
	}
	_, err := stmt.ExecContext(ctx, args...)
	return err
}

// transaction runs what writes, all of it or nothing.
func (w *writer) transaction(ctx context.Context, run func() error) error {
	if err := w.bare(ctx, w.begins); err != nil {
		return fmt.Errorf("beginning to write: %w", err)
	}
	err := run()
	if err == nil {
		if err = w.bare(ctx, "COMMIT"); err == nil {
			return nil
		}
	}
	// Where the connection is gone there is nothing to roll back either.
	_ = w.bare(context.WithoutCancel(ctx), "ROLLBACK")
	return err
}

// bare runs a statement that is what it is in every segment.
func (w *writer) bare(ctx context.Context, statement string) error {
	ctx, cancel := w.bounded(ctx)
	defer cancel()
	_, err := w.conn.ExecContext(ctx, statement)
	return err
}

// insert adds rows.
func (w *writer) insert(ctx context.Context, t table, rows [][]any) error {
	if w.copies != nil && !t.once && len(rows) > w.rows {
		if w.rest != nil {
			w.rest()
		}
		ctx, cancel := w.bounded(ctx)
		defer cancel()
		if err := w.copies(ctx, t, rows); err != nil {
			return fmt.Errorf("writing %d rows of %s: %w", len(rows), t.name, err)
		}
		return nil
	}
	for len(rows) > 0 {
		n := w.rows
		if len(rows) < n {
			n = 1
		}
		args := make([]any, 0, n*len(t.columns))
		for _, row := range rows[:n] {
			args = append(args, row...)
		}
		if err := w.exec(ctx, t.insertion(n), args...); err != nil {
			return fmt.Errorf("writing rows of %s: %w", t.name, err)
		}
		rows = rows[n:]
	}
	return nil
}

// empty removes all rows of a table.
func (w *writer) empty(ctx context.Context, t table) error {
	return w.exec(ctx, strings.ReplaceAll(w.empties, "{}", "{"+t.name+"}"))
}

func (w *writer) close() error {
	var errs []error
	for _, s := range w.stmts {
		errs = append(errs, s.Close())
	}
	if !w.borrowed {
		errs = append(errs, w.conn.Close())
	}
	return errors.Join(errs...)
}

// naming makes the statements of a segment: names of tables in braces, and what the
// database calls its types.
func naming(prefix, suffix, state string, words ...string) func(string) string {
	pairs := append([]string{"{state}", state}, words...)
	for _, t := range tables {
		pairs = append(pairs, "{"+t+"}", prefix+t+suffix)
	}
	return strings.NewReplacer(pairs...).Replace
}

// numbered writes the places of what is given as PostgreSQL has them: $1, $2.
func numbered(statement string) string {
	if !strings.Contains(statement, "?") {
		return statement
	}
	var b strings.Builder
	n := 0
	for _, c := range []byte(statement) {
		if c != '?' {
			b.WriteByte(c)
			continue
		}
		n++
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
	}
	return b.String()
}
