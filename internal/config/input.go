package config

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/imhook/imhook/dialect"
)

// Input is a file that a configuration was read from: the YAML, a secret's file, a
// certificate.
type Input struct {
	// Path as it was opened.
	Path string
	// Sum tells one content from another; empty means that the file could not be
	// read. It never prints: the content may be a short secret.
	Sum dialect.Secret
}

// NewInput returns the input for content at hand.
func NewInput(path string, content []byte) Input {
	sum := sha256.Sum256(content)
	return Input{Path: path, Sum: dialect.Secret(sum[:])}
}

// Changed reads the file again and reports whether it holds something else now. A
// file that came or went has changed; a pipe never has, it can be read once.
func (i Input) Changed() bool {
	if info, err := os.Stat(i.Path); err == nil && !info.Mode().IsRegular() {
		return false
	}
	return i.Again() != i
}

// Again is the file as it is now.
func (i Input) Again() Input {
	b, err := readRegular(i.Path)
	if err != nil {
		return Input{Path: i.Path}
	}
	return NewInput(i.Path, b)
}

// maxFile bounds a file in bytes: a configuration and what it names are small.
const maxFile = 16 << 20

// readRegular reads a file that ends, which a device does not, and that does not
// make its reader wait, as a pipe does: a configuration may come from somebody who
// only asks what it would change.
func readRegular(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("open %s: it is no file but a %s", name, kindOfFile(info.Mode()))
	}
	return readBounded(name)
}

func kindOfFile(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "directory"
	case mode&fs.ModeNamedPipe != 0:
		return "pipe"
	}
	return "device"
}

// readBounded reads a file of at most maxFile bytes.
func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("read %s: it is larger than %d MiB", name, maxFile>>20)
	}
	return b, err
}

// Inputs returns the files that c was read from, the YAML first, each once. What
// was not read from a file has none.
func (c *Config) Inputs() []Input { return c.read.inputs }

// content is what a file held when it was first read.
type content struct {
	data []byte
	err  error
}

// path is where a file is that the configuration names.
func (l *loader) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(l.dir, name)
}

// open reads a file of the configuration, each only once: two keys that name one
// file see the same.
func (l *loader) open(path string) ([]byte, error) {
	if c, ok := l.files[path]; ok {
		return c.data, c.err
	}
	b, err := l.ReadFile(path)
	l.files[path] = content{b, err}
	in := Input{Path: path}
	if err == nil {
		in = NewInput(path, b)
	}
	l.inputs = append(l.inputs, in)
	return b, err
}
