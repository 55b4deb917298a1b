package client

import (
	"context"

	"github.com/imhook/imhook/dialect"
)

// settlement is what became of items: the first done of them are settled, kept by
// the gateway but for those in refused.
type settlement struct {
	done    int
	refused []refusedItem
	// err is why the others are not; nil when all are.
	err error
}

type refusedItem struct {
	index  int
	status int
	reason string
}

// settle sends items in order until all are settled or the gateway cannot take
// more. A batch that is refused as a whole is sent again in halves, so that what
// is wrong in it does not stop the rest.
func (c *Client) settle(ctx context.Context, items [][]byte) settlement {
	var s settlement
	for s.done < len(items) && s.err == nil {
		n := c.fits(items[s.done:])
		s.add(c.settleBatch(ctx, items[s.done:s.done+n]))
	}
	return s
}

func (s *settlement) add(next settlement) {
	for _, r := range next.refused {
		r.index += s.done
		s.refused = append(s.refused, r)
	}
	s.done += next.done
	s.err = next.err
}

// fits is how many of the first items one batch holds; at least one.
func (c *Client) fits(items [][]byte) int {
	bytes := int64(0)
	for n, item := range items {
		bytes += int64(len(item))
		if n == c.cfg.BatchEvents || n > 0 && bytes > c.cfg.BatchBytes {
			return n
		}
	}
	return len(items)
}

func (c *Client) settleBatch(ctx context.Context, items [][]byte) settlement {
	res, err := c.postItems(ctx, items)
	if err != nil {
		return settlement{err: err}
	}
	if reason, ok := c.refused(res); ok {
		if len(items) > 1 {
			return c.settleHalves(ctx, items)
		}
		// Once more before it is given up: what stands between may have torn it.
		if res, err = c.postItems(ctx, items); err != nil {
			return settlement{err: err}
		}
		if reason2, ok := c.refused(res); ok {
			return settlement{done: 1, refused: []refusedItem{{0, res.Status, or(reason2, reason)}}}
		}
	}
	if res.Status < 200 || res.Status > 299 {
		return settlement{err: c.failed(res)}
	}
	taken, ok := readReceipt(res)
	if !ok {
		return settlement{err: c.failed(res)}
	}
	s := settlement{done: len(items)}
	for _, item := range taken.Items {
		switch item.Result {
		case itemUnknown:
			c.cfg.Log.Warn("the gateway keeps an event that it does not understand: is it older than this client?", "err", item.Error)
			continue
		case itemRefused:
		default:
			continue
		}
		for i := max(item.Index, 0); i <= max(item.To, item.Index) && i < len(items); i++ {
			s.refused = append(s.refused, refusedItem{i, res.Status, item.Error})
		}
	}
	if taken.Refused > len(s.refused) { // a long answer does not list all of them
		if len(items) > 1 {
			return c.settleHalves(ctx, items)
		}
		s.refused = []refusedItem{{0, res.Status, "the gateway does not say why"}}
	}
	return s
}

func (c *Client) settleHalves(ctx context.Context, items [][]byte) settlement {
	var s settlement
	half := len(items) / 2
	if s.add(c.settleBatch(ctx, items[:half])); s.err == nil {
		s.add(c.settleBatch(ctx, items[half:]))
	}
	return s
}

// postItems sends items in one request.
func (c *Client) postItems(ctx context.Context, items [][]byte) (*dialect.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	if len(items) == 1 {
		return c.post(ctx, dialect.Request{ContentType: eventType, Body: items[0]})
	}
	reqs := make([]dialect.Request, len(items))
	for i, item := range items {
		reqs[i].Body = item
	}
	batch, err := c.dialect.Batch(reqs)
	if err != nil { // no item is empty
		return nil, &failure{kind: ErrMisconfigured, cause: err}
	}
	return c.post(ctx, batch)
}

// What became of an item of a batch, in a gateway's words.
const (
	itemUnknown = "unknown"
	itemRefused = "refused"
)
