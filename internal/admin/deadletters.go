package admin

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// DeadLetters is where dead letters are read and taken away.
type DeadLetters interface {
	// DeadLetter returns one, or gateway.ErrNoLetter.
	DeadLetter(ctx context.Context, seq uint64) (gateway.DeadLetter, error)
	// NextDeadLetter returns the first at or after seq, of one endpoint (app/name) or
	// of all when that is empty, or gateway.ErrNoLetter.
	NextDeadLetter(ctx context.Context, seq uint64, endpoint string) (gateway.DeadLetter, error)
	// DeadLetterBounds returns the first and last number, and how many there are.
	DeadLetterBounds(ctx context.Context) (first, last, n uint64, err error)
	// RemoveDeadLetter takes one away; false when it was not there.
	RemoveDeadLetter(ctx context.Context, seq uint64) (bool, error)
}

// letter is a dead letter as it is shown.
type letter struct {
	ID       string            `json:"id"`
	Endpoint string            `json:"endpoint"`
	Pos      string            `json:"pos"`
	Event    *event.Event      `json:"event,omitzero"`
	Reason   gateway.Reason    `json:"reason"`
	Detail   string            `json:"detail,omitzero"`
	Attempts int               `json:"attempts"`
	FirstAt  time.Time         `json:"firstAt,omitzero"`
	At       time.Time         `json:"at"`
	Repeat   event.Repeat      `json:"repeat,omitzero"`
	Exchange *gateway.Exchange `json:"exchange,omitzero"`
}

// deadLetters lists them, newest first.
func (a *api) deadLetters(w http.ResponseWriter, r *http.Request) {
	q, err := a.parseLetters(r.Context(), r.URL.Query())
	if err != nil {
		a.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	f, err := a.searchLetters(r.Context(), q)
	if err != nil {
		a.broken(w, r, readingLetters, err)
		return
	}
	answer := struct {
		DeadLetters []letter `json:"deadletters"`
		Next        string   `json:"next,omitzero"`
		Newest      string   `json:"newest"`
	}{DeadLetters: []letter{}, Newest: number(f.newest)}
	for _, l := range f.letters {
		answer.DeadLetters = append(answer.DeadLetters, a.letter(r.Context(), l))
	}
	if f.next > 0 {
		answer.Next = number(f.next)
	}
	a.answer(w, r, answer)
}

const readingLetters = "reading dead letters"

func number(n uint64) string { return strconv.FormatUint(n, 10) }

// letter shows a dead letter.
func (a *api) letter(ctx context.Context, l gateway.DeadLetter) letter {
	one := letter{
		ID: number(l.Seq), Endpoint: l.Endpoint, Pos: cursor(l.Pos), Reason: l.Reason, Detail: l.Detail,
		Attempts: l.Attempts, FirstAt: l.FirstAt, At: l.At, Repeat: l.Repeat, Exchange: l.Exchange,
	}
	if l.Event != nil {
		one.Event = a.whole(ctx, l.Event)
	}
	return one
}

// deadLetter shows one whole, with what came over the wire.
func (a *api) deadLetter(w http.ResponseWriter, r *http.Request) {
	l, ok := a.namedLetter(w, r)
	if !ok {
		return
	}
	ev := l.Event
	a.answer(w, r, struct {
		letter
		Raw raw `json:"raw,omitzero"`
	}{a.letter(r.Context(), l), raw{ev.Raw.Dialect, ev.Raw.Path, ev.Raw.Query, ev.Raw.ContentType, string(ev.Raw.Body)}})
}

// namedLetter is the one in the path; false when there is none, which is answered.
func (a *api) namedLetter(w http.ResponseWriter, r *http.Request) (gateway.DeadLetter, bool) {
	id := r.PathValue("id")
	seq, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		a.fail(w, r, http.StatusBadRequest, strconv.Quote(id)+" is not the number of a dead letter; imhook deadletters shows them")
		return gateway.DeadLetter{}, false
	}
	l, err := a.DeadLetters.DeadLetter(r.Context(), seq)
	switch {
	case errors.Is(err, gateway.ErrNoLetter):
		a.fail(w, r, http.StatusNotFound, "there is no dead letter "+id+"; it was delivered, resent or purged, or is past its time")
		return l, false
	case err != nil:
		a.broken(w, r, readingLetters, err)
		return l, false
	}
	return l, true
}
