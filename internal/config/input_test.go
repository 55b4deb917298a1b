package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/internal/config"
)

func paths(inputs []config.Input) []string {
	var all []string
	for _, i := range inputs {
		all = append(all, filepath.ToSlash(i.Path))
	}
	return all
}

func TestInputs_AreTheFilesThatWereRead(t *testing.T) {
	t.Parallel()
	want := []string{
		"testdata/imhook.yaml", "testdata/server.crt", "testdata/server.key", "testdata/ca.crt", "testdata/secret",
		"testdata/client.crt", "testdata/client.key",
	}
	if diff := cmp.Diff(want, paths(parse(t, whole).Inputs())); diff != "" {
		t.Errorf("Inputs (-want +got):\n%s", diff)
	}
	if in := config.Sandbox(registry(), "", "").Inputs(); len(in) > 0 {
		t.Errorf("the sandbox was read from %v", in)
	}
}

func TestInputs_ChangeWhenTheirFilesDo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, secret := filepath.Join(dir, "imhook.yaml"), filepath.Join(dir, "token")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	changed := func(inputs []config.Input) []string {
		var all []string
		for _, i := range inputs {
			if i.Changed() {
				all = append(all, filepath.Base(i.Path))
			}
		}
		return all
	}
	load := func() (*config.Config, error) { return config.Load(file, config.Options{Registry: registry()}) }

	write(file, "admin: {token_file: token}\napps: [{name: shop}]\n")
	_, err := load()
	e, ok := errors.AsType[*config.Error](err)
	if !ok || len(e.Inputs) != 2 || len(changed(e.Inputs)) > 0 {
		t.Fatalf("Load without the secret's file = %v, want its two inputs, unchanged", err)
	}
	write(secret, "one")
	if diff := cmp.Diff([]string{"token"}, changed(e.Inputs)); diff != "" {
		t.Errorf("after the file came (-want +got):\n%s", diff)
	}

	c, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if got := changed(c.Inputs()); got != nil {
		t.Errorf("%v changed by itself", got)
	}
	write(secret, "two")
	if diff := cmp.Diff([]string{"token"}, changed(c.Inputs())); diff != "" {
		t.Errorf("after the secret changed (-want +got):\n%s", diff)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"imhook.yaml", "token"}, changed(c.Inputs())); diff != "" {
		t.Errorf("after the file went (-want +got):\n%s", diff)
	}
}
