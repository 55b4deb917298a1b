package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/internal/app"
	"github.com/imhook/imhook/internal/config"
)

// volume is a directory as Kubernetes mounts secrets: the files are links through
// one that is swapped, so that all of them change at once.
type volume struct {
	t   *testing.T
	dir string
	n   int
}

func (v *volume) swap(files map[string]string) {
	v.t.Helper()
	v.n++
	version := fmt.Sprintf("..%d", v.n)
	if err := os.Mkdir(filepath.Join(v.dir, version), 0o700); err != nil {
		v.t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(v.dir, version, name), []byte(text), 0o600); err != nil {
			v.t.Fatal(err)
		}
		if v.n == 1 {
			if err := os.Symlink(filepath.Join("..data", name), filepath.Join(v.dir, name)); err != nil {
				v.t.Fatal(err)
			}
		}
	}
	if err := os.Symlink(version, filepath.Join(v.dir, "..new")); err != nil {
		v.t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(v.dir, "..new"), filepath.Join(v.dir, "..data")); err != nil {
		v.t.Fatal(err)
	}
}

// TestFollow_SwappedLinksBrokenFilesAndTheirRepair: nobody sends a signal.
func TestFollow_SwappedLinksBrokenFilesAndTheirRepair(t *testing.T) {
	t.Parallel()
	v := &volume{t: t, dir: t.TempDir()}
	data := t.TempDir()
	yaml := func(source, more string) string {
		return fmt.Sprintf("listen: 127.0.0.1:0\ndata_dir: %q\napps:\n  - name: shop\n    sources:\n      - {name: %s, dialect: cloudevents, credentials: {path_token_file: token}}\n%s", data, source, more)
	}
	file := filepath.Join(v.dir, "imhook.yaml")
	v.swap(map[string]string{"imhook.yaml": yaml("one", ""), "token": "the-first-token-0"})
	registry := builtin.New()
	load := func() (*config.Config, error) { return config.Load(file, config.Options{Registry: registry}) }
	c, err := load()
	if err != nil {
		t.Fatal(err)
	}
	var said lockedLog
	a, err := app.New(app.Config{Config: c, Registry: registry, Log: slog.New(slog.NewTextHandler(&said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer stop(t, a)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.Follow(ctx, load, nil)
	}()
	defer func() { cancel(); <-ended }()
	n := 0
	opens := func(path string) bool {
		n++
		status, _ := ask(t, "http://"+a.Addr()+"/in/"+path, streamed(n))
		return status == 200
	}
	if !opens("one/the-first-token-0") || opens("one/the-second-token") {
		t.Fatal("the first configuration is not in force")
	}

	v.swap(map[string]string{"imhook.yaml": yaml("one", ""), "token": "the-second-token"})
	await(t, "the token was swapped", func() bool { return opens("one/the-second-token") })
	if opens("one/the-first-token-0") {
		t.Error("the token that was replaced opens the source")
	}

	// Half of a file, and a file that names nothing: the one before goes on.
	v.swap(map[string]string{"imhook.yaml": yaml("two", "    endpoints:\n      - {name: half, bui"), "token": "the-second-token"})
	await(t, "half a file is refused", func() bool { return strings.Contains(said.String(), "configuration refused") })
	v.swap(map[string]string{"imhook.yaml": yaml("two", "")}) // without its token
	await(t, "a missing token is refused", func() bool { return strings.Contains(said.String(), "cannot be read") })
	if !opens("one/the-second-token") || opens("two/the-second-token") {
		t.Error("a configuration that was refused is in force")
	}
	_, metrics := ask(t, "http://"+a.Addr()+"/metrics", "")
	if !strings.Contains(metrics, "imhook_config_current 0") {
		t.Error("metrics do not say that the files hold something else than what is in force")
	}

	v.swap(map[string]string{"imhook.yaml": yaml("two", ""), "token": "the-third-token-0"})
	await(t, "the repair is applied", func() bool { return opens("two/the-third-token-0") })
	if opens("one/the-second-token") {
		t.Error("a source that was removed is open")
	}
	for _, secret := range []string{"the-first-token", "the-second-token", "the-third-token"} {
		if strings.Contains(said.String(), secret) {
			t.Errorf("the log has the token %s: %s", secret, said.String())
		}
	}
}
