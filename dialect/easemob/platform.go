package easemob

import "strings"

// platform is the canonical word for a device's kind, as it stands in os and
// before the first '_' of a device id ("android_4f…"); the vendor's own where there
// is none.
func platform(device string) string {
	word, _, _ := strings.Cut(device, "_")
	switch word = strings.ToLower(word); word {
	case "pc":
		return "windows"
	case "webim":
		return "web"
	}
	return word
}

// osWord is the vendor's word for a platform: the inverse of platform, and the
// nearest one for those that the vendor does not tell apart.
func osWord(platform string) string {
	switch platform {
	case "ipad":
		return "ios"
	case "android-pad":
		return "android"
	case "windows", "mac":
		return "pc"
	case "miniprogram":
		return "web"
	case "harmony-pad", "harmony-pc":
		return "harmony"
	case "server", "bot", "unknown":
		return ""
	}
	return platform
}
