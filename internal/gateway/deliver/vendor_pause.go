package deliver

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
)

// vendorPause is one reason for which the vendor sends nothing for a while.
type vendorPause struct {
	*dialect.Pause
	// failed are when requests failed that may bring it about; began are when it began,
	// of those that count for the next one; until is when the last one ends, and why
	// says so.
	failed []time.Time
	began  []time.Time
	until  time.Time
	why    string
}

// judgeAsVendor takes in what the requests of a load met. Call with mu, before what
// became of it is applied to its lanes.
func (r *runner) judgeAsVendor(w *worker) {
	for _, s := range w.said {
		if k := failureOf(s.out); k != "" {
			r.countAsVendor(k)
		}
	}
	clear(w.said)
	w.said = w.said[:0]
}

// countAsVendor notes a failure, and begins the pauses that follow. What fails during a
// pause does not count for it. Call with mu.
func (r *runner) countAsVendor(k dialect.Failure) {
	now := r.now()
	for i := range r.vendor.pauses {
		p := &r.vendor.pauses[i]
		if !slices.Contains(p.After, k) || p.until.After(now) {
			continue
		}
		p.failed = append(within(p.failed, p.Within, now), now)
		if len(p.failed) >= p.Count {
			r.pausesAsVendor(p)
		}
	}
}

// pausesAsVendor begins a pause. Call with mu.
func (r *runner) pausesAsVendor(p *vendorPause) {
	v, now := r.vendor, r.now()
	p.failed = nil
	p.began = within(p.began, p.Over, now)
	lasts := p.Lasts[min(len(p.began), len(p.Lasts)-1)]
	p.began = append(p.began, now)
	p.until = now.Add(lasts)
	p.why = fmt.Sprintf("%s: %s from %s for %v after %s", v.Vendor, p.Word, now.UTC().Format(time.RFC3339), lasts, p.cause())
	r.dirty = true
	r.armAsVendor()
	r.log.Warn("nothing is sent, as its vendor does", "endpoint", r.id, "why", p.why, "kept", p.Keeps)
	if p.Keeps {
		return
	}
	for _, c := range byAge {
		for l := r.ready.pop(c); l != nil; l = r.ready.pop(c) {
			if len(l.queue) > 0 {
				r.lose(l, p.why)
				v.lost.push(l)
			}
		}
	}
}

// cause is in words what brings the pause about.
func (p *vendorPause) cause() string {
	kind := "failures"
	if len(p.After) == 1 {
		kind = string(p.After[0])
	}
	if p.Count == 1 {
		return "a " + strings.TrimSuffix(kind, "s")
	}
	return fmt.Sprintf("%d %s", p.Count, kind)
}

// within are those of the times that lie less than d back; zero is no bound.
func within(all []time.Time, d time.Duration, now time.Time) []time.Time {
	if d == 0 {
		return nil
	}
	return slices.DeleteFunc(all, func(t time.Time) bool { return now.Sub(t) >= d })
}

// pausing reports whether the vendor sends nothing now. Call with mu.
func (v *vendor) pausing(now time.Time) bool {
	return slices.ContainsFunc(v.pauses, func(p vendorPause) bool { return p.until.After(now) })
}

// losing says why the vendor loses now what there is to send; empty when it does not.
// Call with mu.
func (v *vendor) losing(now time.Time) string {
	for i := range v.pauses {
		if p := &v.pauses[i]; !p.Keeps && p.until.After(now) {
			return p.why
		}
	}
	return ""
}

// keeps reports whether a failure is why the vendor waits, and no attempt. Call with
// mu.
func (v *vendor) keeps(k dialect.Failure, now time.Time) bool {
	return slices.ContainsFunc(v.pauses, func(p vendorPause) bool {
		return p.Keeps && p.until.After(now) && slices.Contains(p.After, k)
	})
}

// armAsVendor sets the alarms. Call with mu.
func (r *runner) armAsVendor() {
	if r.vendor == nil || r.stopped {
		return
	}
	now := r.now()
	for i := range r.vendor.pauses {
		if u := r.vendor.pauses[i].until; u.After(now) {
			r.vendor.over.set(now, u, r.overAsVendor)
		}
	}
	r.watchQueue()
}

// overAsVendor goes on after a pause.
func (r *runner) overAsVendor() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.vendor == nil {
		return
	}
	r.vendor.over.at = time.Time{}
	r.armAsVendor()
	r.dispatch()
}

// vendorRecord is what a restart must know of the vendor's pauses.
type vendorRecord struct {
	// Vendor is whose they are: of another one nothing is to be known.
	Vendor string
	Pauses []pauseRecord
}

// pauseRecord is a pause that counts, or lasts.
type pauseRecord struct {
	// Index is which of the vendor's pauses it is.
	Index int
	Until time.Time
	Began []time.Time
}

// record is what is saved. Call with mu.
func (v *vendor) record() vendorRecord {
	var rec vendorRecord
	if v == nil {
		return rec
	}
	for i := range v.pauses {
		if p := &v.pauses[i]; !p.until.IsZero() {
			rec.Vendor = v.Vendor
			rec.Pauses = append(rec.Pauses, pauseRecord{Index: i, Until: p.until, Began: slices.Clone(p.began)})
		}
	}
	return rec
}

// restore goes on where the vendor was before a restart. Call with mu.
func (v *vendor) restore(rec vendorRecord) {
	if v == nil || rec.Vendor != v.Vendor {
		return
	}
	for _, p := range rec.Pauses {
		if p.Index < len(v.pauses) {
			to := &v.pauses[p.Index]
			to.until, to.began = p.Until, p.Began
			to.why = fmt.Sprintf("%s: %s until %s", v.Vendor, to.Word, p.Until.Format(time.RFC3339))
		}
	}
}

// Bounds of what is believed of a record.
const (
	maxVendorName   = 64
	maxVendorPauses = 16
	maxPausesBegun  = 1 << 12
)

func appendVendor(b []byte, rec vendorRecord) []byte {
	b = appendText(b, rec.Vendor)
	b = binary.AppendUvarint(b, uint64(len(rec.Pauses)))
	for _, p := range rec.Pauses {
		b = binary.AppendUvarint(b, uint64(p.Index))
		b = binary.AppendVarint(b, p.Until.UnixMilli())
		b = binary.AppendUvarint(b, uint64(len(p.Began)))
		for _, t := range p.Began {
			b = binary.AppendVarint(b, t.UnixMilli())
		}
	}
	return b
}

// vendor takes a vendor's pauses off.
func (r *reader) vendor() vendorRecord {
	rec := vendorRecord{Vendor: r.text(maxVendorName)}
	n := r.uvarint()
	r.bad = r.bad || n == 0 || n > maxVendorPauses
	for range n {
		if r.bad {
			break
		}
		p := pauseRecord{Index: r.small(), Until: r.moment()}
		m := r.uvarint()
		r.bad = r.bad || p.Index >= maxVendorPauses || m > maxPausesBegun
		for range m {
			if r.bad {
				break
			}
			p.Began = append(p.Began, r.moment())
		}
		rec.Pauses = append(rec.Pauses, p)
	}
	return rec
}
