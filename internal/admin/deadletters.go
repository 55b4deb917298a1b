package admin

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// letter is a dead letter as it is shown.
type letter struct {
	Endpoint string            `json:"endpoint"`
	Pos      string            `json:"pos"`
	Event    *event.Event      `json:"event,omitzero"`
	Reason   gateway.Reason    `json:"reason"`
	Detail   string            `json:"detail,omitzero"`
	Attempts int               `json:"attempts"`
	FirstAt  time.Time         `json:"firstAt,omitzero"`
	At       time.Time         `json:"at"`
	Exchange *gateway.Exchange `json:"exchange,omitzero"`
}

func (a *api) deadLetters(w http.ResponseWriter, r *http.Request) {
	limit := defaultLimit
	if s := r.URL.Query().Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxLimit {
			a.fail(w, r, http.StatusBadRequest, "limit is "+strconv.Quote(s)+"; write 1 to "+strconv.Itoa(maxLimit))
			return
		}
		limit = n
	}
	letters, err := a.DeadLetters.DeadLetters(r.Context(), a.endpointID(r.Context(), r.URL.Query().Get("endpoint")), limit)
	if err != nil {
		a.broken(w, r, "reading dead letters", err)
		return
	}
	all := []letter{}
	for _, l := range letters {
		all = append(all, a.letter(r.Context(), l))
	}
	a.answer(w, r, map[string]any{"deadletters": all})
}

// letter shows a dead letter.
func (a *api) letter(ctx context.Context, l gateway.DeadLetter) letter {
	one := letter{
		Endpoint: l.Endpoint, Pos: cursor(l.Pos), Reason: l.Reason, Detail: l.Detail,
		Attempts: l.Attempts, FirstAt: l.FirstAt, At: l.At, Exchange: l.Exchange,
	}
	if l.Event != nil {
		one.Event = a.whole(ctx, l.Event)
	}
	return one
}
