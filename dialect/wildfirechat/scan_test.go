package wildfirechat

import (
	"embed"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
)

//go:embed testdata/wire
var goldens embed.FS

// scanned compares the two readers.
func scanned(t *testing.T, body string) (fast bool) {
	t.Helper()
	var quick, slow outputMessage
	quick.reset()
	slow.reset()
	if !quick.scan([]byte(body)) {
		return false
	}
	if err := dialect.Unmarshal(Name, "", []byte(body), &slow); err != nil {
		t.Fatalf("scan takes what is an error otherwise: %v\n%s", err, body)
	}
	unexported := cmp.AllowUnexported(outputMessage{}, conv{}, payload{}, client{})
	if diff := cmp.Diff(slow, quick, unexported); diff != "" {
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
		if scanned(t, body) {
			fast++
		} else if strings.Contains(path, "/message/") || strings.Contains(path, "/censor/") {
			t.Errorf("%s takes the slow way", path)
		}
		return nil
	})
	if err != nil || fast < 10 {
		t.Errorf("%d golden messages take the fast way, %v", fast, err)
	}
	for body, want := range map[string]bool{
		benchMessage: true, `{}`: true, `{"toUsers":null,"payload":{"mentionedTarget":null}}`: true,
		`{"client":{"platform":1,"clientId":"a\"b"},"toRobotId":"r","messageId":9223372036854775807}`: true,
		`{"client":null}`: false, `{"client":{"more":1}}`: false, `{"conv":{"more":"x"}}`: false, `{"conv":null}`: false, `{"conv":{},"conv":{}}`: false,
		`{"payload":{"more":"x"}}`: false, `{"payload":{"type":-1}}`: false, `{"senderUserInfo":{}}`: false, `{"more":"x"}`: false,
		`{"messageId":"1"}`: false, `{"sender":"a","sender":"b"}`: false, `{"sender":"a"} x`: false, ``: false,
	} {
		if got := scanned(t, body); got != want {
			t.Errorf("%s is read: %t, want %t", body, got, want)
		}
	}
}

func FuzzScan(f *testing.F) {
	f.Add(benchMessage)
	f.Add(`{"client":{"platform":1,"clientId":"a\"b"},"toRobotId":"r","messageId":9223372036854775807,"conv":{"line":1},"payload":{"base64edData":"","extra":"e"}}`)
	f.Fuzz(func(t *testing.T, body string) { scanned(t, body) })
}
