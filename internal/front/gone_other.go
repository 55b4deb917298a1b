//go:build !unix

package front

func atEnd(uintptr) bool { return false }
