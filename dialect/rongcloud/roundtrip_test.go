package rongcloud_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/rongcloud"
	"github.com/imhook/imhook/event"
)

func TestSample_ReadsBackAsTheSameEvent(t *testing.T) {
	t.Parallel()
	d, r := rongcloud.New(), rand.New(rand.NewPCG(1, 2))
	for _, c := range d.Spec().Commands {
		seen := map[event.Type]bool{}
		for range 200 {
			req, err := d.Sample(c.Name, r, at)
			if err != nil {
				t.Fatal(err)
			}
			evs, err := d.Decode(&req)
			if err != nil || len(evs) != 1 {
				t.Fatalf("decoding %s: %d events, %v", req.Body, len(evs), err)
			}
			ev := evs[0]
			if !slices.Contains(c.Types, ev.Type) || ev.Command != c.Name {
				t.Fatalf("%s is a %s %s, which %s does not declare", req.Body, ev.Command, ev.Type, c.Name)
			}
			if !ev.Time.IsZero() && (ev.Time.After(at) || at.Sub(ev.Time) > time.Minute) {
				t.Fatalf("%s is of %v", req.Body, ev.Time)
			}
			seen[ev.Type] = true
			again, err := d.Encode(ev, toTarget(ev.Generation))
			if err != nil {
				t.Fatal(err)
			}
			back, err := d.Decode(&again[0])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(ev, back[0], cmpopts.IgnoreFields(event.Event{}, "Raw", "Dedupe")); diff != "" {
				t.Fatalf("%s (-was +is):\n%s", req.Body, diff)
			}
		}
		want := len(c.Types)
		if strings.HasSuffix(c.Name, ":pre_messaging") && !strings.HasPrefix(c.Name, "community") {
			want = 1 // only ultra groups have edits
		}
		if len(seen) != want {
			t.Errorf("%s: samples show %d of %d types", c.Name, len(seen), want)
		}
	}
	if _, err := d.Sample("nope", r, time.Now()); !errors.Is(err, dialect.ErrUnknownCommand) {
		t.Errorf("err = %v, want %v", err, dialect.ErrUnknownCommand)
	}
}

// The app key that Sample writes stands there once, so that the real one can be
// put in its place.
func TestSample_HoldsTheAppKeyOnlyWhereTheVendorWritesIt(t *testing.T) {
	t.Parallel()
	d := rongcloud.New()
	key := d.Spec().Credentials[0].Sample
	for _, c := range d.Spec().Commands {
		req, err := d.Sample(c.Name, rand.New(rand.NewPCG(3, 4)), at)
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		if c.Phase == event.Before || c.Name == "audit_result" {
			want = 1
		}
		if got := strings.Count(string(req.Body), key); got != want {
			t.Errorf("%s: %d times, want %d: %s", c.Name, got, want, req.Body)
		}
	}
}

// What a content holds besides the canonical fields goes from one generation to the
// other, whose contents are the same.
func TestEncode_ContentSurvivesTheOtherGeneration(t *testing.T) {
	t.Parallel()
	const content = `{"content":"hi","extra":"e","user":{"id":"ann","name":"Ann"},"burn":5}`
	ev := read(t, "/message_sync", form("fromUserId", "ann", "toUserId", "g1", "objectName", "RC:TxtMsg", "content", content,
		"channelType", "GROUP", "msgTimestamp", "1795200000123", "msgUID", "M1", "sensitiveType", "0", "source", "PC", "more", "x"))
	reqs, err := rongcloud.New().Encode(ev, toTarget("nexconn"))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Data []struct {
			Content string `json:"content"`
			More    string `json:"more"`
		} `json:"data"`
	}
	if err := json.Unmarshal(reqs[0].Body, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Data) != 1 || got.Data[0].Content != content || got.Data[0].More != "" {
		t.Errorf("%s", reqs[0].Body)
	}
}

// The two generations say the same of what both can say.
func TestEncode_FromOneGenerationToTheOther(t *testing.T) {
	t.Parallel()
	d := rongcloud.New()
	for from, to := range map[string]string{
		"message:send": "/message_sync", "user:connection_status": "/online_status", "user:activation_state": "/user_deactivation",
		"group_channel:pre_messaging": "/message_callback",
	} {
		req, err := d.Sample(from, rand.New(rand.NewPCG(5, 6)), at)
		if err != nil {
			t.Fatal(err)
		}
		evs, err := d.Decode(&req)
		if err != nil {
			t.Fatal(err)
		}
		reqs, err := d.Encode(evs[0], toTarget("v3"))
		if err != nil || len(reqs) != 1 || reqs[0].Path != to {
			t.Fatalf("%s: %+v, %v", from, reqs, err)
		}
		old, err := d.Decode(&reqs[0])
		if err != nil {
			t.Fatal(err)
		}
		ignore := cmpopts.IgnoreFields(event.Event{}, "Raw", "Dedupe", "Command", "Generation", "Vendor")
		if diff := cmp.Diff(evs[0], old[0], ignore); diff != "" {
			t.Errorf("%s (-nexconn +v3):\n%s", from, diff)
		}
	}
}
