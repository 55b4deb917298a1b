package openim

import (
	"embed"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imhook/imhook/dialect"
)

//go:embed testdata/wire
var goldens embed.FS

// scanned compares the two readers.
func scanned(t *testing.T, body []byte) (fast bool) {
	t.Helper()
	var quick, slow message
	if !quick.scan(body) {
		return false
	}
	if err := dialect.Unmarshal(Name, "", body, &slow); err != nil {
		t.Fatalf("scan takes what is an error otherwise: %v\n%s", err, body)
	}
	if diff := cmp.Diff(slow, quick, cmp.AllowUnexported(message{}, messageRest{}, rest{}), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(message{}, "scratch")); diff != "" {
		t.Fatalf("the general reader and scan differ (-general +scan):\n%s\n%s", diff, body)
	}
	return true
}

func TestScan_ReadsAsTheGeneralReader(t *testing.T) {
	t.Parallel()
	fast := 0
	err := fs.WalkDir(goldens, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "request.http") {
			return err
		}
		text, err := goldens.ReadFile(path)
		if err != nil {
			return err
		}
		_, body, _ := strings.Cut(string(text), "\n\n")
		if scanned(t, []byte(body)) {
			fast++
		} else if strings.Contains(path, "SendSingleMsg") || strings.Contains(path, "SendGroupMsg") && !strings.Contains(path, "unknown") {
			t.Errorf("%s takes the slow way", path)
		}
		return nil
	})
	if err != nil || fast < 20 {
		t.Errorf("%d golden messages take the fast way, %v", fast, err)
	}
	for _, body := range []string{
		``, `{`, `{}`, `[]`, `null`, `{"sendID":"a"`, `{"sendID":null}`, `{"sendID":1}`, `{"seq":1.5}`, `{"seq":"1"}`, `{"status":99999999999}`, `{"seq":1e3}`,
		`{"atUserList":[]}`, `{"atUserList":["a","b\"\u00e9"]}`, `{"atUserList":[1]}`, `{"atUserList":{"a":1}}`, "{\"sendID\":\"\xff\"}", `{"sendID":"\ud800"}`,
		` { "sendID" : "a" , "seq" : -7 } `, `{"sendID":"a","sendID":"b"}`, `{"content":"\\","ex":"\""}`, `{"send\u0049D":"a"}`, `{"more":1}`, `{"sendID":"a"} x`,
	} {
		scanned(t, []byte(body))
	}
}

func FuzzScan(f *testing.F) {
	f.Add([]byte(benchMessage))
	f.Add([]byte(`{"content":"\\\"","atUserList":["a",null],"seq":1e2,"seq":3}`))
	f.Fuzz(func(t *testing.T, body []byte) { scanned(t, body) })
}
