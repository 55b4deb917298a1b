package cloudevents_test

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/event"
)

func TestBulk_ItemsAreWhatDecodeReadsAndKeepNothing(t *testing.T) {
	t.Parallel()
	d := cloudevents.New()
	items := []string{
		written("user.online", `,"data":{"user":{"id":"u1"},"vendor":{"a":[1,2]}}`),
		written("message.send", `,"data":{"conversation":{"kind":"group","id":"g"},"message":{"text":"hello"}}`),
		`{"specversion":"1.0","id":"2"}`, `7`, `{"specversion":"1.0","id":"x","source":"/s","type":"com.example.thing","data":{"k":"v"}}`,
	}
	want, err := d.Decode(&dialect.Request{Body: []byte("[" + strings.Join(items, " , ") + "]")})
	if err != nil {
		t.Fatal(err)
	}
	cut, err := d.Items(&dialect.Request{Body: []byte(" [" + strings.Join(items, " ,\n ") + "]\n")})
	if err != nil || len(cut) != len(items) {
		t.Fatalf("cut into %d, %v", len(cut), err)
	}
	var got []*event.Event
	for i, item := range cut {
		if string(item) != items[i] {
			t.Errorf("item %d is %s", i, item)
		}
		line := bytes.Clone(item)
		it := d.DecodeItem(line)
		for k := range line { // it is used again
			line[k] = 'x'
		}
		if it.Event == nil {
			t.Fatalf("%s is refused: %v", items[i], it.Err)
		}
		if readable := i != 2 && i != 3; (it.Err == nil) != readable {
			t.Errorf("%s: err = %v", items[i], it.Err)
		}
		got = append(got, it.Event)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-Decode +DecodeItem):\n%s", diff)
	}
}

func TestBulk_WhatIsABatchAndWhatAreLines(t *testing.T) {
	t.Parallel()
	d := cloudevents.New()
	binary := http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Type": {"im.user.online"}}
	for _, tt := range []struct {
		req   dialect.Request
		lines bool
		items int
	}{
		{dialect.Request{Body: []byte(`{}`)}, false, 0},
		{dialect.Request{Body: []byte(" \n[1,2]")}, false, 2},
		{dialect.Request{ContentType: "application/cloudevents+json", Body: []byte("[1]")}, false, 1},
		{dialect.Request{ContentType: "application/json", Header: binary, Body: []byte("[1]")}, false, 0},
		{dialect.Request{ContentType: "application/cloudevents-batch+json", Header: binary, Body: []byte("[1]")}, false, 1},
		{dialect.Request{ContentType: "application/x-ndjson"}, true, 0},
		{dialect.Request{ContentType: "Application/JSONL ; charset=utf-8"}, true, 0},
		{dialect.Request{ContentType: "application/x-ndjson", Header: binary}, false, 0},
		{dialect.Request{}, false, 0},
	} {
		items, err := d.Items(&tt.req)
		if lines := d.Lines(&tt.req); lines != tt.lines || len(items) != tt.items || err != nil {
			t.Errorf("%s %s: lines %v, %d items, %v", tt.req.ContentType, tt.req.Body, lines, len(items), err)
		}
	}
	for _, body := range []string{"[", "[1", "[1,]", "[]", "[1][2]", "[1]x"} {
		_, err := d.Items(&dialect.Request{Body: []byte(body)})
		if _, ok := errors.AsType[*dialect.DecodeError](err); !ok {
			t.Errorf("%s: %v, want a *DecodeError", body, err)
		}
	}
}

func TestReport_BothForms(t *testing.T) {
	t.Parallel()
	d := cloudevents.New()
	r := dialect.Report{
		Status: 503, Accepted: 6, Unknown: 1, Duplicates: 1, Refused: 1, Omitted: 1, Resume: 11, Err: errors.New("journal is full"),
		Runs: []dialect.Run{
			{First: 1, Last: 5, Result: dialect.ItemAccepted},
			{First: 6, Last: 6, ID: `a"b`, Result: dialect.ItemDuplicate},
			{First: 8, Last: 8, Result: dialect.ItemRefused, Problem: "is <not> JSON"},
		},
	}
	lines := d.Report(&dialect.Request{ContentType: "application/x-ndjson"}, &r)
	want := `{"line":1,"to":5,"result":"accepted"}
{"line":6,"id":"a\"b","result":"duplicate"}
{"line":8,"result":"refused","error":"is <not> JSON"}
{"lines":8,"accepted":6,"duplicates":1,"unknown":1,"refused":1,"omitted":1,"resume":11,"error":{"status":503,"message":"journal is full"}}
`
	if lines.Status != 503 || lines.ContentType != "application/x-ndjson" || string(lines.Body) != want {
		t.Errorf("lines are answered with %d %s\n%s", lines.Status, lines.ContentType, lines.Body)
	}
	batch := d.Report(&dialect.Request{ContentType: "application/json"}, &dialect.Report{Status: 200, Accepted: 2, Runs: []dialect.Run{{First: 0, Last: 1, Result: dialect.ItemAccepted}}})
	want = `{"accepted":2,"duplicates":0,"unknown":0,"refused":0,"items":[{"index":0,"to":1,"result":"accepted"}]}`
	if batch.Status != 200 || batch.ContentType != "application/json" || string(batch.Body) != want {
		t.Errorf("a batch is answered with %d %s\n%s", batch.Status, batch.ContentType, batch.Body)
	}
}

// What is one line in the answer stays one line, whatever ids hold.
func TestReport_IDsCannotBreakLines(t *testing.T) {
	t.Parallel()
	res := cloudevents.New().Report(&dialect.Request{ContentType: "application/x-ndjson"}, &dialect.Report{
		Status: 200, Refused: 1, Runs: []dialect.Run{{First: 1, Last: 1, ID: "a\nb\r\xff", Result: dialect.ItemRefused, Problem: "c\nd"}},
	})
	if n := bytes.Count(res.Body, []byte("\n")); n != 2 {
		t.Errorf("%d lines: %s", n, res.Body)
	}
}
