package dialect_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// named is a dialect of which only name and decoder are asked for.
type named struct {
	dialect.Dialect
	spec   dialect.Spec
	decode func(*dialect.Request) ([]*event.Event, error)
}

func (n *named) Spec() *dialect.Spec { return &n.spec }

func (n *named) Decode(req *dialect.Request) ([]*event.Event, error) { return n.decode(req) }

func newNamed(name string) *named { return &named{spec: dialect.Spec{Name: name}} }

func TestRegistry_KeepsTheOrder(t *testing.T) {
	t.Parallel()
	b, a := newNamed("b"), newNamed("a")
	r := dialect.NewRegistry(b, a)
	if got := r.Names(); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("Names = %q", got)
	}
	if all := r.All(); len(all) != 2 || all[0] != dialect.Dialect(b) || all[1] != dialect.Dialect(a) {
		t.Errorf("All = %v", all)
	}
	if got, err := r.Get("a"); err != nil || got != dialect.Dialect(a) {
		t.Errorf("Get(a) = %v, %v", got, err)
	}
	r.Names()[0] = "changed"
	if r.Names()[0] != "b" {
		t.Error("the caller's change reached the registry")
	}
	_, err := r.Get("c")
	if err == nil || !strings.Contains(err.Error(), `"c"`) || !strings.Contains(err.Error(), "b, a") {
		t.Errorf("Get(c): %v, want the name and those that there are", err)
	}
}

func TestRegistry_TwoOfOneNamePanic(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	dialect.NewRegistry(newNamed("a"), newNamed("a"))
}

func TestRestore_EnvelopeWinsOverWhatIsRead(t *testing.T) {
	t.Parallel()
	d := newNamed("d")
	d.decode = func(req *dialect.Request) ([]*event.Event, error) {
		switch string(req.Body) {
		case "broken":
			return nil, &dialect.DecodeError{Dialect: "d", Err: errors.New("broken")}
		case "two":
			return []*event.Event{{}, {}}, nil
		}
		return []*event.Event{{
			Type: event.MessageSend, Phase: event.After, Lane: "group:read", Message: &event.Message{Text: string(req.Body)},
			Raw: event.Raw{Dialect: "d", Body: req.Body},
		}}, nil
	}
	r := dialect.NewRegistry(d)
	at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	kept := &event.Event{
		ID: "e", App: "a", Source: "s", Type: event.MessageSend, Phase: event.After, Time: at, Lane: "group:kept", Trace: "t",
		Raw: event.Raw{Dialect: "d", Path: "/p", Query: "q=1", ContentType: "text/plain", Body: []byte("hello")},
	}
	got, err := r.Restore(kept)
	if err != nil {
		t.Fatal(err)
	}
	want := *kept
	want.Message = &event.Message{Text: "hello"}
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	if again, err := r.Restore(got); again != got || err != nil {
		t.Errorf("an event with its bodies came back as another: %v, %v", again, err)
	}

	for _, body := range []string{"broken", "two"} {
		kept.Raw.Body = []byte(body)
		if got, err := r.Restore(kept); err == nil || got != nil || !strings.Contains(err.Error(), "event e ") {
			t.Errorf("%s: %v, %v; want an error that names the event", body, got, err)
		}
	}
	kept.Raw.Dialect = "gone"
	if _, err := r.Restore(kept); err == nil {
		t.Error("no error for a dialect that there is not")
	}
}

func TestSpec_FindsCommands(t *testing.T) {
	t.Parallel()
	s := dialect.Spec{Commands: []dialect.Command{{Name: "a"}, {Name: "b", Path: "/b"}}}
	if c, ok := s.Command("b"); !ok || c.Path != "/b" {
		t.Errorf("Command(b) = %+v, %t", c, ok)
	}
	if _, ok := s.Command("c"); ok {
		t.Error("Command(c) was found")
	}
	if c, ok := s.PathCommand("/b"); !ok || c.Name != "b" {
		t.Errorf("PathCommand(/b) = %+v, %t", c, ok)
	}
	if c, ok := s.PathCommand(""); ok {
		t.Errorf("PathCommand of no path = %+v: a command without a path is not found by it", c)
	}
}

func TestDecodeError_SaysWhere(t *testing.T) {
	t.Parallel()
	cause := errors.New("is missing")
	for _, tt := range []struct {
		err  dialect.DecodeError
		want string
	}{
		{dialect.DecodeError{Dialect: "d", Err: cause}, "d: is missing"},
		{dialect.DecodeError{Dialect: "d", Command: "c", Field: "a.b", Offset: 7, Err: cause}, "d c: field a.b (byte 7): is missing"},
	} {
		if got := tt.err.Error(); got != tt.want || !errors.Is(&tt.err, cause) {
			t.Errorf("%q, want %q that wraps its cause", got, tt.want)
		}
	}
	if err := dialect.Untranslatable("%s of %d", "event", 5); !errors.Is(err, dialect.ErrUntranslatable) || !strings.Contains(err.Error(), "event of 5") {
		t.Errorf("Untranslatable: %v", err)
	}
}
