package deliver

import (
	"errors"
	"fmt"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/gateway"
)

// vendor is what an endpoint that delivers as a vendor does knows of it. Nothing is
// drawn: the same events that come at the same times and are answered alike are tried
// at the same times. Guarded by runner.mu.
type vendor struct {
	*dialect.Delivery
	pauses []vendorPause
	// lost are the lanes whose event the vendor loses, until they are parked.
	lost ready
	// over rings when a pause ends, overflow when somebody has waited for too long for
	// a place in the queue.
	over, overflow alarm
}

// newVendor is nil without a vendor.
func newVendor(d *dialect.Delivery) *vendor {
	if d == nil {
		return nil
	}
	v := &vendor{Delivery: d, pauses: make([]vendorPause, len(d.Pauses))}
	for i := range d.Pauses {
		v.pauses[i].Pause = &d.Pauses[i]
	}
	return v
}

func (v *vendor) stop() {
	if v != nil {
		v.over.stop()
		v.overflow.stop()
	}
}

// asVendor is the endpoint with what follows from its vendor.
func (e Endpoint) asVendor() Endpoint {
	e.Order = OrderNone
	if n := e.Vendor.Parallel; n > 0 {
		e.Concurrency = n
	}
	// The schedule is for what is our own fault: the vendor has none.
	e.Retry, e.Breaker = Schedule{}, Breaker{Off: true}
	return e
}

func (e Endpoint) validateVendor() error {
	switch {
	case e.Vendor == nil:
		return nil
	case e.Batch.Count > 1:
		return fmt.Errorf("batch: %s sends events singly", e.Vendor.Vendor)
	case e.Rate > 0:
		return fmt.Errorf("rate: %s has none", e.Vendor.Vendor)
	case e.Coalesce.Window > 0:
		return fmt.Errorf("coalesce: %s sends every event", e.Vendor.Vendor)
	case e.OnPoison == PoisonBlock:
		return fmt.Errorf("on_poison: %s drops what is not taken", e.Vendor.Vendor)
	case e.Vendor.QueueWait > 0 && (e.Vendor.Queue < 1 || e.Vendor.Parallel < 1):
		return errors.New("vendor: a queue that may be full needs a length and somebody who takes from it")
	}
	for _, p := range e.Vendor.Pauses {
		if p.Count < 1 || len(p.Lasts) == 0 || p.Word == "" {
			return fmt.Errorf("vendor: %s pauses for no reason or no time", e.Vendor.Vendor)
		}
	}
	return nil
}

// isOurs reports whether an attempt failed before the vendor would have had a part in
// it: by configuration, or in here.
func isOurs(out gateway.Outcome) bool {
	switch out.Reason {
	case gateway.ReasonEncode, gateway.ReasonSign, gateway.ReasonInternal, gateway.ReasonCancelled, gateway.ReasonEgress:
		return true
	default:
		return out.Kind == gateway.Misconfigured
	}
}

// failureOf is how a vendor sees an outcome; empty when that is no failure.
func failureOf(out gateway.Outcome) dialect.Failure {
	switch {
	case isOurs(out), out.Kind == gateway.Untranslatable, out.Kind == gateway.Echoed:
		return ""
	case out.Kind == gateway.Delivered && out.Reason == gateway.ReasonTooLarge:
		return dialect.FailedLong
	case out.Kind == gateway.Delivered:
		return ""
	}
	switch out.Reason {
	case gateway.ReasonTimeout:
		return dialect.FailedTimeout
	case gateway.ReasonDNS, gateway.ReasonConnect, gateway.ReasonTLS, gateway.ReasonReset:
		return dialect.FailedNetwork
	default:
		return dialect.FailedAnswer
	}
}

// failAsVendor applies a failure to the head of a running lane: it stands in line
// again, first of all, or is lost. Call with mu, after [runner.judgeAsVendor].
func (r *runner) failAsVendor(l *lane, f *flight) bool {
	v, it, out, now := r.vendor, &l.queue[0], f.out, r.now()
	if v.keeps(failureOf(out), now) {
		return false
	}
	it.attempts++
	why := v.losing(now)
	switch {
	case it.attempts > v.Retries && v.Retries == 0:
		why = v.Vendor + " tries once: " + out.Detail
	case it.attempts > v.Retries:
		why = fmt.Sprintf("%s gives up after %d attempts: %s", v.Vendor, it.attempts, out.Detail)
	}
	if why != "" {
		r.lose(l, why)
		it.letter.Exchange = out.Exchange
	}
	return false
}

// lose marks the head of a lane as lost. It is parked when the lane is ready. Call
// with mu.
func (r *runner) lose(l *lane, why string) {
	it := &l.queue[0]
	it.letter = &gateway.DeadLetter{
		Endpoint: r.id, Pos: it.pos, Event: it.ev, Reason: gateway.ReasonVendor, Detail: why,
		Attempts: it.attempts, FirstAt: it.firstAt, At: r.now(),
	}
}

// changeVendor begins to deliver as another vendor, or as imhook does. What the one
// before has lost stays lost. Call with mu.
func (r *runner) changeVendor() {
	was := r.vendor
	was.stop()
	r.vendor = newVendor(r.Vendor)
	r.dirty = true
	if was == nil {
		return
	}
	for l := was.lost.pop(); l != nil; l = was.lost.pop() {
		if len(l.queue) > 0 {
			r.makeReady(l)
		}
	}
}

// VendorStatus is how an endpoint is doing that delivers as a vendor does.
type VendorStatus struct {
	// Name is the vendor's: "RongCloud".
	Name string
	// Word is what the vendor calls that it sends nothing until Until: "banned". Empty
	// when it sends.
	Word  string
	Until time.Time
	// Keeps is true when what there is to send meanwhile is sent afterwards; otherwise
	// it is lost.
	Keeps bool
}

// status is nil without a vendor. Call with mu.
func (v *vendor) status(now time.Time) *VendorStatus {
	if v == nil {
		return nil
	}
	s := &VendorStatus{Name: v.Vendor}
	for i := range v.pauses {
		if p := &v.pauses[i]; p.until.After(now) && (s.Word == "" || !p.Keeps) {
			s.Word, s.Until, s.Keeps = p.Word, p.until, p.Keeps
		}
	}
	return s
}
