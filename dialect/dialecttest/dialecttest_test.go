package dialecttest

import (
	"embed"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/imhook/imhook/dialect"
)

//go:embed testdata/wire
var wire embed.FS

func toySubject(defect string) Subject {
	return Subject{
		Dialect:     &toy{defect: defect},
		Wire:        wire,
		Credentials: dialect.Credentials{Secrets: []dialect.DatedSecret{{Value: "toy-secret-of-the-suite"}}},
		Now:         time.Unix(1_800_000_000, 0),
	}
}

func TestExercise_RightDialectPasses(t *testing.T) { Exercise(t, toySubject("")) }

func FuzzDecode_RightDialect(f *testing.F) { FuzzDecode(f, toySubject("")) }

func TestInspect_CatchesEachDefect(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ defect, check string }{
		{"unknown type", "events"},
		{"wrong phase", "events"},
		{"wrong command", "events"},
		{"no lane", "events"},
		{"local time", "events"},
		{"raw without body", "raw"},
		{"raw with signature", "raw"},
		{"keeps the argument", "aliasing"},
		{"random", "determinism"},
		{"two events", "reply"},
		{"no path", "path"},
		{"cannot deny", "verdict"},
		{"junk is allow", "verdict"},
		{"cannot deny", "carries"},
		{"cannot carry a deny", "carries"},
		{"carries anything", "carries"},
		{"allows what it cannot say", "carries"},
		{"loses the extra", "carries"},
		{"cuts the text", "carries"},
		{"refuses nobody", "carries"},
		{"writes into the verdict", "carries"},
		{"bare refusal", "carries"},
		{"chatters", "carries"},
		{"reads one generation alone", "target"},
		{"ack is a refusal", "judge"},
		{"refuses with success", "refuse"},
		{"encodes another text", "roundtrip"},
		{"encodes another text", "encode"},
		{"signs something else", "sign"},
		{"signs twice", "sign"},
		{"signs without secret", "nosecret"},
		{"accepts unsigned", "signature"},
		{"accepts expired", "signature"},
		{"accepts stale", "stale"},
		{"looks at half a sum", "flip"},
		{"panics on broken JSON", "broken"},
		{"bare error", "broken"},
		{"swallows broken JSON", "broken"},
		{"loses unknown keys", "unknown-key"},
		{"tells the secret", "secret"},
		{"samples anything", "sample"},
		{"sample of another command", "sample"},
		{"sample not from r", "sample"},
	} {
		t.Run(tt.defect, func(t *testing.T) {
			t.Parallel()
			in, err := newInspector(toySubject(tt.defect))
			if err != nil {
				t.Fatal(err)
			}
			in.inspect()
			if !slices.ContainsFunc(in.findings, func(f finding) bool { return f.check == tt.check }) {
				t.Errorf("check %s found nothing; all findings: %v", tt.check, in.findings)
			}
		})
	}
}

func TestFuzz_CatchesDefects(t *testing.T) {
	t.Parallel()
	for _, defect := range []string{"unknown type", "raw without body", "random", "bare error"} {
		t.Run(defect, func(t *testing.T) {
			t.Parallel()
			in, err := newInspector(toySubject(defect))
			if err != nil {
				t.Fatal(err)
			}
			req := cloneRequest(&in.cases[0].request)
			if defect == "bare error" {
				req.Body = req.Body[:3]
			}
			(&probe{in: in, check: "fuzz"}).fuzz(req)
			if len(in.findings) == 0 {
				t.Error("nothing was found")
			}
		})
	}
}

func TestNewInspector_NeedsCasesAndSecrets(t *testing.T) {
	t.Parallel()
	none := toySubject("")
	none.Wire = fstest.MapFS{"testdata/wire/README": {Data: []byte("no cases here")}}
	if _, err := newInspector(none); err == nil {
		t.Error("no error without golden cases")
	}
	bare := toySubject("")
	bare.Credentials = dialect.Credentials{}
	if _, err := newInspector(bare); err == nil {
		t.Error("no error without the secret that the dialect requires")
	}
}

func TestInspect_GoldenFilesAreComplete(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{}
	for _, name := range []string{"request.http", "origin.txt", "events.json", "ack.http", "outbound.http"} {
		text, err := wire.ReadFile("testdata/wire/say/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files["say/"+name] = &fstest.MapFile{Data: text}
	}
	files["say/origin.txt"] = &fstest.MapFile{Data: []byte("\n")}
	files["say/deny.http"] = &fstest.MapFile{Data: []byte("HTTP/1.1 200 OK\n\nno\n")}
	files["say/ack.http"] = &fstest.MapFile{Data: []byte("HTTP/1.1 200 OK\n\nanother\n")}
	files["sing/request.http"] = files["say/request.http"]
	s := toySubject("")
	s.Wire = files // rooted at the cases themselves
	in, err := newInspector(s)
	if err != nil {
		t.Fatal(err)
	}
	in.inspect()
	var got []string
	for _, f := range in.findings {
		got = append(got, f.check+"/"+f.scope)
	}
	for _, want := range []string{
		"coverage/ask", "files/say", "reply/say", "events/sing", "decode/sing", "files/sing",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("nothing found for %s, only %q", want, got)
		}
	}
	if n := slices.Index(got, "files/say"); n >= 0 && slices.Index(got[n+1:], "files/say") < 0 {
		t.Errorf("want findings for the empty origin.txt and for deny.http, got %q", got)
	}
}

func TestUpdate_WritesOutputsOnly(t *testing.T) {
	t.Parallel()
	in, err := newInspector(toySubject("encodes another text"))
	if err != nil {
		t.Fatal(err)
	}
	var written []string
	in.write = func(folder, file string, content []byte) error {
		written = append(written, folder+"/"+file)
		if !strings.Contains(string(content), "hello!") {
			return fmt.Errorf("unexpected content: %s", content)
		}
		return nil
	}
	in.inspect()
	slices.Sort(written)
	if want := []string{"ask/outbound.http", "say/outbound.http"}; !slices.Equal(written, want) {
		t.Errorf("wrote %q, want %q: what is as it was stays, inputs are never written", written, want)
	}
}

func TestWaivers_ExcuseAndExpire(t *testing.T) {
	t.Parallel()
	all := []finding{{"verify", "a", "refused"}, {"verify", "b", "refused"}, {"flip", "a", "accepted"}}
	waivers := map[string]string{"verify/a": "unsigned by the vendor", "flip": "no signature"}
	left := unexcused(all, waivers)
	if len(left) != 1 || left[0].scope != "b" {
		t.Errorf("unexcused = %v, want verify of b alone", left)
	}
	if got := judgeWaivers(all, waivers); len(got) != 0 {
		t.Errorf("judgeWaivers = %q, want none", got)
	}
	bad := map[string]string{"verify/c": "never true", "stale": "not true any more", "smell": "no check", "flip": " "}
	if got := judgeWaivers(all, bad); len(got) != len(bad) {
		t.Errorf("judgeWaivers = %q, want a complaint about each of %v", got, bad)
	}
}

func TestParseRequest_KeepsBodyByteForByte(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, path, query, body string }{
		{"no path", "POST / HTTP/1.1\nContent-Type: a/b\n\n{}\n", "", "", "{}"},
		{"query alone", "POST /?a=b HTTP/1.1\n\nx", "", "a=b", "x"},
		{"empty lines in the body", "POST /p?a HTTP/1.1\nA: b\n\n1\n\n2\n\n", "/p", "a", "1\n\n2\n"},
		{"carriage returns", "POST /p HTTP/1.1\r\nA: b\r\n\r\n1\n\n2", "/p", "", "1\n\n2"},
		{"no body", "POST /p HTTP/1.1\n\n", "/p", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req, err := parseRequest([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if req.Path != tt.path || req.Query != tt.query || string(req.Body) != tt.body {
				t.Errorf("got path %q, query %q, body %q; want %q, %q, %q", req.Path, req.Query, req.Body, tt.path, tt.query, tt.body)
			}
			back, err := parseRequest(append(formatRequest(&req), '\n'))
			if err != nil || back.Path != req.Path || back.Query != req.Query || string(back.Body) != string(req.Body) {
				t.Errorf("formatted and read again it is %+v, %v", back, err)
			}
		})
	}
	for _, bad := range []string{"", "GET / HTTP/1.1\n\n", "POST p HTTP/1.1\n\n", "POST / HTTP/1.1\nno colon\n\n", "POST / HTTP/1.1\nA: b\n"} {
		if _, err := parseRequest([]byte(bad)); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func TestFolderName_IsFitForEmbed(t *testing.T) {
	t.Parallel()
	if got, want := folderName("chat:txt/offline"), "chat_txt_offline"; got != want {
		t.Errorf("folderName = %q, want %q", got, want)
	}
}

func TestDoc_NamesEveryCheck(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range checks {
		if !strings.Contains(string(doc), "\n//\t"+check+" ") {
			t.Errorf("doc.go does not say what check %s is", check)
		}
	}
}
