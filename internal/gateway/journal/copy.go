package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Copied says what Copy did.
type Copied struct {
	// First and Last page; Last is First-1 when there is none. Pages are those in
	// between that are there, Events and Bytes what is in them.
	First, Last           uint64
	Pages, Events, Bytes  uint64
	Positions             int
	DeadLetters           uint64
	DeadLettersLeftBehind uint64 // the oldest, for which the target has no room
	// Resumed is true when an earlier copy of the same journal was finished.
	Resumed bool
	// Sum is the SHA-256 of all pages with their numbers, as read from the source and
	// again from the target.
	Sum string
}

// Copy copies a journal, from a data directory to NATS or the other way: pages
// with their numbers, positions, dead letters. No gateway may use either end. The
// target must be empty, or hold a copy of the same journal that was not finished;
// then that is gone on with. The source is not changed. progress, if it is set, is
// told about once a second how far it is.
//
// The target cannot be opened before the copy is complete and was read back.
func Copy(ctx context.Context, from, to Config, progress func(Copied)) (done Copied, err error) {
	from, to = from.WithDefaults(), to.WithDefaults()
	if err := errors.Join(from.Validate(), to.Validate()); err != nil {
		return done, err
	}
	c := copying{progress: progress}
	if c.src, c.from, err = openEnd(ctx, from, ""); err != nil {
		return done, fmt.Errorf("opening %s: %w", from.place(), err)
	}
	defer func() { err = errors.Join(err, c.src.Close(context.WithoutCancel(ctx))) }()
	if c.dst, c.to, err = openEnd(ctx, to, from.place()); err != nil {
		return done, fmt.Errorf("opening %s: %w", to.place(), err)
	}
	defer func() { err = errors.Join(err, c.dst.Close(context.WithoutCancel(ctx))) }()
	for _, step := range []func(context.Context) error{c.begin, c.pages, c.positions, c.deadLetters, c.settings, c.check, c.finish} {
		if err := step(ctx); err != nil {
			return c.done, err
		}
		if err := errors.Join(c.src.Held(), c.dst.Held()); err != nil {
			return c.done, err
		}
	}
	return c.done, nil
}

// place names a journal for people.
func (c Config) place() string {
	if c.external() {
		return fmt.Sprintf("%s (journal %s)", c.servers(), c.Name)
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return c.Dir
	}
	return dir
}

// openEnd opens a journal for copying: a source when copyingFrom is empty, a target
// otherwise.
func openEnd(ctx context.Context, cfg Config, copyingFrom string) (*Journal, *engine, error) {
	source := copyingFrom == ""
	if source && !cfg.external() {
		if _, err := os.Stat(filepath.Join(cfg.Dir, "journal")); err != nil {
			return nil, nil, fmt.Errorf("there is no journal: %w", err)
		}
	}
	if !source {
		cfg.Sync = Interval // closing makes up for it
	}
	j := newJournal(cfg)
	j.copyingFrom, j.mustExist = copyingFrom, source
	fail := func(err error) (*Journal, *engine, error) {
		return nil, nil, errors.Join(err, j.Close(context.WithoutCancel(ctx)))
	}
	if !cfg.external() {
		if err := j.openDirectory(); err != nil {
			return fail(err)
		}
	}
	e, err := j.start(ctx, cfg)
	if err != nil {
		return fail(err)
	}
	j.engine.Store(e)
	if source {
		// As a start would: what damage took is told, and no number is given twice.
		if e, _, err = j.reconcile(ctx, e); err == nil {
			j.engine.Store(e)
			err = j.recallPlaces(ctx, e)
		}
		if err != nil {
			return fail(err)
		}
	}
	return j, e, nil
}

// copying is a copy under way.
type copying struct {
	src, dst *Journal
	from, to *engine
	done     Copied
	progress func(Copied)
	say      time.Time
	ahead    unanswered
}

// unanswered are the messages that were sent and not answered yet.
type unanswered struct {
	answers []jetstream.PubAckFuture
	bytes   int
}

// begin looks at the target and sets its first number.
func (c *copying) begin(ctx context.Context) error {
	src, err := c.from.state(ctx)
	if err != nil {
		return err
	}
	dst, err := c.to.state(ctx)
	if err != nil {
		return err
	}
	c.done.First, c.done.Last = src.FirstSeq, src.LastSeq
	if src.Msgs == 0 {
		c.done.First = src.LastSeq + 1
	}
	c.done.Resumed = c.dst.resuming
	switch {
	case dst.LastSeq > src.LastSeq:
		return fmt.Errorf("%s has more pages than %s: it is no copy of it", c.dst.cfg.place(), c.src.cfg.place())
	case dst.FirstSeq < c.done.First:
		// All that lies below is gone from the source, too.
		if err := c.to.pages.Purge(ctx, jetstream.WithPurgeSequence(c.done.First)); err != nil {
			return fmt.Errorf("setting the first page to %d: %w", c.done.First, err)
		}
	}
	if err := c.to.places.Purge(ctx); err != nil {
		return fmt.Errorf("beginning with the positions: %w", err)
	}
	if err := c.to.dead.Purge(ctx); err != nil {
		return fmt.Errorf("beginning with the dead letters: %w", err)
	}
	return nil
}

// pages copies what the target lacks. Every message says which number must be the
// last one before it, so that none can come twice or in another place.
func (c *copying) pages(ctx context.Context) error {
	st, err := c.from.state(ctx)
	if err != nil {
		return err
	}
	has, err := c.to.state(ctx)
	if err != nil {
		return err
	}
	next := has.LastSeq + 1
	sum := sha256.New()
	events := uint64(0)
	put := func(seq uint64, subject string, data []byte, at time.Time) error {
		m := nats.NewMsg(subject)
		m.Data = data
		m.Header.Set(timeHeader, at.UTC().Format(time.RFC3339Nano))
		m.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(seq-1, 10))
		next = seq + 1
		return c.send(ctx, m)
	}
	err = c.from.each(ctx, c.src.at.pageStream, ">", st, st.FirstSeq, func(m jetstream.Msg, meta *jetstream.MsgMetadata) error {
		seq, at := meta.Sequence.Stream, storedAt(m.Headers(), meta.Timestamp)
		n := 0
		before, counted, err := countPage(m.Data(), &n)
		if errors.Is(err, ErrNewer) {
			return fmt.Errorf("page %d: %w", seq, err)
		}
		if counted {
			events = before
		}
		isPage := m.Subject() == c.src.at.pageSubject
		for missing := next; missing < seq; missing++ {
			if err := put(missing, c.dst.at.fillerSubject, sealPage(newPage(nil), 0, events), at); err != nil {
				return err
			}
		}
		if isPage {
			addSum(sum, seq, m.Data())
			c.done.Pages++
			c.done.Events += uint64(n)
			c.done.Bytes += uint64(len(m.Data()))
		}
		c.tell()
		events += uint64(n)
		if seq < next {
			return nil // was copied before
		}
		subject := c.dst.at.fillerSubject
		if isPage {
			subject = c.dst.at.pageSubject
		}
		return put(seq, subject, m.Data(), at)
	})
	if err == nil {
		err = c.wait(ctx)
	}
	if err != nil {
		return fmt.Errorf("copying pages: %w", err)
	}
	if st.Msgs == 0 {
		_, events = c.src.done.get()
	}
	for missing := next; missing <= st.LastSeq; missing++ {
		if err := put(missing, c.dst.at.fillerSubject, sealPage(newPage(nil), 0, events), time.Now()); err != nil {
			return err
		}
	}
	c.done.Sum = hex.EncodeToString(sum.Sum(nil))
	c.dst.done.set(st.LastSeq, events)
	return c.wait(ctx)
}

// Bounds of what is sent ahead of its answers.
const (
	copyAhead      = 256
	copyAheadBytes = 16 << 20
)

// send sends one message; wait returns once all were stored.
func (c *copying) send(ctx context.Context, m *nats.Msg) error {
	if most := c.to.nc.MaxPayload() - recordSlack/16; int64(len(m.Data)) > most {
		return fmt.Errorf("one message of %s has %d bytes and %s takes up to %d: raise max_payload there", c.src.cfg.place(), len(m.Data), c.dst.cfg.place(), most)
	}
	answer, err := c.to.js.PublishMsgAsync(m)
	if err != nil {
		return err
	}
	c.ahead.answers = append(c.ahead.answers, answer)
	c.ahead.bytes += len(m.Data)
	if len(c.ahead.answers) >= copyAhead || c.ahead.bytes >= copyAheadBytes {
		return c.wait(ctx)
	}
	return nil
}

func (c *copying) wait(ctx context.Context) error {
	late := time.NewTimer(prepareTimeout)
	defer late.Stop()
	for _, a := range c.ahead.answers {
		select {
		case <-a.Ok():
		case err := <-a.Err():
			if why := fullReason(err); why != "" {
				err = fmt.Errorf("%s: %w", why, err)
			}
			return err
		case <-late.C:
			return fmt.Errorf("%s does not answer", c.dst.cfg.place())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.ahead = unanswered{answers: c.ahead.answers[:0]}
	return nil
}

func (c *copying) tell() {
	if now := time.Now(); c.progress != nil && now.Sub(c.say) >= time.Second {
		c.say = now
		c.progress(c.done)
	}
}

func addSum(sum hash.Hash, seq uint64, data []byte) {
	var head [16]byte
	binary.BigEndian.PutUint64(head[:], seq)
	binary.BigEndian.PutUint64(head[8:], uint64(len(data)))
	_, _ = sum.Write(head[:])
	_, _ = sum.Write(data)
}

// positions copies the last value of every key.
func (c *copying) positions(ctx context.Context) error {
	if err := c.dst.recallPlaces(ctx, c.to); err != nil {
		return err
	}
	values, err := c.src.Load(ctx)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if err := c.dst.Save(ctx, key, values[key]); err != nil {
			return err
		}
		c.done.Positions++
	}
	return nil
}

// deadLetters copies them as they are, oldest first. They are kept for 30 days
// anew.
func (c *copying) deadLetters(ctx context.Context) error {
	info, err := c.from.dead.Info(ctx)
	if err == nil {
		err = c.from.each(ctx, c.src.at.deadStream, c.src.at.deadPrefix+">", info.State, info.State.FirstSeq, func(m jetstream.Msg, _ *jetstream.MsgMetadata) error {
			out := nats.NewMsg(c.dst.at.deadPrefix + strings.TrimPrefix(m.Subject(), c.src.at.deadPrefix))
			out.Data = m.Data()
			c.done.DeadLetters++
			c.tell()
			return c.send(ctx, out)
		})
	}
	if err == nil {
		err = c.wait(ctx)
	}
	if err != nil {
		return fmt.Errorf("copying dead letters: %w", err)
	}
	return nil
}

// check reads the target again and compares.
func (c *copying) check(ctx context.Context) error {
	st, err := c.to.state(ctx)
	if err != nil {
		return err
	}
	sum, pages := sha256.New(), uint64(0)
	err = c.to.each(ctx, c.dst.at.pageStream, c.dst.at.pageSubject, st, st.FirstSeq, func(m jetstream.Msg, meta *jetstream.MsgMetadata) error {
		addSum(sum, meta.Sequence.Stream, m.Data())
		pages++
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading the copy: %w", err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); pages != c.done.Pages || got != c.done.Sum || st.LastSeq != c.done.Last {
		return fmt.Errorf("the copy differs from what was copied: %d pages of %d up to %d of %d, sum %s instead of %s; delete it and copy again",
			pages, c.done.Pages, st.LastSeq, c.done.Last, got, c.done.Sum)
	}
	info, err := c.to.places.Info(ctx)
	if err != nil {
		return fmt.Errorf("reading the copy: %w", err)
	}
	values, bad, err := c.dst.readPlaces(ctx, c.to, info.State)
	if err == nil && bad != nil {
		err = fmt.Errorf("loading positions: %w", bad)
	}
	if err != nil {
		return err
	}
	want, err := c.src.Load(ctx)
	if err != nil {
		return err
	}
	if !maps.EqualFunc(values, want, bytes.Equal) {
		return errors.New("the positions of the copy differ from what was copied: delete it and copy again")
	}
	if info, err = c.to.dead.Info(ctx); err != nil {
		return fmt.Errorf("reading the copy: %w", err)
	}
	if info.State.Msgs > c.done.DeadLetters {
		return fmt.Errorf("the copy has %d dead letters of %d: delete it and copy again", info.State.Msgs, c.done.DeadLetters)
	}
	c.done.DeadLettersLeftBehind = c.done.DeadLetters - info.State.Msgs
	return nil
}

// finish lets gateways open the target.
func (c *copying) finish(ctx context.Context) error {
	info, err := c.to.pages.Info(ctx)
	if err != nil {
		return fmt.Errorf("finishing the copy: %w", err)
	}
	cfg := info.Config
	delete(cfg.Metadata, copyingMeta)
	cfg.Metadata[copiedMeta] = c.src.cfg.place()
	if _, err := c.to.js.UpdateStream(ctx, cfg); err != nil {
		return fmt.Errorf("finishing the copy: %w", err)
	}
	return nil
}
