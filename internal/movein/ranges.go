package movein

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// span is the numbers from first to last, both included.
type span struct{ first, last int }

// spans is a set of message types. Nil is empty.
type spans []span

// single is how many numbers of a span are written out one by one: a list is
// looked up, which is quicker than comparing numbers.
const single = 16

// when is the condition that a message's type is in the set, in CEL. Types are
// texts there: a vendor's may be words.
func (s spans) when() string {
	var words, parts []string
	for _, one := range s {
		if one.last-one.first < single {
			for n := one.first; n <= one.last; n++ {
				if w := strconv.Quote(strconv.Itoa(n)); !slices.Contains(words, w) {
					words = append(words, w)
				}
			}
			continue
		}
		parts = append(parts, fmt.Sprintf("int(event.message.code) >= %d && int(event.message.code) <= %d", one.first, one.last))
	}
	if len(words) > 0 {
		parts = append([]string{"event.message.code in [" + strings.Join(words, ", ") + "]"}, parts...)
	}
	switch len(parts) {
	case 0:
		return "false"
	case 1:
		return parts[0]
	}
	for i, p := range parts {
		if strings.Contains(p, "&&") {
			parts[i] = "(" + p + ")"
		}
	}
	return strings.Join(parts, " || ")
}

// whenNot is the condition that a message's type is not in the set.
func (s spans) whenNot() string { return "!(" + s.when() + ")" }

// parseSpan reads "7" or "200-500". Nothing is trimmed: the servers do not either.
func parseSpan(text string) (span, bool) {
	low, high, ranged := strings.Cut(text, "-")
	first, err := strconv.ParseInt(low, 10, 32)
	if err != nil {
		return span{}, false
	}
	if !ranged {
		return span{int(first), int(first)}, true
	}
	last, err := strconv.ParseInt(high, 10, 32)
	if err != nil || strings.HasPrefix(high, "+") {
		return span{}, false
	}
	return span{int(first), int(last)}, true
}
