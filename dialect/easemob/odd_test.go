package easemob_test

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/easemob"
	"github.com/imhook/imhook/event"
)

// odd are values that stand in for each text of each golden body, one at a time.
var odd = []string{
	`""`, `"admin"`, `"@ppAdmin"`, `"org#sample_x@easemob.com/ios_1"`, `"org#sample_"`, `"a|b%"`, `"190000000000021"`, `"/"`, `"bob"`, `"ann"`,
	`"190000000000021@conference.easemob.com"`, `"chat:room:text"`, `"chat_offline"`, `null`, `"{}"`, `"\\u0000"`, `7`, `{}`, `[]`,
}

// values are the places of all values below the top of a JSON text.
func values(t *testing.T, text []byte) (places [][2]int) {
	t.Helper()
	dec := jsontext.NewDecoder(bytes.NewReader(text))
	for {
		kind := dec.PeekKind()
		depth := dec.StackDepth()
		name := false
		if depth > 0 {
			in, n := dec.StackIndex(depth)
			name = in == '{' && n%2 == 0
		}
		before := dec.InputOffset()
		if _, err := dec.ReadToken(); err != nil {
			return places
		}
		if end := int(dec.InputOffset()); !name && (kind == '"' || kind == '0' || kind == 't' || kind == 'f') {
			start := int(before) + bytes.IndexAny(text[before:end], `"-0123456789tf`)
			places = append(places, [2]int{start, end})
		}
	}
}

// A body in which one value is odd is refused, kept whole, or read as an event that
// says the same when it is said again.
func TestEncode_SaysTheSameOfOddBodies(t *testing.T) {
	t.Parallel()
	d := easemob.New()
	folders, err := fs.ReadDir(wire, "testdata/wire")
	if err != nil {
		t.Fatal(err)
	}
	// All of them take a while, under the race detector a minute and more: -short
	// takes one of twenty-five, and so every value in many places.
	step, least := 1, 10000
	if testing.Short() {
		step, least = 25, 1000
	}
	tried, n := 0, 0
	for _, folder := range folders {
		text, err := fs.ReadFile(wire, "testdata/wire/"+folder.Name()+"/request.http")
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := bytes.Cut(bytes.TrimSuffix(text, []byte("\n")), []byte("\n\n"))
		path := ""
		if strings.HasPrefix(string(head), "POST /pre_send") {
			path = "/pre_send"
		}
		for _, place := range values(t, body) {
			for _, value := range odd {
				if n++; n%step != 0 {
					continue
				}
				req := dialect.Request{Path: path, Body: slices.Concat(body[:place[0]], []byte(value), body[place[1]:])}
				tried++
				if why := saysSame(d, &req); why != "" {
					t.Errorf("%s: %s\n%s", folder.Name(), why, req.Body)
				}
			}
		}
	}
	if tried < least {
		t.Errorf("%d bodies were tried, want %d or more", tried, least)
	}
}

func saysSame(d *easemob.Dialect, req *dialect.Request) string {
	evs, err := d.Decode(req)
	if err != nil {
		if _, ok := errors.AsType[*dialect.DecodeError](err); !ok || len(evs) > 0 {
			return "no DecodeError: " + err.Error()
		}
		return ""
	}
	for _, ev := range evs {
		ev.ID, ev.App = "1", "org#sample"
		if ev.Lane == "" && ev.Phase == event.After {
			return "no lane"
		}
		if _, err := ev.MarshalJSON(); err != nil {
			return "no JSON: " + err.Error()
		}
		reqs, err := d.Encode(ev, dialect.Target{Generation: ev.Generation})
		if errors.Is(err, dialect.ErrUntranslatable) && ev.Type == event.VendorUnknown {
			continue
		}
		if err != nil || len(reqs) == 0 {
			return "not said again: " + errText(err)
		}
		for i := range reqs {
			again, err := d.Decode(&reqs[i])
			if err != nil || len(again) != 1 {
				return "unreadable: " + string(reqs[i].Body) + " " + errText(err)
			}
			got := again[0]
			if got.Type != ev.Type || got.Lane != ev.Lane || got.Command != ev.Command || !slices.Equal(got.Links, ev.Links) {
				return "said again it is " + got.Command + " " + string(got.Type) + " in " + string(got.Lane) + " and was " +
					ev.Command + " " + string(ev.Type) + " in " + string(ev.Lane) + ": " + string(reqs[i].Body)
			}
		}
	}
	return ""
}

func errText(err error) string {
	if err == nil {
		return "no error"
	}
	return err.Error()
}
