package deliver

import "iter"

// class is what stands in line with what: each gets a share of an endpoint's attempts,
// so that none of them waits for all of another.
type class uint8

const (
	// fresh: its head came with the tail, and was not tried yet. It is so no longer
	// once the endpoint fell behind or failed: what comes then is.
	fresh class = iota
	// old: its head was read behind the tail, or was open before a restart.
	old
	// again: its head failed before.
	retried
	classes
)

// weight is a class's share, of what those that stand in line have together: each of
// them at least a quarter.
var weight = [classes]uint64{fresh: 2, old: 1, retried: 1}

// class of the lane, by its head. Call with mu.
func (t *turns) class(l *lane) class {
	switch it := &l.queue[0]; {
	case it.attempts > 0:
		return retried
	case it.age == t.age:
		return fresh
	default:
		return old
	}
}

// turns are the lanes whose head may be tried now: a line for each class, and whose
// turn it is.
type turns struct {
	lines [classes]ready
	// running counts the workers that began with a class.
	running [classes]int
	// had is how often it was a class's turn, by its weight; now is that of whose turn
	// it was last. A class that comes back begins there.
	had [classes]uint64
	now uint64
	// age tells what is fresh from what was; it is never zero.
	age uint32
}

// growOld makes everything old that is fresh. Call with mu.
func (r *runner) growOld() {
	t := &r.ready
	if t.age++; t.age == 0 {
		t.age = 1
	}
	r.freshLoaded, r.freshBytes = 0, 0
	if t.lines[fresh].empty() {
		return
	}
	if t.lines[old].empty() {
		t.had[old] = max(t.had[old], t.now)
	}
	for l := t.lines[fresh].pop(); l != nil; l = t.lines[fresh].pop() {
		t.lines[old].push(l)
	}
}

func (t *turns) push(l *lane) {
	c := t.class(l)
	if t.lines[c].empty() {
		t.had[c] = max(t.had[c], t.now)
	}
	t.lines[c].push(l)
}

// next says whose turn it is of those that stand in line, when most attempts may be
// in flight. Who has fewer in flight for its share comes first; what fails takes long,
// and would otherwise have all of them in the end. For the same reason what failed
// before leaves a quarter to others, though nobody may be there yet.
func (t *turns) next(most int) (c class, ok bool) {
	for k := range classes {
		if t.lines[k].empty() {
			continue
		}
		if k == retried && most > 1 && t.running[k] >= most-(most+3)/4 {
			continue
		}
		if !ok || t.before(k, c) {
			c, ok = k, true
		}
	}
	return c, ok
}

// before reports whether it is a's turn before b's.
func (t *turns) before(a, b class) bool {
	x, y := uint64(t.running[a])*weight[b], uint64(t.running[b])*weight[a]
	if x != y {
		return x < y
	}
	return t.had[a] < t.had[b]
}

// begin notes that a worker began with the class, end that it is done with it.
func (t *turns) begin(c class) {
	t.now = t.had[c]
	t.had[c] += 4 / weight[c]
	t.running[c]++
}

func (t *turns) end(c class) { t.running[c]-- }

// pop takes the first lane of a class, nil when there is none.
func (t *turns) pop(c class) *lane { return t.lines[c].pop() }

// unpop puts a lane back that was popped last of its class.
func (t *turns) unpop(c class, l *lane) { t.lines[c].unpop(l) }

// front brings a lane to the front of its line, and says of which class that is.
func (t *turns) front(l *lane) class {
	for c := range t.lines {
		if t.lines[c].front(l) {
			return class(c)
		}
	}
	return t.class(l)
}

// remove takes a lane out of its line.
func (t *turns) remove(l *lane) {
	for c := range t.lines {
		t.lines[c].remove(l)
	}
}

// from goes through all lanes, those of c first.
func (t *turns) from(c class) iter.Seq[*lane] {
	return func(yield func(*lane) bool) {
		for k := range t.order(c) {
			for _, l := range t.lines[k].line() {
				if !yield(l) {
					return
				}
			}
		}
	}
}

// popFrom takes the first lane that from goes through.
func (t *turns) popFrom(c class) *lane {
	for k := range t.order(c) {
		if l := t.lines[k].pop(); l != nil {
			return l
		}
	}
	return nil
}

// order is c first, then the others.
func (t *turns) order(c class) iter.Seq[class] {
	return func(yield func(class) bool) {
		if !yield(c) {
			return
		}
		for k := range classes {
			if k != c && !yield(k) {
				return
			}
		}
	}
}

// sweep forgets lanes that have nothing any more.
func (t *turns) sweep() {
	for k := range t.lines {
		t.lines[k].sweep()
	}
}

// any reports whether it is somebody's turn.
func (t *turns) any(most int) bool {
	_, ok := t.next(most)
	return ok
}

// len is how many lanes stand in line.
func (t *turns) len() int {
	n := 0
	for k := range t.lines {
		n += len(t.lines[k].line())
	}
	return n
}
