package wildfirechat_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/event"
)

var now = time.Date(2026, 11, 20, 8, 30, 0, 123e6, time.UTC)

// unwired leaves out what differs between two wire forms of one event.
var unwired = cmpopts.IgnoreFields(event.Event{}, "Raw")

// decodeOne reads a request that must be one event.
func decodeOne(tb testing.TB, d dialect.Dialect, path, body string) *event.Event {
	tb.Helper()
	evs, err := d.Decode(&dialect.Request{Path: path, Body: []byte(body)})
	if err != nil {
		tb.Fatalf("decoding %s %s: %v", path, body, err)
	}
	if len(evs) != 1 {
		tb.Fatalf("decoding %s gave %d events, want 1", path, len(evs))
	}
	return evs[0]
}

// again sends ev through the canonical form back to an event.
func again(tb testing.TB, d dialect.Dialect, ev *event.Event, generation string) *event.Event {
	tb.Helper()
	reqs, err := d.Encode(ev, dialect.Target{Generation: generation, Now: now})
	if err != nil {
		tb.Fatalf("encoding %s %s: %v", ev.Command, ev.Raw.Body, err)
	}
	if len(reqs) != 1 {
		tb.Fatalf("encoding %s gave %d requests, want 1", ev.Command, len(reqs))
	}
	return decodeOne(tb, d, reqs[0].Path, string(reqs[0].Body))
}

func TestSample_ReadsBackAsTheSameEventOfItsCommand(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	for _, c := range d.Spec().Commands {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			seen := map[event.Type]bool{}
			for seed := range uint64(200) {
				req, err := d.Sample(c.Name, rand.New(rand.NewPCG(seed, 1)), now)
				if err != nil {
					t.Fatal(err)
				}
				ev := decodeOne(t, d, req.Path, string(req.Body))
				if ev.Command != c.Name || ev.Phase != c.Phase || !slices.Contains(c.Types, ev.Type) {
					t.Fatalf("sample %s reads as %s %s %s", req.Body, ev.Phase, ev.Command, ev.Type)
				}
				seen[ev.Type] = true
				if !ev.Time.IsZero() && (ev.Time.After(now) || ev.Time.Before(now.Add(-2*time.Minute))) {
					t.Fatalf("sample is of %v, want about %v", ev.Time, now)
				}
				if diff := cmp.Diff(ev, again(t, d, ev, ""), unwired); diff != "" {
					t.Fatalf("%s through the canonical form (-was +is):\n%s", req.Body, diff)
				}
				if p := d.Path(ev); p != req.Path {
					t.Fatalf("Path = %q, want %q as the sample", p, req.Path)
				}
			}
			for _, typ := range c.Types {
				if !seen[typ] {
					t.Errorf("no sample is a %s", typ)
				}
			}
		})
	}
}

func TestSample_UnknownCommandIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := wildfirechat.New().Sample("no_such", rand.New(rand.NewPCG(1, 1)), now); !isUnknownCommand(err) {
		t.Errorf("Sample(no_such) = %v, want ErrUnknownCommand", err)
	}
}

// TestRoundTrip_LosesNothing puts keys of no vendor into every object of a
// sample, and values that have no canonical place.
func TestRoundTrip_LosesNothing(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	for _, c := range d.Spec().Commands {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(100) {
				req, err := d.Sample(c.Name, rand.New(rand.NewPCG(seed, 2)), now)
				if err != nil {
					t.Fatal(err)
				}
				body := strings.ReplaceAll(string(req.Body), `{`, `{"x-unknown":{"deep":[1,9007199254740993]},`)
				body = strings.ReplaceAll(body, `\"x-unknown\"`, `x`) // inside strings braces are content
				if !jsontext.Value(body).IsValid() {
					body = `{"x-unknown":{"deep":[1,9007199254740993]},` + string(req.Body)[1:]
				}
				ev := decodeOne(t, d, req.Path, body)
				if !strings.Contains(string(ev.Vendor), "9007199254740993") {
					t.Fatalf("vendor fields of %s are %s", body, ev.Vendor)
				}
				if diff := cmp.Diff(ev, again(t, d, ev, ""), unwired); diff != "" {
					t.Fatalf("%s through the canonical form (-was +is):\n%s", body, diff)
				}
			}
		})
	}
}

func isUnknownCommand(err error) bool { return errors.Is(err, dialect.ErrUnknownCommand) }

// odd are values that a field of any type may have, or that it must not have.
var odd = []string{
	`null`, `""`, `"0"`, `"1"`, `"x|y%"`, `0`, `1`, `2`, `3`, `4`, `5`, `7`, `99`, `1001`, `-1`, `128`, `9007199254740993`,
	`253402300800000`, `1.5`, `true`, `false`, `[]`, `[""]`, `["ada","bo"]`, `{}`, `{"a":null}`, `[{"x":1}]`,
}

// strays are keys of some body that another does not expect.
var strays = []string{
	"userId", "operatorId", "memberId", "memberIds", "status", "type", "value", "line", "toUsers", "toRobotId", "client", "extra",
	"timestamp", "persistFlag", "customState", "sessions", "groupInfo", "mute", "roomId", "serverId", "video", "kicked", "rejoin",
	"screenSharing", "id2", "deviceId", "update_dt", "updateDt", "gender", "deleted", "target_id", "content", "base64edData", "conv",
}

// mutate changes one place of a JSON tree: another value, no key at all, or one
// more.
func mutate(r *rand.Rand, v any) any {
	switch v := v.(type) {
	case map[string]any:
		if keys := slices.Sorted(maps.Keys(v)); len(keys) > 0 && r.IntN(12) > 0 {
			key := keys[r.IntN(len(keys))]
			switch r.IntN(6) {
			case 0:
				delete(v, key)
			case 1:
				v[strays[r.IntN(len(strays))]] = json.RawMessage(odd[r.IntN(len(odd))])
			default:
				v[key] = mutate(r, v[key])
			}
			return v
		}
	case []any:
		if len(v) > 0 && r.IntN(4) > 0 {
			i := r.IntN(len(v))
			v[i] = mutate(r, v[i])
			return v
		}
	}
	return json.RawMessage(odd[r.IntN(len(odd))])
}

func TestRoundTrip_HoldsForOddValues(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	for _, c := range d.Spec().Commands {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(11, 13))
			taken := 0
			for range 1000 {
				req, err := d.Sample(c.Name, r, now)
				if err != nil {
					t.Fatal(err)
				}
				var tree any
				dec := json.NewDecoder(bytes.NewReader(req.Body))
				dec.UseNumber()
				if err := dec.Decode(&tree); err != nil {
					t.Fatal(err)
				}
				for range 1 + r.IntN(3) {
					tree = mutate(r, tree)
				}
				body, err := json.Marshal(tree)
				if err != nil {
					t.Fatal(err)
				}
				taken += keeps(t, d, req.Path, string(body))
			}
			if taken < 100 {
				t.Errorf("only %d of 1000 odd bodies were taken: the test says little", taken)
			}
		})
	}
}

// keeps fails when a body that is taken loses something on its way through the
// canonical form, in the generation that it came in; 1 when it was taken.
func keeps(tb testing.TB, d dialect.Dialect, path, body string) int {
	tb.Helper()
	evs, err := d.Decode(&dialect.Request{Path: path, Body: []byte(body)})
	if err != nil || evs[0].Type == event.VendorUnknown {
		return 0
	}
	ev := evs[0]
	reqs, err := d.Encode(ev, dialect.Target{Generation: ev.Generation, Now: now})
	if err != nil {
		tb.Fatalf("encoding %s %s: %v", path, body, err)
	}
	if len(reqs) != 1 {
		tb.Fatalf("encoding %s %s gave %d requests, want 1", path, body, len(reqs))
	}
	if diff := cmp.Diff(ev, decodeOne(tb, d, reqs[0].Path, string(reqs[0].Body)), unwired); diff != "" {
		tb.Fatalf("%s %s through the canonical form as\n%s %s\n(-was +is):\n%s", path, body, reqs[0].Path, reqs[0].Body, diff)
	}
	return 1
}

// FuzzRoundTrip looks for a body that loses something on its way through the
// canonical form, in the generation that it came in. It is seeded with samples of
// every command.
func FuzzRoundTrip(f *testing.F) {
	d := wildfirechat.New()
	for _, c := range d.Spec().Commands {
		for seed := range uint64(6) {
			req, err := d.Sample(c.Name, rand.New(rand.NewPCG(seed, 3)), now)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(req.Path, string(req.Body))
		}
	}
	for _, tt := range decodeCases {
		f.Add(tt.path, tt.body)
	}
	f.Fuzz(func(t *testing.T, path, body string) { keeps(t, d, path, body) })
}
