package cluster

import (
	"cmp"
	"slices"
)

// assign says who shall have each slice: what each has stays with it as long as
// that is even. weights is how many parts lie in each slice, has who has it now (or
// shall have it), nodes who may have some, in any order. With no nodes nobody has
// any.
func assign(weights [Slices]int, has [Slices]string, nodes []string) (want [Slices]string) {
	if len(nodes) == 0 {
		return want
	}
	nodes = slices.Sorted(slices.Values(nodes))
	load := map[string]int{}
	for _, n := range nodes {
		load[n] = 0
	}
	var free []int
	for s, n := range has {
		if _, ok := load[n]; !ok {
			free = append(free, s)
			continue
		}
		want[s] = n
		load[n] += weights[s]
	}
	least := func() string {
		return slices.MinFunc(nodes, func(a, b string) int { return cmp.Compare(load[a], load[b]) })
	}
	most := func() string {
		return slices.MaxFunc(nodes, func(a, b string) int { return cmp.Compare(load[a], load[b]) })
	}
	// The heavy ones first: the light ones even out what they leave.
	slices.SortStableFunc(free, func(a, b int) int { return cmp.Compare(weights[b], weights[a]) })
	for _, s := range free {
		n := least()
		want[s] = n
		load[n] += weights[s]
	}
	for {
		from, to := most(), least()
		gap := load[from] - load[to]
		best := -1
		for s, n := range want {
			// Moving w leaves a gap of |gap-2w|: that must be less than before.
			if w := weights[s]; n == from && w > 0 && w < gap && (best < 0 || abs(gap-2*w) < abs(gap-2*weights[best])) {
				best = s
			}
		}
		if best < 0 {
			return want
		}
		want[best] = to
		load[from] -= weights[best]
		load[to] += weights[best]
	}
}

func abs(n int) int { return max(n, -n) }
