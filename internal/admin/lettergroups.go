package admin

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// letterGroup are the dead letters of an endpoint that have one reason.
type letterGroup struct {
	Endpoint string         `json:"endpoint"`
	Reason   gateway.Reason `json:"reason"`
	Letters  int            `json:"letters"`
	// Oldest and Newest are when the first and the last of them were set aside.
	Oldest time.Time `json:"oldest"`
	Newest time.Time `json:"newest"`
}

// letterGroups are all groups, the one with the oldest letter first.
type letterGroups struct {
	Groups []letterGroup `json:"groups"`
	// Letters is how many were counted, the oldest ones where More says that there are
	// others.
	Letters int  `json:"letters"`
	More    bool `json:"more,omitzero"`
}

// groupWithin is how long groups are counted.
const groupWithin = 3 * time.Second

// errEnough ends a count.
var errEnough = errors.New("enough was counted")

// groupLetters counts dead letters by endpoint and reason.
func (a *api) groupLetters(ctx context.Context, in *lettersQuery) (letterGroups, error) {
	q, err := a.parseLetters(ctx, in)
	if err != nil {
		return letterGroups{}, invalid(err)
	}
	type key struct {
		endpoint string
		reason   gateway.Reason
	}
	places := map[key]int{}
	answer, begin := letterGroups{Groups: []letterGroup{}}, time.Now()
	err = a.eachLetter(ctx, q, max(q.after+1, 1), func(l *gateway.DeadLetter) error {
		if answer.Letters%256 == 255 && time.Since(begin) > groupWithin {
			answer.More = true
			return errEnough
		}
		answer.Letters++
		k := key{l.Endpoint, l.Reason}
		i, ok := places[k]
		if !ok {
			i = len(answer.Groups)
			places[k] = i
			answer.Groups = append(answer.Groups, letterGroup{Endpoint: l.Endpoint, Reason: l.Reason, Oldest: l.At, Newest: l.At})
		}
		g := &answer.Groups[i]
		g.Letters++
		if l.At.Before(g.Oldest) {
			g.Oldest = l.At
		}
		if l.At.After(g.Newest) {
			g.Newest = l.At
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return letterGroups{}, a.broken(ctx, readingLetters, err)
	}
	slices.SortStableFunc(answer.Groups, func(x, y letterGroup) int {
		return cmp.Or(x.Oldest.Compare(y.Oldest), cmp.Compare(x.Endpoint, y.Endpoint))
	})
	return answer, nil
}

// oldestLetters are dead letters from the oldest on, or from q.after.
func (a *api) oldestLetters(ctx context.Context, q *letterQuery) (lettersFound, error) {
	var f lettersFound
	_, last, _, err := a.DeadLetters.DeadLetterBounds(ctx)
	if err != nil {
		return f, err
	}
	f.newest = last
	looked, at := 0, uint64(0)
	err = a.eachLetter(ctx, q, max(q.after+1, 1), func(l *gateway.DeadLetter) error {
		if looked++; len(f.letters) == q.limit || looked > maxLetters {
			f.next = at
			return errEnough
		}
		at = l.Seq
		f.letters = append(f.letters, *l)
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return f, err
}
