package dialecttest

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the outputs of golden cases; never their request.http or origin.txt")

// checks are all names, in the order in which they are reported.
var checks = []string{
	"files", "coverage", "decode", "events", "raw", "json", "aliasing", "determinism", "path",
	"reply", "verdict", "carries", "target", "judge", "refuse", "encode", "roundtrip",
	"verify", "signature", "stale", "flip", "broken", "unknown-key",
	"sample", "sign", "nosecret", "secret",
}

// Exercise holds the dialect to the contract of package dialect: one subtest for
// each check. It fails when there are no golden cases.
func Exercise(t *testing.T, s Subject) {
	t.Helper()
	in, err := newInspector(s)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		in.write = writeGolden
	}
	in.inspect()
	for _, check := range checks {
		t.Run(check, func(t *testing.T) {
			for _, f := range unexcused(in.findings, s.Waivers) {
				if f.check == check {
					t.Errorf("%s: %s", f.scope, f.text)
				}
			}
		})
	}
	for _, complaint := range judgeWaivers(in.findings, s.Waivers) {
		t.Error(complaint)
	}
}

// writeGolden writes below the tested package's folder, where go test runs it.
func writeGolden(folder, file string, content []byte) error {
	return os.WriteFile(filepath.Join("testdata", "wire", folder, file), content, 0o644)
}

// unexcused are the findings that no waiver covers.
func unexcused(all []finding, waivers map[string]string) []finding {
	var left []finding
	for _, f := range all {
		if _, ok := waivers[f.check]; ok {
			continue
		}
		if _, ok := waivers[f.check+"/"+f.scope]; ok {
			continue
		}
		left = append(left, f)
	}
	return left
}

// judgeWaivers says what is wrong with the waivers themselves.
func judgeWaivers(all []finding, waivers map[string]string) []string {
	var complaints []string
	for _, key := range slices.Sorted(maps.Keys(waivers)) {
		check, scope, scoped := strings.Cut(key, "/")
		switch {
		case !slices.Contains(checks, check):
			complaints = append(complaints, "waiver "+key+": there is no such check")
		case strings.TrimSpace(waivers[key]) == "":
			complaints = append(complaints, "waiver "+key+" has no reason")
		case !slices.ContainsFunc(all, func(f finding) bool { return f.check == check && (!scoped || f.scope == scope) }):
			complaints = append(complaints, "waiver "+key+" is no longer true: nothing fails without it")
		}
	}
	return complaints
}
