//go:build unix

package journal

import (
	"context"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// The data directory holds what people wrote to each other.
func TestOpen_DataDirectoryIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "data")
	j := open(t, dir)
	if _, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(0)}}); err != nil {
		t.Fatal(err)
	}
	if err := j.Save(t.Context(), "k", nil); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %s", path, info.Mode())
		}
		files++
		return nil
	})
	if err != nil || files < 8 {
		t.Fatalf("%d files, %v", files, err)
	}
}
