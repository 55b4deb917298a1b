package cloudevents

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Lines reports whether the body is one event a line.
func (d *Dialect) Lines(req *dialect.Request) bool {
	media, _, _ := strings.Cut(req.ContentType, ";")
	return isLines(strings.ToLower(strings.TrimSpace(media))) && req.Header.Get(binaryPrefix+"specversion") == ""
}

// isLines reports whether a media type in lower case means one event a line.
func isLines(media string) bool {
	return slices.Contains([]string{linesType, "application/ndjson", "application/jsonl", "application/jsonlines"}, media)
}

// Items cuts a batch, which every array is whatever its media type, except in
// binary mode.
func (d *Dialect) Items(req *dialect.Request) ([][]byte, error) {
	body := bytes.TrimLeft(req.Body, " \t\r\n")
	if len(body) == 0 || body[0] != '[' || isBinary(req) {
		return nil, nil
	}
	return cut(req.Body)
}

// cut returns the items of an array. That each of them is JSON is for who reads it
// to find out.
func cut(body []byte) ([][]byte, error) {
	if items, ok := dialect.Elements(body); ok && len(items) > 0 {
		return items, nil
	}
	return cutReading(body)
}

// cutReading is cut for what is no array of JSON values; it knows why.
func cutReading(body []byte) ([][]byte, error) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if _, err := dec.ReadToken(); err != nil {
		return nil, broken(err)
	}
	var items [][]byte
	for dec.PeekKind() != ']' {
		item, err := dec.ReadValue()
		if err != nil {
			return nil, broken(err)
		}
		end := dec.InputOffset()
		items = append(items, body[end-int64(len(item)):end:end])
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, broken(err)
	}
	if rest := bytes.TrimLeft(body[dec.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return nil, refuse("", "", errors.New("something follows the batch"))
	}
	if len(items) == 0 {
		return nil, refuse("", "", errors.New("the batch is empty"))
	}
	return items, nil
}

// DecodeItem reads an item among others. One that is JSON and cannot be read is
// kept as vendor.unknown; a proposal is refused, since nobody would get its
// verdict.
func (d *Dialect) DecodeItem(item []byte) dialect.Item {
	ev, err := decodeItem(item)
	switch {
	case err == nil && ev.Phase == event.Before:
		return dialect.Item{ID: ev.ID, Err: refuse(ev.Command, "imphase",
			errors.New("is before: a proposal must come alone, one request for one verdict"))}
	case err == nil:
		ev.Raw = event.Raw{Dialect: Name, ContentType: singleType, Body: bytes.Clone(item)}
		return dialect.Item{Event: ev, ID: ev.ID}
	case !isValid(item):
		return dialect.Item{Err: notJSON(item)}
	}
	ev = unreadable(item)
	return dialect.Item{Event: ev, ID: ev.ID, Err: err}
}

func isValid(item []byte) bool {
	return jsontext.Value(item).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// notJSON says where an item stops being JSON.
func notJSON(item []byte) error {
	dec := jsontext.NewDecoder(bytes.NewReader(item), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	de := &dialect.DecodeError{Dialect: Name, Err: errors.New("is not JSON")}
	if _, err := dec.ReadValue(); err == nil {
		de.Offset, de.Err = dec.InputOffset(), errors.New("something follows the JSON value")
	} else if se, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		de.Offset = se.ByteOffset
	}
	return de
}

// unreadable keeps an item that cannot be read in a batch of its own, for a single
// post of it would be refused.
func unreadable(item []byte) *event.Event {
	ev := unknown(item)
	ev.Raw = event.Raw{Dialect: Name, ContentType: batchType, Body: append(append([]byte{'['}, item...), ']')}
	return ev
}

// counts are the same in both forms of a report.
type counts struct {
	Accepted   int `json:"accepted"`
	Duplicates int `json:"duplicates"`
	Unknown    int `json:"unknown"`
	Refused    int `json:"refused"`
	// Omitted are counted above and not listed.
	Omitted int `json:"omitted,omitzero"`
}

// itemRun is a run of a batch, lineRun one of a stream. To is left out when it is
// one item.
type itemRun struct {
	Index int `json:"index"`
	outcome
}

type lineRun struct {
	Line int `json:"line"`
	outcome
}

type outcome struct {
	To     int            `json:"to,omitzero"`
	ID     string         `json:"id,omitzero"`
	Result dialect.Result `json:"result"`
	Error  string         `json:"error,omitzero"`
}

func outcomeOf(r dialect.Run) outcome {
	o := outcome{ID: r.ID, Result: r.Result, Error: r.Problem}
	if r.Last > r.First {
		o.To = r.Last
	}
	return o
}

// Report answers a batch with one object, and lines with lines: one for each run
// and a summary at the end.
func (d *Dialect) Report(req *dialect.Request, r *dialect.Report) dialect.Response {
	n := counts{Accepted: r.Accepted, Duplicates: r.Duplicates, Unknown: r.Unknown, Refused: r.Refused, Omitted: r.Omitted}
	if !d.Lines(req) {
		items := make([]itemRun, len(r.Runs))
		for i, run := range r.Runs {
			items[i] = itemRun{run.First, outcomeOf(run)}
		}
		return answer(r.Status, struct {
			counts
			Items []itemRun `json:"items"`
			Error *refusal  `json:"error,omitzero"`
		}{n, items, refusalOf(r)})
	}
	var body []byte
	line := func(v any) {
		text, err := dialect.Marshal(v)
		if err != nil { // numbers and strings always marshal
			return
		}
		body = append(append(body, text...), '\n')
	}
	for _, run := range r.Runs {
		line(&lineRun{run.First, outcomeOf(run)})
	}
	end := struct {
		Lines int `json:"lines"`
		counts
		Resume int      `json:"resume,omitzero"`
		Error  *refusal `json:"error,omitzero"`
	}{Lines: r.Settled(), counts: n, Resume: r.Resume, Error: refusalOf(r)}
	line(&end)
	return dialect.Response{Status: r.Status, ContentType: linesType, Body: body}
}

func refusalOf(r *dialect.Report) *refusal {
	if r.Err == nil {
		return nil
	}
	return &refusal{Status: r.Status, Message: r.Err.Error()}
}
