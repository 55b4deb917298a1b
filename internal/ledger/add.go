package ledger

import "slices"

// Add adds up the accounts that several gateways keep of the same source or endpoint,
// in the order in which they come. Each balances by itself, so their sum does.
func Add(all []Account) []Account {
	var sums []Account
	for _, a := range all {
		i := slices.IndexFunc(sums, func(s Account) bool {
			return s.Kind == a.Kind && s.App == a.App && s.Name == a.Name && s.Removed == a.Removed
		})
		if i < 0 {
			a.In, a.Out = slices.Clone(a.In), slices.Clone(a.Out)
			sums = append(sums, a)
			continue
		}
		s := &sums[i]
		s.In, s.Out = addEntries(s.In, a.In), addEntries(s.Out, a.Out)
	}
	return sums
}

// addEntries adds entries by name.
func addEntries(sum, more []Entry) []Entry {
	for _, e := range more {
		if i := slices.IndexFunc(sum, func(s Entry) bool { return s.Name == e.Name }); i >= 0 {
			sum[i].Events += e.Events
			continue
		}
		sum = append(sum, e)
	}
	return sum
}
