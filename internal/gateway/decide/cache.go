package decide

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Bounds of what one hook's answers are kept for.
const (
	cacheSize = 1 << 16
	cacheRoom = 16 << 20 // bytes
	cacheFor  = time.Hour
	// cacheBy is how many different sets of fields one hook may ask for.
	cacheBy = 8
)

// Fields that a kept verdict may hold by, beside the type.
const (
	ByActor        = "actor"
	ByConversation = "conversation"
	ByText         = "text"
	ByMembers      = "members"
)

// cache holds verdicts that a hook said hold for further events. Nothing is kept
// that it did not ask for.
type cache struct {
	// by are the sets of fields in use, the latest last; nil while there is none.
	by atomic.Pointer[[]string]
	// adding is held while there is one more.
	adding   sync.Mutex
	verdicts *shelf[event.Verdict]
}

func newCache() *cache { return &cache{verdicts: newShelf[event.Verdict](cacheSize, cacheRoom)} }

func (c *cache) sets() []string {
	if by := c.by.Load(); by != nil {
		return *by
	}
	return nil
}

// find returns a kept verdict that holds for ev.
func (c *cache) find(ev *event.Event, now time.Time) (event.Verdict, bool) {
	for _, by := range c.sets() {
		if key, ok := cacheKey(ev, by); ok {
			if v, ok := c.verdicts.get(key, now); ok {
				return v, true
			}
		}
	}
	return event.Verdict{}, false
}

// keep keeps v as the hook asked for; what it asked for wrongly is not kept.
func (c *cache) keep(ev *event.Event, v event.Verdict, k gateway.Keep, now time.Time) {
	if k.For <= 0 || len(k.By) == 0 || v.Changes != nil || len(v.Refused) > 0 {
		// A rewrite is of one message, and refused members are of one list.
		return
	}
	names := slices.Clone(k.By)
	slices.Sort(names)
	by := strings.Join(slices.Compact(names), ",")
	key, ok := cacheKey(ev, by)
	if !ok {
		return
	}
	c.add(by)
	c.verdicts.put(key, v, weigh(v), now, now.Add(min(k.For, cacheFor)))
}

// add has by among the sets from now on.
func (c *cache) add(by string) {
	if slices.Contains(c.sets(), by) {
		return
	}
	c.adding.Lock()
	defer c.adding.Unlock()
	sets := c.sets()
	if slices.Contains(sets, by) {
		return
	}
	// A new array each time: readers have the old one.
	sets = append(slices.Clone(sets), by)
	if len(sets) > cacheBy {
		sets = sets[1:]
	}
	c.by.Store(&sets)
}

// cacheKey is of what ev has in the named fields; false when it lacks one, or when
// the name is none. A picture has no text: what a hook says of one by its text would
// hold for all of them, and so would what it says of a text with a picture behind it.
func cacheKey(ev *event.Event, by string) (event.Key, bool) {
	parts := []string{string(ev.Type), ev.Source, by}
	for name := range strings.SplitSeq(by, ",") {
		switch {
		case name == ByActor && ev.Actor != nil && ev.Actor.ID != "":
			parts = append(parts, ev.Actor.ID)
		case name == ByConversation && ev.Lane != "":
			parts = append(parts, string(ev.Lane))
		case name == ByText && ev.Message != nil && ev.Message.Text != "" && onlyText(ev.Message):
			parts = append(parts, string(ev.Message.Kind), ev.Message.Text)
		case name == ByMembers && len(ev.Members) > 0:
			parts = append(parts, strconv.Itoa(len(ev.Members)))
			for _, m := range ev.Members {
				parts = append(parts, m.ID)
			}
		default:
			return event.Key{}, false
		}
	}
	return event.Hash(parts...), true
}

// onlyText reports whether a message holds nothing beside its text.
func onlyText(m *event.Message) bool {
	return m.Media == nil && m.Location == nil && m.Custom == nil && len(m.Parts) == 0
}
