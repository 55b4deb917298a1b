package wordlist

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRead_Lines(t *testing.T) {
	t.Parallel()
	file := "\xef\xbb\xbf# imported\r\n傻逼\r\n\r\n  bad  # rude\n*ass*\nc#\u4e2d\n傻逼\ngo die => deny\n代购=>mask"
	all, err := read("words.txt", []byte(file), Mask)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range all {
		got = append(got, fmt.Sprintf("%s|%s|%v %v %v %v", e.text, string(e.letters), e.deny, e.openLeft, e.openRight, e.gaps))
	}
	want := []string{
		"傻逼|傻逼|false false false []", "bad|bad|false false false []", "*ass*|ass|false true true []",
		"c#中|c中|false false false [1]", "傻逼|傻逼|false false false []", "go die|godie|true false false [2]",
		"代购|代购|false false false []",
	}
	if !slices.Equal(got, want) {
		t.Errorf("read\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	s, err := compile(all)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.entries) != 6 {
		t.Errorf("%d words are in force, want 6: one stands there twice", len(s.entries))
	}
}

func TestRead_BadLinesAreNamedWithWhatToDo(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ file, want string }{
		"nothing":           {"# later\n", "words.txt: there is no word in it: write one a line, or remove the hook"},
		"gbk":               {"ok\n\xc9\xb5\xb1\xc6\n", "words.txt:2: it is not UTF-8: save the file as UTF-8"},
		"utf-16":            {"\xff\xfeb\x00", "words.txt: it is UTF-16: save it as UTF-8"},
		"star alone":        {"a\n*\n", `words.txt:2: "*": * alone would hit everything`},
		"star inside":       {"f*ck", `words.txt:1: "f*ck": * stands for the rest of a word, at the beginning or the end only`},
		"no letter":         {"\n...", `words.txt:2: "...": there is no letter in it: remove the line`},
		"punctuation":       {"bad!", `words.txt:1: "bad!": it begins or ends with punctuation, which is skipped in texts: write the letters alone`},
		"punctuation first": {"@ss", `words.txt:1: "@ss": it begins or ends with punctuation`},
		"action":            {"bad => drop", `words.txt:1: "bad": after => stands "drop", want mask or deny`},
		"no action":         {"bad =>", `words.txt:1: "bad": after => stands "", want mask or deny`},
		"long":              {strings.Repeat("好", 256), `it has 256 letters, want at most 255: keep the part that tells it from others`},
		"several":           {"..\nbad!\n", "words.txt:1: \"..\": there is no letter in it: remove the line\nwords.txt:2: \"bad!\""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := Check("words.txt", []byte(tt.file))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("says\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
	err := Check("words.txt", []byte(strings.Repeat("..\n", 100)))
	if err == nil || strings.Count(err.Error(), "\n") != maxErrors || !strings.HasSuffix(err.Error(), "and more after line 5") {
		t.Errorf("of 100 bad lines it says\n%v", err)
	}
}

// TestCompile_TheStricterOfTwoEqualWordsCounts in whatever order they stand.
func TestCompile_TheStricterOfTwoEqualWordsCounts(t *testing.T) {
	t.Parallel()
	for _, words := range [][]string{{"bad", "BAD => deny"}, {"ｂad=>deny", "bad"}} {
		s := newSet(t, words...)
		if len(s.entries) != 1 || !s.entries[0].deny {
			t.Errorf("of %q %d words are in force, the first denies: %v", words, len(s.entries), s.entries[0].deny)
		}
	}
}

// FuzzRead: whatever a file holds, it is refused or makes a list whose words hit
// themselves.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"傻逼\nbad # rude\n*ass*\n", "\xef\xbb\xbfbad => deny\r\n", "go die\nc++\n🖕\n", "\xff\xfe", "f*ck\n...\n*\n=>",
		"ＱＱ群\n①\nﬁ\n", "\u3164\n가\n\u1100\n", "a\u0301\n\u0337\n", "【代购】\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		all, err := read("words.txt", content, Deny)
		if err != nil {
			return
		}
		words := slices.Clone(all)
		s, err := compile(all)
		if err != nil {
			return
		}
		for _, e := range words {
			text := strings.TrimSuffix(strings.TrimPrefix(e.text, "*"), "*")
			found := false
			s.find(text, func(i int32, _ []point, _, _ int) { found = found || s.entries[i].deny || !e.deny })
			if !found {
				t.Errorf("%q does not hit itself", e.text)
			}
			if utf8.RuneCountInString(e.shown()) > maxShown {
				t.Errorf("%q is shown as %q", e.text, e.shown())
			}
		}
	})
}

// FuzzMasked: no text breaks the search, and masking changes hits alone.
func FuzzMasked(f *testing.F) {
	for _, seed := range []string{
		"你这个傻 逼", "b a d class BAD", "ｂａｄ ⓑⓐⓓ", "傻\u200b逼", "b\u0337ad", "\xff傻\xe5\x82逼", "ﬁ ㎏ ﷺ ㈱", "👨\u200d👩\u200d👧🖕🏿",
		"\u1107\u1161\u1107\u1169 바보", "e\u0301" + strings.Repeat("\u0301", 40), "89.64 8964 8.9.6.4", "c++ $$$", "he'll go\tdie",
	} {
		f.Add(seed)
	}
	s := newSet(f, "傻逼", "bad", "*ass*", "go die", "c++", "🖕", "바보", "8964", "fi", "é", "株", "محمد", "a", "aa", "kg*")
	f.Fuzz(func(t *testing.T, text string) { checkMasked(t, s, text) })
}
