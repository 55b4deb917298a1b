package rongcloud

import "strings"

// platforms are the words of os and source (post-messaging, pre-messaging and
// online status pages). Of several words of one platform the first is written;
// those in the second half have none of their own here.
var platforms = [...]struct{ word, canonical string }{
	{"iOS", "ios"},
	{"Android", "android"},
	{"HarmonyOS", "harmony"},
	{"Websocket", "web"},
	{"PC", "windows"},
	{"MiniProgram", "miniprogram"},
	{"Server", "server"},

	{"iOS", "ipad"},
	{"Android", "android-pad"},
	{"PC", "mac"},
	{"PC", "linux"},
	{"HarmonyOS", "harmony-pad"},
	{"HarmonyOS", "harmony-pc"},
	{"Server", "bot"},
}

// approximate is the word that stands for several platforms, of which the
// canonical one is a guess.
const approximate = "PC"

// platformOf is the canonical platform of a word; one that the table does not
// have stays as it is.
func platformOf(word string) string {
	for i := range platforms {
		if strings.EqualFold(platforms[i].word, word) {
			return platforms[i].canonical
		}
	}
	return word
}

// platformWord is the inverse; own says that a word outside the table is the
// vendor's.
func platformWord(canonical string, own bool) string {
	for i := range platforms {
		if platforms[i].canonical == canonical {
			return platforms[i].word
		}
	}
	if own {
		return canonical
	}
	return ""
}

// platform takes the platform of a field, and keeps the vendor's word where the
// canonical one does not lead back to it or is a guess.
func (o *object) platform(name string) string {
	word := o.text(name)
	if word == "" {
		return ""
	}
	canonical := platformOf(word)
	if word == approximate || platformWord(canonical, true) != word {
		o.keep(name, word)
	}
	return canonical
}

// platform writes a platform under name, in the word that came in if it is still
// the same.
func (out *output) platform(canonical, name string) string {
	if kept := out.kept.text(name); kept != "" && platformOf(kept) == canonical {
		return kept
	}
	return platformWord(canonical, out.own)
}
