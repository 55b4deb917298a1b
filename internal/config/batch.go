package config

import (
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
)

// What a batch may be: more events are never in memory at once, and who waits
// longer wants another tool.
const (
	maxBatchCount  = 4096
	maxBatchBytes  = 64 << 20
	maxBatchLinger = time.Minute
)

// batch reads how many events share a request to an endpoint of this dialect; d
// is nil when that is not known.
func (l *loader) batch(o *object, d dialect.Dialect, to *Batch) {
	v, ok := o.get("batch")
	if !ok {
		return
	}
	if d != nil && !batches(d) {
		v.wrong("%s takes one event a request; remove it (%s)", d.Spec().Name, l.whoBatches())
		return
	}
	b := v.object()
	b.integer("count", 1, &to.Count)
	if v, ok := b.get("count"); !ok {
		b.missing("count", "write how many events share one request at most: 100")
	} else if to.Count > maxBatchCount {
		v.wrong("is %d; write up to %d", to.Count, maxBatchCount)
	}
	b.size("bytes", &to.Bytes)
	if v, ok := b.get("bytes"); ok && to.Bytes > maxBatchBytes {
		v.wrong("is more than %d bytes, which no backend takes in one request; write less", maxBatchBytes)
	}
	b.pause("linger", &to.Linger)
	if v, ok := b.get("linger"); ok && to.Linger > maxBatchLinger {
		v.wrong("is %v; an event waits that long for others, write up to %v", to.Linger, maxBatchLinger)
	}
	b.done()
}

func batches(d dialect.Dialect) bool {
	_, ok := d.(dialect.Batcher)
	return ok
}

// whoBatches names the dialects that have batches.
func (l *loader) whoBatches() string {
	var names []string
	for _, d := range l.Registry.All() {
		if batches(d) {
			names = append(names, d.Spec().Name)
		}
	}
	switch len(names) {
	case 0:
		return "no dialect has batches"
	case 1:
		return names[0] + " alone has batches"
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last] + " have batches"
}
