package history

import "strings"

// formatVersion is how segments are laid out. Append only: a change that an older
// imhook would misread gets the next number.
const formatVersion = 1

// tables are the tables of a segment. {name} is a table in all statements: SQLite has a
// file for each segment, PostgreSQL tables with its number.
var tables = []string{"kind", "event", "fresh", "chunk", "block", "term", "mark", "step", "ending", "span"}

// definitions make a segment. BLOB is written as the database calls it.
const definitions = `
CREATE TABLE {kind} (kind BIGINT PRIMARY KEY, type TEXT NOT NULL, phase TEXT NOT NULL, app TEXT NOT NULL, source TEXT NOT NULL, dialect TEXT NOT NULL, command TEXT NOT NULL);
CREATE TABLE {event} (place {key} PRIMARY KEY, at BIGINT NOT NULL, time BIGINT NOT NULL, kind BIGINT NOT NULL, id TEXT NOT NULL, actor TEXT NOT NULL, conversation TEXT NOT NULL, message TEXT NOT NULL, link TEXT NOT NULL, verdict TEXT NOT NULL, picked TEXT NOT NULL);
CREATE TABLE {fresh} (place {key} PRIMARY KEY, terms {blob} NOT NULL);
CREATE TABLE {chunk} (chunk BIGINT PRIMARY KEY, first BIGINT NOT NULL, last BIGINT NOT NULL, n BIGINT NOT NULL);
CREATE TABLE {block} (first BIGINT PRIMARY KEY, last BIGINT NOT NULL, lo BIGINT NOT NULL, hi BIGINT NOT NULL, n BIGINT NOT NULL);
CREATE TABLE {term} (chunk BIGINT NOT NULL, term BIGINT NOT NULL, places {blob} NOT NULL, PRIMARY KEY (chunk, term)) {clustered};
CREATE TABLE {mark} (term BIGINT NOT NULL, place BIGINT NOT NULL, PRIMARY KEY (term, place)) {clustered};
CREATE TABLE {step} (place BIGINT NOT NULL, feed BIGINT NOT NULL, ref BIGINT NOT NULL, at BIGINT NOT NULL, endpoint TEXT NOT NULL, attempt BIGINT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL, status BIGINT NOT NULL, took BIGINT NOT NULL, again TEXT NOT NULL, PRIMARY KEY (place, feed, ref)) {clustered};
CREATE TABLE {ending} (page BIGINT NOT NULL, k BIGINT NOT NULL, endpoint TEXT NOT NULL, data {blob} NOT NULL, PRIMARY KEY (page, k)) {clustered};
CREATE TABLE {span} (name TEXT PRIMARY KEY, lo BIGINT NOT NULL, hi BIGINT NOT NULL);
`

// stateDefinition makes the table of what is not a segment's: SQLite has it in each
// file, and that of the newest counts.
const stateDefinition = `CREATE TABLE IF NOT EXISTS {state} (name TEXT PRIMARY KEY, value TEXT NOT NULL)`

// Statements, with ? for what is given.
const (
	eventColumns = "place, at, time, kind, id, actor, conversation, message, link, verdict, picked"
	selectEvents = "SELECT " + eventColumns + " FROM {event} WHERE place IN (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
	selectRange  = "SELECT " + eventColumns + " FROM {event} WHERE place >= ? AND place <= ? ORDER BY place DESC LIMIT 64"
	selectTerm   = "SELECT places FROM {term} WHERE chunk = ? AND term = ?"
	selectMarks  = "SELECT place FROM {mark} WHERE term = ? AND place >= ? AND place <= ? ORDER BY place"
	selectSteps  = "SELECT feed, ref, at, endpoint, attempt, outcome, reason, status, took, again FROM {step} WHERE place = ? ORDER BY at, ref"
	selectEnding = "SELECT endpoint, data FROM {ending} WHERE page = ? ORDER BY k"
	selectKinds  = "SELECT kind, type, phase, app, source, dialect, command FROM {kind}"
	selectChunks = "SELECT chunk, first, last, n FROM {chunk} ORDER BY first"
	selectBlocks = "SELECT first, last, lo, hi, n FROM {block} ORDER BY first"
	selectFresh  = "SELECT place, terms FROM {fresh} WHERE place > ? ORDER BY place"
	selectSpans  = "SELECT name, lo, hi FROM {span}"
	selectState  = "SELECT value FROM {state} WHERE name = ?"

	upsertBlock = "INSERT INTO {block} (first, last, lo, hi, n) VALUES (?,?,?,?,?) ON CONFLICT (first) DO UPDATE SET last = excluded.last, lo = excluded.lo, hi = excluded.hi, n = excluded.n"
	upsertSpan  = "INSERT INTO {span} (name, lo, hi) VALUES (?,?,?) ON CONFLICT (name) DO UPDATE SET lo = {least}({span}.lo, excluded.lo), hi = {greatest}({span}.hi, excluded.hi)"
	upsertState = "INSERT INTO {state} (name, value) VALUES (?,?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
	insertChunk = "INSERT INTO {chunk} (chunk, first, last, n) VALUES (?,?,?,?)"
)

// fetched is how many events one selectEvents asks for, scanned how many one
// selectRange answers with.
const (
	fetched = 16
	scanned = 64
)

// table is what rows are added to many at a time.
type table struct {
	name    string
	columns []string
	// once is true where rows may be there already, and stay as they are then.
	once bool
}

var (
	kindTable   = table{name: "kind", columns: []string{"kind", "type", "phase", "app", "source", "dialect", "command"}, once: true}
	eventTable  = table{name: "event", columns: strings.Split(eventColumns, ", ")}
	freshTable  = table{name: "fresh", columns: []string{"place", "terms"}}
	termTable   = table{name: "term", columns: []string{"chunk", "term", "places"}}
	markTable   = table{name: "mark", columns: []string{"term", "place"}, once: true}
	stepTable   = table{name: "step", columns: []string{"place", "feed", "ref", "at", "endpoint", "attempt", "outcome", "reason", "status", "took", "again"}, once: true}
	endingTable = table{name: "ending", columns: []string{"page", "k", "endpoint", "data"}, once: true}
)

// insertion is the statement that adds n rows.
func (t table) insertion(n int) string {
	one := "(" + strings.TrimSuffix(strings.Repeat("?,", len(t.columns)), ",") + ")"
	s := "INSERT INTO {" + t.name + "} (" + strings.Join(t.columns, ", ") + ") VALUES " + strings.TrimSuffix(strings.Repeat(one+",", n), ",")
	if t.once {
		s += " ON CONFLICT DO NOTHING"
	}
	return s
}
