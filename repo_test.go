package imhook_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// The tree tests itself: what ARCHITECTURE.md says about layout, comments and
// imports fails here when it stops being true.

const module = "github.com/imhook/imhook"

// goFile is one parsed Go file.
type goFile struct {
	path    string // with slashes, from the root
	dir     string
	test    bool
	ast     *ast.File
	text    string
	imports []string
}

func goFiles(t *testing.T) []goFile {
	t.Helper()
	files, err := parsedFiles()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 50 {
		t.Fatalf("found %d Go files: the walk is broken", len(files))
	}
	return files
}

// parsedFiles parses the tree, once for all tests.
var parsedFiles = sync.OnceValues(func() ([]goFile, error) {
	var files []goFile
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		g := goFile{path: filepath.ToSlash(path), dir: filepath.ToSlash(filepath.Dir(path)), test: strings.HasSuffix(name, "_test.go"), ast: f, text: string(text)}
		for _, i := range f.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			g.imports = append(g.imports, p)
		}
		files = append(files, g)
		return nil
	})
	return files, err
})

func TestRepo_EveryPackageHasExactlyOneComment(t *testing.T) {
	t.Parallel()
	comments := map[string][]string{}
	for _, f := range goFiles(t) {
		if f.test {
			continue
		}
		if _, ok := comments[f.dir]; !ok {
			comments[f.dir] = nil
		}
		if f.ast.Doc != nil {
			comments[f.dir] = append(comments[f.dir], f.path)
		}
	}
	for dir, where := range comments {
		if len(where) != 1 {
			t.Errorf("package %s has %d package comments %v, want exactly one", dir, len(where), where)
		}
	}
}

// allowed says which packages of the tree a package of a folder may import.
var layering = []struct {
	folder string
	own    []string // of this module, by prefix
	why    string
}{
	{"event", nil, "event is what travels and depends on nothing of the tree"},
	{"dialect", []string{"event", "dialect"}, "a dialect knows events and its contract"},
	{"internal/gateway/receive", []string{"event", "dialect", "internal/gateway"}, "a stage never imports another stage"},
	{"internal/gateway/journal", []string{"event", "dialect", "internal/gateway"}, "a stage never imports another stage"},
	{"internal/gateway/match", []string{"event", "dialect", "internal/gateway"}, "a stage never imports another stage"},
	{"internal/gateway/deliver", []string{"event", "dialect", "internal/gateway"}, "a stage never imports another stage"},
	{"internal/gateway/send", []string{"event", "dialect", "internal/gateway", "internal/egress"}, "a stage never imports another stage"},
	{"internal/gateway/publish", []string{"event", "dialect", "internal/gateway", "internal/egress"}, "a stage never imports another stage"},
	{"internal/egress", nil, "what is called is decided for all who call"},
	{"internal/wordlist", []string{"event", "internal/gateway"}, "a built-in hook knows events and what a hook is asked, as any other"},
	{"client", []string{"event", "dialect", "client"}, "client runs inside other people's IM servers: it takes nothing of the gateway"},
	{"receiver", []string{"event", "dialect", "receiver"}, "receiver runs inside other people's app backends: it takes nothing of the gateway"},
	{"imfake", []string{"event", "dialect", "imfake", "internal/sample"}, "imfake is for users too: of the internals it takes samples only"},
}

var stages = []string{"receive", "decide", "journal", "match", "deliver", "send", "publish"}

func TestRepo_Layering(t *testing.T) {
	t.Parallel()
	files := goFiles(t)
	for _, rule := range layering {
		seen := false
		for _, f := range files {
			if f.dir != rule.folder && !strings.HasPrefix(f.dir, rule.folder+"/") {
				continue
			}
			seen = true
			if f.test || strings.HasSuffix(f.dir, "test") {
				continue
			}
			for _, imp := range f.imports {
				own, ok := strings.CutPrefix(imp, module+"/")
				if !ok {
					continue
				}
				if !slices.ContainsFunc(rule.own, func(p string) bool { return own == p || strings.HasPrefix(own, p+"/") }) {
					t.Errorf("%s imports %s: %s", f.path, own, rule.why)
				}
				stage, isStage := strings.CutPrefix(own, "internal/gateway/")
				if isStage && slices.Contains(stages, stage) && own != f.dir {
					t.Errorf("%s imports %s: a stage never imports another stage", f.path, own)
				}
			}
		}
		if !seen {
			t.Errorf("the rule for %s concerns no file: mend the rule", rule.folder)
		}
	}
}

func TestRepo_ShippedCodeImportsNoTestPackages(t *testing.T) {
	t.Parallel()
	for _, f := range goFiles(t) {
		if f.test || strings.HasSuffix(f.dir, "test") {
			continue
		}
		for _, imp := range f.imports {
			if imp == "testing" || strings.HasPrefix(imp, "testing/") || strings.HasPrefix(imp, module) && strings.HasSuffix(imp, "test") {
				t.Errorf("%s imports %s", f.path, imp)
			}
		}
	}
}

// dialectDirs are the folders of dialects: those that declare a Spec.
func dialectDirs(t *testing.T) []string {
	t.Helper()
	var dirs []string
	for _, f := range goFiles(t) {
		if !f.test && strings.HasPrefix(f.dir, "dialect/") && strings.Contains(f.text, ") Spec() *dialect.Spec") && !slices.Contains(dirs, f.dir) {
			dirs = append(dirs, f.dir)
		}
	}
	if len(dirs) < 4 {
		t.Fatalf("found dialects %v, want at least four", dirs)
	}
	return dirs
}

func TestRepo_EveryDialectIsHeldToTheSuite(t *testing.T) {
	t.Parallel()
	registry, err := os.ReadFile("dialect/builtin/builtin.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dialectDirs(t) {
		var tests strings.Builder
		for _, f := range goFiles(t) {
			if f.dir == dir && f.test {
				tests.WriteString(f.text)
			}
		}
		for _, want := range []string{"dialecttest.Exercise(", "dialecttest.FuzzDecode(", "func Benchmark"} {
			if !strings.Contains(tests.String(), want) {
				t.Errorf("%s has no %s in its tests", dir, want)
			}
		}
		if !strings.Contains(string(registry), module+"/"+dir) {
			t.Errorf("%s is not in dialect/builtin", dir)
		}
		for _, name := range []string{"doc.go", "SKIPPED.md"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				t.Errorf("%s: %v", dir, err)
			}
		}
		cases, err := filepath.Glob(filepath.Join(dir, "testdata/wire/*"))
		if err != nil || len(cases) == 0 {
			t.Errorf("%s has no golden wire files (%v)", dir, err)
		}
		for _, c := range cases {
			for _, name := range []string{"request.http", "origin.txt"} {
				if info, err := os.Stat(filepath.Join(c, name)); err != nil || info.Size() == 0 {
					t.Errorf("%s lacks %s", c, name)
				}
			}
		}
	}
}

func TestRepo_NoSleepInTestsAndNoBuildTagsThatNobodyBuilds(t *testing.T) {
	t.Parallel()
	tag := regexp.MustCompile(`(?m)^//go:build (.*)$`)
	for _, f := range goFiles(t) {
		if f.test && f.path != "repo_test.go" && strings.Contains(f.text, "time.Sleep(") {
			t.Errorf("%s sleeps: wait for a condition, or use testing/synctest", f.path)
		}
		for _, m := range tag.FindAllStringSubmatch(f.text, -1) {
			if !slices.Contains([]string{"linux", "!linux", "unix", "!unix", "linux && amd64", "!(linux && amd64)"}, m[1]) {
				t.Errorf("%s is built only with %q, which CI does not build", f.path, m[1])
			}
		}
	}
}

func TestRepo_TreeSpeaksOfTheProjectAlone(t *testing.T) {
	t.Parallel()
	// Where machines that build it have their checkouts.
	roots := []string{"work", "farm"}
	machine := regexp.MustCompile(`(^|[^[:alnum:]_.])/(` + strings.Join(roots, "|") + `)/`)
	conflict := regexp.MustCompile(`(?m)^(<{7}|>{7}) `)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path == ".git" || path == ".ci/bin" || path == "imhook-data" || d.Name() == "node_modules" {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(path, ".sum") || path == "repo_test.go" || path == ".git" { // .git is a file in a worktree
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		// Looking for plain bytes first takes a tenth of the time.
		if slices.ContainsFunc(roots, func(root string) bool { return bytes.Contains(text, []byte("/"+root+"/")) }) {
			if m := machine.Find(text); m != nil {
				t.Errorf("%s holds a machine's path: %q", path, m)
			}
		}
		if bytes.Contains(text, []byte("<<<<<<< ")) && conflict.Match(text) {
			t.Errorf("%s holds the marks of a merge that nobody finished", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if regexp.MustCompile(`(?m)^\s*replace\b`).Match(mod) {
		t.Error("go.mod has a replace directive")
	}
}

// quoted finds paths of the tree in prose: `internal/app`, `docs/benchmarks.md`.
var quoted = regexp.MustCompile("`((?:\\.ci|bench|chaos|client|cmd|deploy|dialect|docs|event|imfake|internal|packaging|receiver)/[A-Za-z0-9_./-]*[A-Za-z0-9_/-])`")

func TestRepo_PathsQuotedInDocsExist(t *testing.T) {
	t.Parallel()
	docs, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, doc := range append(docs, more...) {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range quoted.FindAllStringSubmatch(string(text), -1) {
			found++
			if _, err := os.Stat(strings.TrimSuffix(m[1], "/")); err != nil {
				t.Errorf("%s speaks of %s, which is not there", doc, m[1])
			}
		}
	}
	if found == 0 {
		t.Error("no path was found in the docs: the pattern is broken")
	}
}

func TestRepo_BothReadmesHaveTheSameShape(t *testing.T) {
	t.Parallel()
	shape := func(name string) (headings int, code []string) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		inCode := false
		for line := range strings.Lines(string(text)) {
			line = strings.TrimRight(line, "\n")
			switch {
			case strings.HasPrefix(line, "```"):
				inCode = !inCode
			case inCode:
				if command, _, _ := strings.Cut(line, " #"); strings.TrimSpace(command) != "" {
					code = append(code, strings.TrimSpace(command))
				}
			case strings.HasPrefix(line, "#"):
				headings++
			}
		}
		return headings, code
	}
	enHeadings, enCode := shape("README.md")
	zhHeadings, zhCode := shape("README.zh-CN.md")
	if enHeadings != zhHeadings {
		t.Errorf("README.md has %d headings, README.zh-CN.md %d", enHeadings, zhHeadings)
	}
	if !slices.Equal(enCode, zhCode) {
		t.Errorf("the code of the READMEs differs:\n%q\n%q", enCode, zhCode)
	}
}
