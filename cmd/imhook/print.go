package main

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// readable is a body as a person reads it: JSON with line breaks, a form with
// one key a line, anything else as it is, without control characters.
func readable(contentType, body string) string {
	media, _, _ := strings.Cut(contentType, ";")
	if strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded") {
		return form(body)
	}
	if v := jsontext.Value(body); len(body) > 0 && v.IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		out, err := jsontext.AppendFormat(nil, v, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true),
			jsontext.PreserveRawStrings(true), jsontext.WithIndent("  "))
		if err == nil {
			body = string(out)
		}
	}
	return printable(body)
}

// form writes one pair a line.
func form(body string) string {
	var b strings.Builder
	for pair := range strings.SplitSeq(body, "&") {
		key, value, _ := strings.Cut(pair, "=")
		for _, s := range []*string{&key, &value} {
			if plain, err := url.QueryUnescape(*s); err == nil {
				*s = plain
			}
		}
		fmt.Fprintf(&b, "%s = %s\n", key, value)
	}
	return printable(strings.TrimSuffix(b.String(), "\n"))
}

// printable takes out what a terminal would obey: what others wrote is printed
// and must not move the cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, string(unicode.ReplacementChar)))
}

// oneLine is s on one line of at most n characters.
func oneLine(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		return r
	}, printable(s))
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// writeLine writes v as JSON on one line.
func writeLine(w io.Writer, v any) error {
	b, err := json.Marshal(v, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// field writes one labelled line, nothing when there is nothing to say.
func field(w io.Writer, label, value string) {
	if value != "" {
		_, _ = fmt.Fprintf(w, "  %-13s %s\n", label, oneLine(value, 200))
	}
}
