package gateway

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// settable is a clock that somebody sets, beside one that nobody can.
type settable struct {
	wall time.Time
	mono time.Duration
}

func (s *settable) pass(d time.Duration) { s.wall, s.mono = s.wall.Add(d), s.mono+d }

func (s *settable) ageing(log *bytes.Buffer) *Ageing {
	return NewAgeing(func() time.Time { return s.wall }, func() time.Duration { return s.mono }, slog.New(slog.NewTextHandler(log, nil)))
}

func TestAgeing_GoesWithAClockThatIsKeptInTime(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := &settable{wall: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	a := s.ageing(&log)
	for n := range 100_000 {
		s.pass(time.Second)
		s.wall = s.wall.Add(time.Duration(n%7-3) * 100 * time.Millisecond) // moved by those who keep it in time
		if lag := s.wall.Sub(a.Now()); lag < 0 || lag > time.Second {
			t.Fatalf("after %d s it is %v behind the wall clock", n, lag)
		}
	}
	if log.Len() > 0 {
		t.Errorf("it told\n%s", &log)
	}
}

func TestAgeing_JumpsMakeNothingOld(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	begin := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	s := &settable{wall: begin}
	a := s.ageing(&log)
	s.pass(time.Hour)
	s.wall = s.wall.Add(10 * 24 * time.Hour)
	if got := a.Now().Sub(begin); got > 70*time.Minute {
		t.Errorf("an hour and a jump of ten days made things %v older", got)
	}
	if !strings.Contains(log.String(), "went forward at once") || !strings.Contains(log.String(), "by=240h0m0s") {
		t.Errorf("it told\n%s", &log)
	}
	for range 24 * 60 {
		s.pass(time.Minute)
		a.Now()
	}
	if got := a.Now().Sub(begin); got < 25*time.Hour || got > 29*time.Hour {
		t.Errorf("25 hours after the begin things are %v older, want up to an eighth more", got)
	}
	// Set right again: what is younger than that by the wall clock stays.
	s.wall = s.wall.Add(-10 * 24 * time.Hour)
	if got := a.Now(); !got.Equal(s.wall) {
		t.Errorf("after the clock was set right it says %v, want %v", got, s.wall)
	}
	if !strings.Contains(log.String(), "went back") || strings.Count(log.String(), "\n") != 2 {
		t.Errorf("it told\n%s\nwant each jump once", &log)
	}
	// A jump that stays is made up for in the end.
	s.wall = s.wall.Add(time.Hour)
	for range 9 * 60 {
		s.pass(time.Minute)
		a.Now()
	}
	if got := a.Now(); !got.Equal(s.wall) {
		t.Errorf("nine hours after a jump of one it is %v behind", s.wall.Sub(got))
	}
}
