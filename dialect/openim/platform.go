package openim

import "strconv"

// platforms are the canonical words of the platform codes, in their order, and
// platformNames the words that the server writes beside them
// (protocol/constant.PlatformIDToName).
var (
	platforms = [...]string{
		"unknown", "ios", "android", "windows", "mac", "web", "miniprogram", "linux",
		"android-pad", "ipad", "server", "harmony", "bot",
	}
	platformNames = [...]string{
		"", "IOS", "Android", "Windows", "OSX", "Web", "MiniWeb", "Linux",
		"APad", "IPad", "Admin", "HarmonyOS", "Bot",
	}
)

// platformWord is the canonical word of a code; empty for the 0 that means unset,
// and the number for a code that the table does not have.
func platformWord(code int32) string {
	switch {
	case code == 0:
		return ""
	case code > 0 && int(code) < len(platforms):
		return platforms[code]
	}
	return strconv.Itoa(int(code))
}

// platformCode is the inverse; a word without a code of its own gets the nearest
// one, and what nobody knows is 0.
func platformCode(word string) int32 {
	for i, p := range platforms {
		if p == word {
			return int32(i)
		}
	}
	switch word {
	case "harmony-pad", "harmony-pc":
		return 11
	}
	if n, err := strconv.ParseInt(word, 10, 32); err == nil && strconv.FormatInt(n, 10) == word {
		return int32(n)
	}
	return 0
}

// platformName is the server's word for a code; empty when it has none.
func platformName(code int32) string {
	if code > 0 && int(code) < len(platformNames) {
		return platformNames[code]
	}
	return ""
}
