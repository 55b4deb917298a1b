package movein

import (
	"bytes"
	"strconv"
	"strings"
)

// property is one setting of a file of lines.
type property struct {
	key, value string
	// line is where it begins.
	line int
	// foreign is true for a line that java.util.Properties reads and the server's
	// own reader does not: with = or : between key and value, or escapes.
	foreign bool
	// tail is true when something stands behind the value, as a comment would.
	tail bool
	// broken is true for an escape that is none.
	broken bool
}

// properties reads a file of lines "key value", as the server does: it trims the
// line, leaves out one that begins with # and splits at the first space. A line
// that is written as for java.util.Properties (key=value, key: value, a backslash
// at its end, \u escapes) is read too, and marked.
func properties(data []byte) []property {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	all := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data)), "\n")
	var found []property
	for i := 0; i < len(all); i++ {
		text := trim(all[i])
		if text == "" || text[0] == '#' || text[0] == '!' {
			continue
		}
		p := property{line: i + 1}
		if !assigns(text) {
			p.key, p.value, _ = strings.Cut(text, " ")
			p.value = trim(p.value)
			if strings.Contains(text, "#") && len(strings.Split(text, " ")) != 2 {
				p.tail = true
				p.value, _, _ = strings.Cut(p.value, " ")
			}
			found = append(found, p)
			continue
		}
		p.foreign = true
		for continues(text) && i+1 < len(all) {
			i++
			text = text[:len(text)-1] + trimLeft(all[i])
		}
		p.assignment(text)
		found = append(found, p)
	}
	return found
}

// assigns reports whether a line has = or : between key and value.
func assigns(text string) bool {
	end := strings.IndexAny(text, " \t\f=:")
	if end < 0 {
		return false
	}
	rest := strings.TrimLeft(text[end:], " \t\f")
	return rest != "" && (rest[0] == '=' || rest[0] == ':') || strings.ContainsAny(text[end:end+1], "\t\f")
}

// continues reports whether an odd number of backslashes ends the line.
func continues(text string) bool {
	return (len(text)-len(strings.TrimRight(text, `\`)))%2 == 1
}

// assignment splits and unescapes a line of java.util.Properties.
func (p *property) assignment(text string) {
	end := 0
	for end < len(text) && !strings.ContainsRune(" \t\f=:", rune(text[end])) {
		if text[end] == '\\' {
			end++
		}
		end++
	}
	end = min(end, len(text))
	rest := strings.TrimLeft(text[end:], " \t\f")
	if rest != "" && (rest[0] == '=' || rest[0] == ':') {
		rest = strings.TrimLeft(rest[1:], " \t\f")
	}
	p.key, p.value = p.unescape(text[:end]), p.unescape(rest)
}

func (p *property) unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		if i == len(s) {
			break
		}
		switch s[i] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			n, err := strconv.ParseUint(s[min(i+1, len(s)):min(i+5, len(s))], 16, 16)
			if err != nil || i+5 > len(s) {
				p.broken = true
				continue
			}
			b.WriteRune(rune(n))
			i += 4
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// trim takes off what Java's String.trim does: all up to the space.
func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}

func trimLeft(s string) string {
	return strings.TrimLeftFunc(s, func(r rune) bool { return r <= ' ' })
}
