package wordlist

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

// newSet compiles words, written as lines of a file.
func newSet(tb testing.TB, words ...string) *set {
	tb.Helper()
	all, err := inline(words, Mask)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := compile(all)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// TestMasked_Texts: what is a hit, and which letters it has.
func TestMasked_Texts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		words      []string
		text, want string
	}{
		"chinese anywhere":                     {[]string{"傻逼"}, "你这个傻逼啊", "你这个**啊"},
		"chinese, separated":                   {[]string{"傻逼"}, "傻 逼，傻.逼，傻😀逼，傻\n逼", "* *，*.*，*😀*，*\n*"},
		"chinese, zero width":                  {[]string{"傻逼"}, "傻\u200b\u2060逼", "*\u200b\u2060*"},
		"chinese next to latin":                {[]string{"傻逼"}, "a傻逼b", "a**b"},
		"radical for its ideograph":            {[]string{"大人"}, "⼤⼈", "**"},
		"overlapping":                          {[]string{"一二三", "二三四", "三四五"}, "零一二三四五六", "零*****六"},
		"one inside the other":                 {[]string{"法轮功", "轮"}, "法轮功轮", "****"},
		"whole latin word":                     {[]string{"ass"}, "ass, class, assess, ass.", "***, class, assess, ***."},
		"latin word between ideographs":        {[]string{"bad"}, "你bad吗", "你***吗"},
		"latin word next to digits":            {[]string{"bad"}, "bad1 2bad bad", "bad1 2bad ***"},
		"underscore ends a word":               {[]string{"bad"}, "bad_boy", "***_boy"},
		"case":                                 {[]string{"Bad"}, "BAD bad bAd", "*** *** ***"},
		"case of other scripts":                {[]string{"ПЛОХО", "σοφος"}, "плохо ΣΟΦΟΣ", "***** *****"},
		"full width":                           {[]string{"bad"}, "ｂａｄ ＢＡＤ", "*** ***"},
		"full width in the list":               {[]string{"ＱＱ群"}, "qq群", "***"},
		"half width katakana":                  {[]string{"バカ"}, "ﾊﾞｶ", "***"},
		"circled and mathematical":             {[]string{"bad"}, "ⓑⓐⓓ 𝐛𝐚𝐝", "*** ***"},
		"ligature is masked whole":             {[]string{"fi"}, "ﬁ", "*"},
		"one character of several letters":     {[]string{"kg"}, "5 ㎏", "5 *"},
		"nothing but one of many":              {[]string{"株式会社"}, "㍿", "*"},
		"spelled out":                          {[]string{"bad"}, "b a d, b.a.d, b  a  d", "* * *, *.*.*, *  *  *"},
		"punctuation inside":                   {[]string{"bad"}, "ba.d b-ad b*a*d", "**.* *-** *****"},
		"white space joins no words":           {[]string{"asset", "therapist"}, "as set, the rapist", "as set, the rapist"},
		"apostrophe joins none":                {[]string{"hell"}, "he'll he’ll hell", "he'll he’ll ****"},
		"zero width inside latin":              {[]string{"bad"}, "b\u200ba\u00add", "*\u200b*\u00ad*"},
		"marks on top":                         {[]string{"bad"}, "b\u0337a\u0337d\u0337", "*\u0337*\u0337*\u0337"},
		"accents are letters":                  {[]string{"cafe", "naïve"}, "café nai\u0308ve naive", "café ***\u0308** naive"},
		"prefix, suffix, inside":               {[]string{"pre*", "*suf", "*mid*"}, "prefix xpre; xsuf sufx; amidst", "***fix xpre; x*** sufx; a***st"},
		"white space inside an open word":      {[]string{"*ass*"}, "has so, class", "has so, cl***"},
		"phrase":                               {[]string{"go die"}, "go die go  die godie go-die ago die", "** *** **  *** ***** **-*** ago die"},
		"phrase spelled out":                   {[]string{"go die"}, "g o d i e", "* * * * *"},
		"chinese phrase":                       {[]string{"加 微信"}, "加微信 加 微 信", "*** * * *"},
		"mixed word":                           {[]string{"加V信"}, "请加 v 信", "请* * *"},
		"mixed word ends whole":                {[]string{"上qq"}, "上qqq上qq", "上qqq***"},
		"digits are whole":                     {[]string{"64"}, "64 164 641", "** 164 641"},
		"digits of a price":                    {[]string{"8964"}, "89.64 8964 8.9.6.4", "89.64 **** *.*.*.*"},
		"full width digits":                    {[]string{"12345"}, "１２３４５", "*****"},
		"emoji of the list":                    {[]string{"🖕", "💊加"}, "🖕🏿 a🖕 💊 加", "*🏿 a* * *"},
		"symbol of the list":                   {[]string{"c++", "a$$"}, "c++ A$$ c a", "*** *** c a"},
		"brackets of a chinese word":           {[]string{"【代购】"}, "代购", "**"},
		"thai keeps its vowels":                {[]string{"กา"}, "กา กี", "** กี"},
		"korean":                               {[]string{"바보"}, "바보야", "**야"},
		"korean in jamo":                       {[]string{"바보"}, "\u1107\u1161\u1107\u1169", "****"},
		"hangul filler":                        {[]string{"바보"}, "바\u3164보", "*\u3164*"},
		"broken bytes":                         {[]string{"傻逼"}, "\xff傻逼\xe5\x82", "\xff**\xe5\x82"},
		"nothing":                              {[]string{"傻逼"}, "", ""},
		"no hit":                               {[]string{"傻逼", "bad"}, "早上好, good morning 🚲", "早上好, good morning 🚲"},
		"same letters, different beginnings":   {[]string{"ass", "*ass"}, "ass class assx", "*** cl*** assx"},
		"same letters, other separators":       {[]string{"ab cd", "abc d"}, "ab cd, abc d, a bcd", "** **, *** *, a bcd"},
		"unlisted letter between listed":       {[]string{"傻逼"}, "傻的逼", "傻的逼"},
		"mathematical digit and circled digit": {[]string{"13"}, "①③ 𝟏𝟑", "** **"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := newSet(t, tt.words...).masked(tt.text, '*'); got != tt.want {
				t.Errorf("%q with %q\n got %q\nwant %q", tt.text, tt.words, got, tt.want)
			}
		})
	}
}

// letters of texts and words, few, so that words hit and overlap.
var someLetters = []rune("abA1２ｂ一二三é傻ﬁ㎏가ß")

var someOthers = []rune(" .,'-_\n\u200b\u0337\ufe0f😀$　。’")

func drawWord(t *rapid.T) string {
	word := rapid.StringOfN(rapid.SampledFrom(someLetters), 1, 5, -1).Draw(t, "word")
	switch rapid.IntRange(0, 6).Draw(t, "kind") {
	case 0:
		return "*" + word + "*"
	case 1:
		return "*" + word
	case 2:
		return word + "*"
	case 3:
		return word + " " + word
	case 4:
		return word + "$"
	}
	return word
}

func drawText(t *rapid.T) string {
	return rapid.OneOf(
		rapid.StringOf(rapid.SampledFrom(slices.Concat(someLetters, someOthers))),
		rapid.String(),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
	).Draw(t, "text")
}

// naive finds hits by comparing every word at every place: the oracle of find.
func naive(s *set, entries []entry, text string) map[[2]int]bool {
	points, _, _ := fold(nil, text, s.symbols, nil)
	spans := map[[2]int]bool{}
	for from := range points {
		for i := range entries {
			e := &entries[i]
			to := from + len(e.letters)
			if to > len(points) {
				continue
			}
			equal := true
			for k, r := range e.letters {
				equal = equal && points[from+k].r == r
			}
			if equal && e.hits(points, from, to) {
				spans[[2]int{points[from].start, points[to-1].end}] = true
			}
		}
	}
	return spans
}

// TestFind_FindsWhatComparingEveryWordFinds checks the automaton, its alphabet and the
// shortcuts against the plain way.
func TestFind_FindsWhatComparingEveryWordFinds(t *testing.T) {
	t.Parallel()
	total := 0
	rapid.Check(t, func(t *rapid.T) {
		var all []entry
		word := ""
		for range rapid.IntRange(1, 12).Draw(t, "words") {
			word = drawWord(t)
			e, err := parseEntry(word, Mask)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, e)
		}
		s, err := compile(slices.Clone(all))
		if err != nil {
			t.Fatal(err)
		}
		text := drawText(t)
		if rapid.IntRange(0, 3).Draw(t, "of chance alone") > 0 {
			text += " " + word + " " + drawText(t)
		}
		want := naive(s, all, text)
		got := map[[2]int]bool{}
		s.find(text, func(_ int32, points []point, from, to int) {
			got[[2]int{points[from].start, points[to-1].end}] = true
		})
		total += len(want)
		if len(got) != len(want) {
			t.Fatalf("found %v, want %v", got, want)
		}
		for span := range want {
			if !got[span] {
				t.Fatalf("found %v, want %v", got, want)
			}
		}
	})
	if total == 0 {
		t.Error("no text had a hit: nothing was checked")
	}
}

// TestMasked_ChangesHitsAlone: as many characters as before, and none changed that is
// not inside a hit.
func TestMasked_ChangesHitsAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var words []string
		for range rapid.IntRange(1, 8).Draw(t, "words") {
			words = append(words, drawWord(t))
		}
		all, err := inline(words, Mask)
		if err != nil {
			t.Fatal(err)
		}
		s, err := compile(slices.Clone(all))
		if err != nil {
			t.Fatal(err)
		}
		checkMasked(t, s, drawText(t))
	})
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func checkMasked(t fataler, s *set, text string) {
	t.Helper()
	const mask = '\U0010FFFD' // occurs nowhere else
	if strings.ContainsRune(text, mask) {
		return
	}
	inside := make([]bool, len(text)+1)
	s.find(text, func(_ int32, points []point, from, to int) {
		for _, p := range points[from:to] {
			for i := p.start; i < p.end; i++ {
				inside[i] = true
			}
		}
	})
	got := s.masked(text, mask)
	if a, b := utf8.RuneCountInString(text), utf8.RuneCountInString(got); a != b {
		t.Fatalf("%q has %d characters, masked %q %d", text, a, got, b)
	}
	j := 0
	for i := 0; i < len(text); {
		_, size := utf8.DecodeRuneInString(text[i:])
		r, n := utf8.DecodeRuneInString(got[j:])
		switch {
		case r == mask && !inside[i]:
			t.Fatalf("%q: masked outside a hit at byte %d: %q", text, i, got)
		case r != mask && got[j:j+n] != text[i:i+size]:
			t.Fatalf("%q: another character at byte %d: %q", text, i, got)
		case r != mask && inside[i] && size > 0:
			if c := classify([]rune(text[i : i+size])[0], s.symbols); c != invisible {
				t.Fatalf("%q: %q at byte %d is part of a hit and was left: %q", text, text[i:i+size], i, got)
			}
		}
		i += size
		j += n
	}
}

// TestMasked_LeavesOtherTexts: a text with no letter of any word stays as it is.
func TestMasked_LeavesOtherTexts(t *testing.T) {
	t.Parallel()
	s := newSet(t, "傻逼", "法轮功", "бля*", "*かな*", "кто там")
	other := slices.Concat([]rune("abcXYZ019早上好ﬁ㎏é"), someOthers)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom(other)).Draw(t, "text")
		if got := s.masked(text, '*'); got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

// TestMasked_FindsWordsInDisguise puts disguised words between other letters: each is
// masked, to the last letter, and nothing else.
func TestMasked_FindsWordsInDisguise(t *testing.T) {
	t.Parallel()
	s := newSet(t, "傻逼", "bad", "加v信")
	disguises := map[rune][]string{
		'傻': {"傻", "傻\u0337"}, '逼': {"逼"}, '加': {"加"}, '信': {"信", "信\ufe00"},
		'b': {"b", "B", "ｂ", "ⓑ", "𝒃"}, 'a': {"a", "A", "Ａ", "ａ"}, 'd': {"d", "Ｄ", "ⓓ"}, 'v': {"v", "V", "Ⅴ", "ｖ"},
	}
	rapid.Check(t, func(t *rapid.T) {
		var text, want strings.Builder
		for range rapid.IntRange(1, 4).Draw(t, "words") {
			filler := rapid.SampledFrom([]string{"好", "早上", "。好 ", " x 好"}).Draw(t, "filler")
			text.WriteString(filler)
			want.WriteString(filler)
			word := rapid.SampledFrom([]string{"傻逼", "bad", "加v信"}).Draw(t, "word")
			between := rapid.SampledFrom([]string{"", "\u200b", ".", " ", "😀 "}).Draw(t, "between")
			for i, r := range word {
				if i > 0 {
					text.WriteString(between)
					want.WriteString(between)
				}
				letter := rapid.SampledFrom(disguises[r]).Draw(t, "letter")
				text.WriteString(letter)
				for k := range letter {
					if k == 0 {
						want.WriteByte('*')
					} else {
						want.WriteString(letter[k:])
						break
					}
				}
			}
		}
		if got := s.masked(text.String(), '*'); got != want.String() {
			t.Fatalf("%q\n got %q\nwant %q", text.String(), got, want.String())
		}
	})
}

// TestFold_IsTheCompatibleFormOfTheWhole: the short ways and the pieces change nothing.
func TestFold_IsTheCompatibleFormOfTheWhole(t *testing.T) {
	t.Parallel()
	joining := []rune("aéｶﾊは\u3099\uff9e\uff9f가각\u1100\u1161\u11a8\u0301\u0327ＡｚÅ\u212bﬁ。　漢🖕🏿\u20e3\ufe0fσςİıẞΐ\u0345กำ\u0e4d\u0e32नि")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.StringOf(rapid.SampledFrom(joining)), rapid.String()).Draw(t, "text")
		var want []rune
		for _, r := range norm.NFKC.String(text) {
			if r = lower(r); classify(r, nil) == letter {
				want = append(want, r)
			}
		}
		points, _, _ := fold(nil, text, nil, nil)
		var got []rune
		for _, p := range points {
			got = append(got, p.r)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q is folded to %q, want %q", text, string(got), string(want))
		}
	})
	for r := rune(0); r <= utf8.MaxRune; r++ {
		short, ok := alone(r)
		if want := norm.NFKC.String(string(r)); ok && string(short) != want {
			t.Errorf("%U is taken for %U, want %q", r, short, want)
		}
		if isIdeograph(r) && (classify(r, nil) != letter || lower(r) != r || wordy(r)) {
			t.Errorf("%U is no ideograph", r)
		}
		if ok && norm.NFKC.PropertiesString(string(r)).CCC() != 0 {
			t.Errorf("%U is a mark and taken for a character that stands alone", r)
		}
	}
}

// TestFold_PointsAtWhatEachLetterWasMadeOf: a letter's bytes, folded alone, give it.
func TestFold_PointsAtWhatEachLetterWasMadeOf(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := drawText(t)
		points, _, _ := fold(nil, text, nil, nil)
		end := 0
		for i, p := range points {
			if p.start < 0 || p.end > len(text) || p.start >= p.end {
				t.Fatalf("letter %d of %q is at %d to %d", i, text, p.start, p.end)
			}
			if i > 0 && p.start < end && (p.start != points[i-1].start || p.end != end) {
				t.Fatalf("letter %d of %q overlaps the one before", i, text)
			}
			end = p.end
			alone, _, _ := fold(nil, text[p.start:p.end], nil, nil)
			if !slices.ContainsFunc(alone, func(a point) bool { return a.r == p.r }) {
				t.Fatalf("%q at %d of %q does not give %q", text[p.start:p.end], p.start, text, p.r)
			}
			if i > 0 && p.gap == invisible && p.start > points[i-1].end {
				// Nothing that can be seen stands between them.
				between, rest, _ := fold(nil, text[points[i-1].end:p.start], nil, nil)
				if len(between) > 0 || rest != invisible {
					t.Fatalf("between letters %d and %d of %q stands %q", i-1, i, text, text[points[i-1].end:p.start])
				}
			}
		}
	})
}
