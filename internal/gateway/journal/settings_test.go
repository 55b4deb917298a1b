package journal

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/natstest"
)

// put changes a setting as whoever has just read them does.
func put(t *testing.T, s *Settings, key, value string) {
	t.Helper()
	_, revision, err := s.All(t.Context())
	if err == nil {
		_, err = s.Put(t.Context(), revision, key, []byte(value))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func settingsOf(t *testing.T, s *Settings) map[string]string {
	t.Helper()
	values, _, err := s.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for k, v := range values {
		all[k] = string(v)
	}
	return all
}

func TestSettings_SurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, err := Open(t.Context(), Config{Dir: dir, Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := j.Settings()
	if got := settingsOf(t, s); len(got) != 0 {
		t.Errorf("a new journal has the settings %q", got)
	}
	put(t, s, "a/b", "one")
	put(t, s, "gone", "two")
	put(t, s, "a/b", "three")
	put(t, s, "gone", "")
	if info, err := s.stream.Info(t.Context()); err != nil || info.State.Msgs != 1 {
		t.Errorf("%d messages are kept for one setting, %v", info.State.Msgs, err)
	}
	if revision, err := s.Revision(t.Context()); err != nil || revision != 4 {
		t.Errorf("revision = %d, %v; want 4 after four changes", revision, err)
	}
	if err := j.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a/b": "three"}, settingsOf(t, open(t, dir).Settings())); diff != "" {
		t.Errorf("settings after a restart (-want +got):\n%s", diff)
	}
}

func TestSettings_OneOfTwoWinsAndTheOtherIsTold(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir()).Settings()
	_, revision, err := s.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	next, err := s.Put(t.Context(), revision, "a", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), revision, "b", []byte("2")); !errors.Is(err, ErrSettingChanged) {
		t.Errorf("a change of what was read before = %v, want that it changed", err)
	}
	if now, err := s.Revision(t.Context()); err != nil || now != next {
		t.Errorf("revision = %d, %v; want %d", now, err, next)
	}
	if _, err := s.Put(t.Context(), next, "large", make([]byte, MaxSetting+1)); !errors.Is(err, gateway.ErrTooLarge) {
		t.Errorf("a large value = %v, want that it is too large", err)
	}
	if diff := cmp.Diff(map[string]string{"a": "1"}, settingsOf(t, s)); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

// Every gateway of a journal may set something, not only the one that writes pages.
func TestSettings_MembersSetThemToo(t *testing.T) {
	t.Parallel()
	url := natstest.Server(t).URL()
	writer, member := joinAt(t, url).Settings(), joinAt(t, url).Settings()
	put(t, writer, "a", "1")
	put(t, member, "b", "2")
	want := map[string]string{"a": "1", "b": "2"}
	if diff := cmp.Diff(want, settingsOf(t, writer)); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestCopy_TakesSettingsAlong(t *testing.T) {
	t.Parallel()
	from, to := t.TempDir(), natstest.Server(t).URL()
	j, err := Open(t.Context(), Config{Dir: from, Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	put(t, j.Settings(), "token/a", "1")
	if err := j.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	copyAll(t, Config{Dir: from, Reserve: 1}, Config{URL: to})
	if diff := cmp.Diff(map[string]string{"token/a": "1"}, settingsOf(t, openAt(t, to).Settings())); diff != "" {
		t.Errorf("settings of the copy (-want +got):\n%s", diff)
	}
}
