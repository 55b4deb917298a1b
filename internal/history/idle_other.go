//go:build !linux

package history

// newIdle returns a function that says how many processors were idle. Nothing is known
// here of what others use, so it says one in eight.
func newIdle() func() float64 {
	return func() float64 { return processors() / 8 }
}
