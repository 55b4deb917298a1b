package main

import (
	"testing"

	"github.com/imhook/imhook/imfake"
)

func TestSightings_OrderOfWhatWasAnswered(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		arrived  []uint64
		accepted []uint64
		want     int
	}{
		{"in order", []uint64{1, 2, 3}, []uint64{1, 2, 3}, 0},
		{"again", []uint64{1, 2, 1, 3, 2}, []uint64{1, 2, 3}, 0},
		{"a later one first", []uint64{1, 3, 2, 4}, []uint64{1, 2, 3, 4}, 1},
		{"two late", []uint64{4, 2, 3}, []uint64{2, 3, 4}, 2},
		{"late, and nobody was told 200", []uint64{1, 3, 2, 4}, []uint64{1, 3, 4}, 0},
		{"before one that nobody was told 200 of", []uint64{1, 3, 2, 4}, []uint64{1, 2, 4}, 0},
	} {
		var s sightings
		for _, seq := range tt.arrived {
			s.note(imfake.Mark{Lane: 1, Seq: seq})
		}
		var known imfake.Tally
		for _, seq := range tt.accepted {
			known.Note(imfake.Mark{Lane: 1, Seq: seq})
		}
		if got, some := s.disorders(&known); got != tt.want || len(some) != tt.want {
			t.Errorf("%s: %d out of order (%v), want %d", tt.name, got, some, tt.want)
		}
	}
}
