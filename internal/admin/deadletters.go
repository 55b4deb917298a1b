package admin

import (
	"context"
	"errors"
	"fmt"
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

// Letter is a dead letter as it is shown.
type Letter struct {
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

// letterList is one page of dead letters.
type letterList struct {
	DeadLetters []Letter `json:"deadletters"`
	// Next is where older ones go on (before=), or newer ones where the oldest come
	// first (after=), empty at the end; Newest the end (after=), for the next look.
	Next   string `json:"next,omitzero"`
	Newest string `json:"newest"`
}

// deadLetters lists them, newest first.
func (a *api) deadLetters(ctx context.Context, in *lettersQuery) (letterList, error) {
	q, err := a.parseLetters(ctx, in)
	if err != nil {
		return letterList{}, invalid(err)
	}
	search := a.searchLetters
	switch {
	case in.Order == "oldest" && in.Before != "":
		return letterList{}, invalid(errors.New("before goes back from the newest; with order=oldest write after"))
	case in.Order == "oldest":
		search = a.oldestLetters
	case in.Order != "" && in.Order != "newest":
		return letterList{}, invalid(fmt.Errorf("order is %q; write newest or oldest", in.Order))
	}
	f, err := search(ctx, q)
	if err != nil {
		return letterList{}, a.broken(ctx, readingLetters, err)
	}
	answer := letterList{DeadLetters: []Letter{}, Newest: number(f.newest)}
	for _, l := range f.letters {
		answer.DeadLetters = append(answer.DeadLetters, a.letter(ctx, l))
	}
	if f.next > 0 {
		answer.Next = number(f.next)
	}
	return answer, nil
}

const readingLetters = "reading dead letters"

func number(n uint64) string { return strconv.FormatUint(n, 10) }

// letter shows a dead letter.
func (a *api) letter(ctx context.Context, l gateway.DeadLetter) Letter {
	one := Letter{
		ID: number(l.Seq), Endpoint: l.Endpoint, Pos: cursor(l.Pos), Reason: l.Reason, Detail: l.Detail,
		Attempts: l.Attempts, FirstAt: l.FirstAt, At: l.At, Repeat: l.Repeat, Exchange: l.Exchange,
	}
	if l.Event != nil {
		one.Event = a.whole(ctx, l.Event)
	}
	return one
}

// wholeLetter is a dead letter with what came over the wire.
type wholeLetter struct {
	Letter
	Raw raw `json:"raw,omitzero"`
}

// deadLetter shows one whole, with what came over the wire.
func (a *api) deadLetter(ctx context.Context, in *byID) (wholeLetter, error) {
	l, err := a.namedLetter(ctx, in.ID)
	if err != nil {
		return wholeLetter{}, err
	}
	return wholeLetter{a.letter(ctx, l), rawOf(l.Event)}, nil
}

// namedLetter is the one of that number.
func (a *api) namedLetter(ctx context.Context, id string) (gateway.DeadLetter, error) {
	seq, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return gateway.DeadLetter{}, refuse(http.StatusBadRequest, "%q is not the number of a dead letter; imhook deadletters shows them", id)
	}
	l, err := a.DeadLetters.DeadLetter(ctx, seq)
	switch {
	case errors.Is(err, gateway.ErrNoLetter):
		return l, refuse(http.StatusNotFound, "there is no dead letter %s; it was delivered, resent or purged, or is past its time", id)
	case err != nil:
		return l, a.broken(ctx, readingLetters, err)
	}
	return l, nil
}
