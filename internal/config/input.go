package config

import (
	"crypto/sha256"
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
// file that came or went has changed. A nil readFile is os.ReadFile.
func (i Input) Changed(readFile func(name string) ([]byte, error)) bool {
	if readFile == nil {
		readFile = os.ReadFile
	}
	now := Input{Path: i.Path}
	if b, err := readFile(i.Path); err == nil {
		now = NewInput(i.Path, b)
	}
	return now != i
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
