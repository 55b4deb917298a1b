package wildfirechat

import "strconv"

// platforms are the words of the platform codes, in their order.
var platforms = [...]string{
	"unknown", "ios", "android", "windows", "mac", "web", "miniprogram", "linux",
	"ipad", "android-pad", "harmony", "harmony-pad", "harmony-pc",
}

// platformWord is the canonical word of a code; a code that the table does not
// have stays a number.
func platformWord(code int32) string {
	if code >= 0 && int(code) < len(platforms) {
		return platforms[code]
	}
	return strconv.Itoa(int(code))
}

// platformCode is the inverse; a word of another vendor is 0, unset.
func platformCode(word string) int32 {
	for i, p := range platforms {
		if p == word {
			return int32(i)
		}
	}
	if n, err := strconv.ParseInt(word, 10, 32); err == nil && strconv.FormatInt(n, 10) == word {
		return int32(n)
	}
	return 0
}
