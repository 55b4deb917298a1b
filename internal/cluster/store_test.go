package cluster

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A slice has its own positions, whatever was saved before it was one.
func TestSlice_HasItsOwnPositionsAlone(t *testing.T) {
	t.Parallel()
	saved := map[string][]byte{}
	for _, key := range []string{
		"deliver.tail", "deliver.tail#22", "cluster.board",
		"deliver.endpoint.shop/backend", "deliver.endpoint.shop/backend#1of2", "deliver.endpoint.shop/backend#2of2", "deliver.endpoint.shop/backend#1of4",
		"deliver.ahead.3.shop/backend", "deliver.ahead.4.shop/backend#22", "deliver.ahead.4.shop/backend#23", "deliver.ahead.1.shop/other",
		"deliver.run.abc#22",
	} {
		saved[key] = []byte(key)
	}
	for _, c := range []struct {
		name   string
		slice  int
		layout Layout
		want   map[string]string
	}{
		{"whole, as one gateway alone saved it", 22, Layout{}, map[string]string{
			"deliver.tail": "deliver.tail#22", "deliver.endpoint.shop/backend": "deliver.endpoint.shop/backend",
			"deliver.ahead.3.shop/backend": "deliver.ahead.3.shop/backend", "deliver.ahead.4.shop/backend": "deliver.ahead.4.shop/backend#22", "deliver.run.abc": "deliver.run.abc#22",
		}},
		{"the first of two parts", 22, Layout{"shop/backend": 2}, map[string]string{
			"deliver.tail": "deliver.tail#22", "deliver.endpoint.shop/backend": "deliver.endpoint.shop/backend#1of2",
			"deliver.ahead.4.shop/backend": "deliver.ahead.4.shop/backend#22", "deliver.run.abc": "deliver.run.abc#22",
		}},
		{"the second, whose slice has no tail yet", 23, Layout{"shop/backend": 2}, map[string]string{
			"deliver.tail": "deliver.tail", "deliver.endpoint.shop/backend": "deliver.endpoint.shop/backend#2of2",
			"deliver.ahead.4.shop/backend": "deliver.ahead.4.shop/backend#23",
		}},
		{"a slice without endpoints", 5, Layout{"shop/backend": 2}, map[string]string{}},
	} {
		s := &sliceRun{slice: c.slice, layout: c.layout}
		got := map[string]string{}
		for k, v := range s.of(saved) {
			got[k] = string(v)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		// What it saves it finds again.
		st := &store{s: s}
		for _, key := range slices.Sorted(maps.Keys(got)) {
			physical, err := st.physical(key)
			if err != nil {
				t.Error(err)
			}
			if again := s.of(map[string][]byte{physical: []byte("x"), "deliver.endpoint.shop/backend#1of2": nil, "deliver.endpoint.shop/backend#2of2": nil, "deliver.endpoint.shop/backend": nil}); again[key] == nil {
				t.Errorf("%s: %s is saved as %s and not found again", c.name, key, physical)
			}
		}
	}
}
