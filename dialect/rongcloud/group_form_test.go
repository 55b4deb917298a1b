package rongcloud_test

import (
	"errors"
	"net/url"
	"testing"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/rongcloud"
	"github.com/imhook/imhook/event"
)

// The tables of the older group pages have a form with the array in one field, and
// groupname with a small n.
func TestDecode_GroupFormsOfOlderPages(t *testing.T) {
	t.Parallel()
	const formType = "application/x-www-form-urlencoded"
	const one, two = `{"groupId":"g1","groupname":"Rowers & Co","time":1574476797772}`, `{"groupId":"g2","groupName":"b","time":1574476797772}`
	d := rongcloud.New()
	evs, err := d.Decode(&dialect.Request{Path: "/group_profile", ContentType: formType, Body: []byte("profiles=" + url.QueryEscape("["+one+", 7 ,"+two+"]"))})
	if err != nil || len(evs) != 3 {
		t.Fatalf("%d events, %v", len(evs), err)
	}
	for i, want := range []struct {
		t    event.Type
		lane event.Lane
		raw  string
	}{{event.GroupUpdate, "group:g1", "[" + one + "]"}, {event.VendorUnknown, "system:", "[7]"}, {event.GroupUpdate, "group:g2", "[" + two + "]"}} {
		ev := evs[i]
		if ev.Type != want.t || ev.Lane != want.lane || string(ev.Raw.Body) != want.raw || ev.Raw.ContentType != "application/json" {
			t.Errorf("%d: a %s in %s with %s %s", i, ev.Type, ev.Lane, ev.Raw.ContentType, ev.Raw.Body)
		}
	}
	if got := evs[0].Group.Name; got != "Rowers & Co" || evs[0].Vendor != nil {
		t.Errorf("name %q, vendor %s", got, evs[0].Vendor)
	}
	for _, body := range []string{"profiles=", "profiles={}", "profiles=%5B", "profiles=%zz", "profiles=7"} {
		_, err := d.Decode(&dialect.Request{Path: "/group_operation", ContentType: formType, Body: []byte(body)})
		if _, ok := errors.AsType[*dialect.DecodeError](err); !ok {
			t.Errorf("%s: err = %v, want a DecodeError", body, err)
		}
	}
}
