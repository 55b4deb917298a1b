package deliver

// ramp is how many events of an endpoint may be in flight, as TCP does it: from 1
// on it doubles with each round of deliveries, so that full speed is found in a few
// of them, and is halved when the endpoint has trouble. Above half of what was too
// much it grows in equal steps: whoever doubled again would run into the same wall
// in every other round, and whoever only ever took steps would need hundreds of
// deliveries to be back after an outage.
//
// It counts events, not requests: where events are sent in batches, first the batch
// grows, then the number of batches in flight. Guarded by runner.mu.
type ramp struct {
	// limit is from 1 to most.
	limit, most int
	// brink is up to where limit doubles.
	brink int
	// credit is what was delivered towards the next step above brink.
	credit int
	// cuts counts how often limit was lowered. Attempts remember it: what began
	// before a cut says nothing about what came after.
	cuts uint64
}

// rampSteps is in how many steps limit grows from nothing to most at least, once it
// does not double any more.
const rampSteps = 32

// resize sets what there is at full speed. Who ran at full speed goes on so.
func (p *ramp) resize(most int) {
	if p.full() {
		p.limit, p.brink = most, most
	}
	p.limit, p.brink, p.most = min(p.limit, most), min(p.brink, most), most
}

// full reports whether nothing is held back.
func (p *ramp) full() bool { return p.limit >= p.most }

// pass notes that n events arrived.
func (p *ramp) pass(n int) {
	if p.full() {
		return
	}
	if p.limit < p.brink {
		p.limit = min(p.limit+n, p.brink)
	} else if p.credit += n; p.credit >= p.limit {
		p.credit = 0
		p.limit += max(1, p.most/rampSteps)
	}
	if p.limit >= p.most {
		p.limit, p.brink, p.credit = p.most, p.most, 0
	}
}

// cut halves the limit, once for all attempts that began before the last cut.
func (p *ramp) cut(seen uint64) {
	if seen != p.cuts {
		return
	}
	p.cuts++
	p.limit = max(1, p.limit/2)
	p.brink, p.credit = p.limit, 0
}

// hold begins at 1 again because the endpoint asked for a rest: half of what it had
// then is reached at once.
func (p *ramp) hold() {
	p.cuts++
	p.brink = max(1, min(p.brink, p.limit/2))
	p.limit, p.credit = 1, 0
}

// restart begins at 1 after an outage, which says nothing about how much the
// endpoint takes.
func (p *ramp) restart() {
	p.cuts++
	p.limit, p.brink, p.credit = 1, p.most, 0
}

// width is how many requests may be in flight where each has up to count events.
func (p *ramp) width(count int) int { return (p.limit + count - 1) / count }

// share is how many events one of them may have.
func (p *ramp) share(count int) int {
	w := p.width(count)
	return (p.limit + w - 1) / w
}
