package deliver

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

func TestRate_BoundsEachSecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, p := newMemJournal(), newPatient(gateway.Outcome{})
		e := endpoint(p)
		e.Rate = 50
		d := start(t, j, nil, e)
		defer stop(t, d)
		j.add(lanes(100, 5)...)
		pass(4 * time.Second)
		perSecond := map[time.Duration]int{}
		for _, a := range p.since(0) {
			perSecond[a.at/time.Second]++
		}
		for s := range time.Duration(4) {
			// The first second has the tenth of one that may begin at once.
			if got := perSecond[s]; got < 49 || got > 55 {
				t.Errorf("%d attempts in second %d, want about 50", got, s)
			}
		}
		pass(7 * time.Second)
		if got := p.arrived(); len(got) != 500 {
			t.Errorf("%d arrived after eleven seconds, want 500", len(got))
		}
		inOrder(t, p.arrived())
		if s := statusOf(t, d, "e"); s.PerSecond < 20 || s.PerSecond > 55 {
			t.Errorf("shown as %v a second", s.PerSecond)
		}
	})
}

// A bucket that a change fills again lets whoever changes often send without bound.
func TestRate_ChangesFillNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, p := newMemJournal(), newPatient(gateway.Outcome{})
		e := endpoint(p)
		e.Rate = 1.0 / 60
		d := start(t, j, nil, e)
		defer stop(t, d)
		j.add(lanes(20, 1)...)
		for range 50 {
			pass(time.Second)
			e.Concurrency = 33 - e.Concurrency%2
			e.Rate = 3.0/60 - e.Rate // between one and two a minute
			set(t, d, e)
		}
		if got := len(p.since(0)); got < 2 || got > 3 {
			t.Errorf("%d attempts in 50 seconds at 1 to 2 a minute, want 2", got)
		}
		e.Rate = 0
		set(t, d, e)
		pass(time.Millisecond)
		if got := p.arrived(); len(got) != 20 {
			t.Errorf("%d arrived without a rate, want 20", len(got))
		}
	})
}

func TestRate_CountsEachRequestOfABatchThatIsHalved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), newBatcher()
		b.whole = func(ids []string) gateway.Outcome {
			if len(ids) > 1 {
				return failing(gateway.Refused, gateway.ReasonStatus4xx)
			}
			return gateway.Outcome{}
		}
		e := batching(b, Batch{Count: 8})
		e.Rate = 5
		d := start(t, j, nil, e)
		defer stop(t, d)
		j.add(lanes(64, 1)...)
		pass(10 * time.Second)
		if got := len(b.view().tries); got > 5*10+16 {
			t.Errorf("%d requests in ten seconds at five a second", got)
		}
		pass(time.Minute)
		if got := len(b.view().got); got != 64 {
			t.Errorf("%d arrived, want 64", got)
		}
	})
}

func TestBytesInFlight_AreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, p := newMemJournal(), newPatient(gateway.Outcome{})
		p.took = time.Second
		e := endpoint(p)
		e.BytesInFlight = 1000
		d := start(t, j, nil, e)
		defer stop(t, d)
		big := func(lane string, size int) *event.Event {
			e := ev(lane, 0)
			e.Raw.Body = make([]byte, size)
			return e
		}
		j.add(big("0", 400), big("1", 400), big("2", 400), big("3", 5000), big("4", 10))
		pass(time.Millisecond)
		if s := statusOf(t, d, "e"); s.InFlight != 2 || s.BytesInFlight != 800 {
			t.Errorf("%d attempts with %d bytes in flight, want 2 with 800", s.InFlight, s.BytesInFlight)
		}
		pass(1100 * time.Millisecond)
		if s := statusOf(t, d, "e"); s.InFlight != 1 || s.BytesInFlight != 400 {
			t.Errorf("%d attempts with %d bytes in flight, want 1 with 400: the large one goes alone", s.InFlight, s.BytesInFlight)
		}
		pass(5 * time.Second)
		if got := p.arrived(); len(got) != 5 {
			t.Errorf("%v arrived, want all", got)
		}
		if s := statusOf(t, d, "e"); s.BytesInFlight != 0 {
			t.Errorf("%d bytes in flight when nothing is", s.BytesInFlight)
		}
	})
}

func TestRate_Validate(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Endpoint){
		"rate": func(e *Endpoint) { e.Rate = -1 }, "bytes": func(e *Endpoint) { e.BytesInFlight = -1 }, "poison": func(e *Endpoint) { e.OnPoison = "drop" },
		"breaker": func(e *Endpoint) { e.Breaker.Least = -1 },
	} {
		e := endpoint(&backend{})
		change(&e)
		if e.WithDefaults().Validate() == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
