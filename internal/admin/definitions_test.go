package admin_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/settings"
)

// desk keeps definitions in memory; what it is told is wrong, is wrong.
type desk struct {
	list  []admin.Defined
	asked []admin.DefinitionChange
	wrong []config.Problem
	taken bool
	err   error
}

func (d *desk) Defined(context.Context) []admin.Defined { return d.list }

func (d *desk) Define(_ context.Context, c admin.DefinitionChange) (admin.DefinitionOutcome, error) {
	d.asked = append(d.asked, c)
	out := admin.DefinitionOutcome{Added: config.Added{Addition: c.Addition, Problems: d.wrong, Shadowed: d.taken}}
	if d.err != nil || len(d.wrong) > 0 || c.DryRun {
		return out, d.err
	}
	out.Changes = []admin.Change{{Change: config.Change{Kind: config.ChangeAdded, Object: config.ObjectEndpoint, App: c.App, Name: c.Name}, Text: "endpoint added"}}
	for i, one := range d.list {
		if one.Definition.Section == string(c.Section) && one.App == c.App && one.Name == c.Name {
			d.list = append(d.list[:i], d.list[i+1:]...)
			break
		}
	}
	if !c.Delete {
		d.list = append(d.list, admin.Defined{Definition: settings.Definition{Section: string(c.Section), App: c.App, Name: c.Name, YAML: c.YAML, CreatedAt: noon, CreatedBy: c.By}})
	}
	return out, nil
}

func withDesk(t *testing.T) (*office, *desk) {
	t.Helper()
	d := &desk{}
	return newOffice(t, false, func(c *admin.Config) {
		c.Definitions = d
		a := &c.Current().Apps[0]
		a.Endpoints = append(a.Endpoints, config.Endpoint{Name: "backend", Builtin: config.Inbox})
	}), d
}

// admins asks as an admin.
func admins(o *office, method, path, body string) (int, string) {
	w := ask(o.h, method, path, body, bears("hush-admin"))
	return w.Code, w.Body.String()
}

const archive = `{"url":"https://archive.example","dialect":"toy","credentials":{"app_key":"k","secret":"hush-one"},"timeout":"5s"}`

func TestDefine_ChangesAndHidesSecrets(t *testing.T) {
	t.Parallel()
	o, d := withDesk(t)
	const path = "/api/v1/endpoints/shop/archive"
	code, body := admins(o, "PUT", path+"?dry_run=1", archive)
	if code != http.StatusOK || !strings.Contains(body, `"dry_run":true,"yaml":"url: https://archive.example\ndialect: toy\ncredentials:\n  app_key: k\n  secret: <redacted>\ntimeout: 5s\n"`) || len(d.list) > 0 {
		t.Errorf("dry run = %d %s", code, body)
	}
	if code, body = admins(o, "PUT", path, archive); code != http.StatusOK || strings.Contains(body, "hush") || !strings.Contains(body, `"problems":[],"changes":[{`) {
		t.Errorf("put = %d %s", code, body)
	}
	if got := d.list[0].YAML; !strings.Contains(got, "secret: hush-one") {
		t.Errorf("kept:\n%s", got)
	}
	// What was shown can be changed and sent back: the secret stays.
	code, body = admins(o, "GET", path, "")
	if code != http.StatusOK || !strings.Contains(body, `"origin":"api"`) || !strings.Contains(body, `"createdBy":"admin.token"`) || strings.Contains(body, "hush") {
		t.Errorf("get = %d %s", code, body)
	}
	if code, body = admins(o, "PUT", path, strings.NewReplacer("hush-one", "<redacted>", "5s", "10s").Replace(archive)); code != http.StatusOK || !strings.Contains(body, `"before":"url`) {
		t.Errorf("put what was shown = %d %s", code, body)
	}
	if got := d.list[0].YAML; !strings.Contains(got, "secret: hush-one") || !strings.Contains(got, "timeout: 10s") {
		t.Errorf("kept after that:\n%s", got)
	}
	if code, body = admins(o, "PATCH", path, `{"timeout":null,"order":"strict"}`); code != http.StatusOK || strings.Contains(body, "hush") {
		t.Errorf("patch = %d %s", code, body)
	}
	if got := d.list[0].YAML; got != "url: https://archive.example\ndialect: toy\ncredentials:\n  app_key: k\n  secret: hush-one\norder: strict\n" {
		t.Errorf("patched:\n%s", got)
	}
	if code, body = admins(o, "POST", path+"/rotate", `{"overlap":"7d"}`); code != http.StatusOK || !strings.Contains(body, `"secret":"`) || strings.Contains(body, "hush") {
		t.Errorf("rotate = %d %s", code, body)
	}
	if got := d.list[0].YAML; !strings.Contains(got, "    - value: hush-one\n      until: \"2026-11-27T12:00:00Z\"\n    - value: ") {
		t.Errorf("rotated:\n%s", got)
	}
	if code, body = admins(o, "GET", "/api/v1/config/export", ""); code != http.StatusOK || strings.Contains(body, "hush") || !strings.Contains(body, "value_env: IMHOOK_SHOP_ARCHIVE_SECRET_2") {
		t.Errorf("export = %d %s", code, body)
	}
	if code, body = admins(o, "DELETE", path, ""); code != http.StatusOK || len(d.list) > 0 {
		t.Errorf("delete = %d %s", code, body)
	}
	for _, line := range o.notes {
		if strings.Contains(line.Before+line.After+line.Detail, "hush") {
			t.Errorf("the audit log holds a secret: %+v", line)
		}
	}
	var what []string
	for _, n := range o.notes {
		what = append(what, n.What+" "+n.Target)
	}
	want := []string{"putEndpoint shop/archive", "putEndpoint shop/archive", "patchEndpoint shop/archive", "rotateEndpoint shop/archive", "deleteEndpoint shop/archive"}
	if diff := cmp.Diff(want, what); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
	if n := o.notes[2]; !strings.Contains(n.Before, "timeout: 10s") || !strings.Contains(n.After, "order: strict") {
		t.Errorf("the patch in the audit log: %+v", n)
	}
}

func TestDefine_SaysWhatIsWrongBesideTheKey(t *testing.T) {
	t.Parallel()
	o, d := withDesk(t)
	d.wrong = []config.Problem{{Line: 1, Column: 6, Path: "url", Text: "is not a URL"}, {Line: 2, Column: 10, Path: "dialect", Text: "unknown dialect"}}
	code, body := admins(o, "PUT", "/api/v1/endpoints/shop/archive", archive)
	var no struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
		YAML     string `json:"yaml"`
		Problems []struct {
			Key     string `json:"key"`
			Line    int    `json:"line"`
			Message string `json:"message"`
		} `json:"problems"`
	}
	if err := json.Unmarshal([]byte(body), &no); err != nil || code != http.StatusUnprocessableEntity || no.Error.Message != "url: is not a URL\ndialect: unknown dialect" ||
		len(no.Problems) != 2 || no.Problems[0].Key != "url" || no.Problems[0].Line != 1 || !strings.Contains(no.YAML, "<redacted>") {
		t.Errorf("put = %d %s (%v)", code, body, err)
	}
	if code, body := admins(o, "PUT", "/api/v1/endpoints/shop/archive?dry_run=true", archive); code != http.StatusOK || !strings.Contains(body, `"problems":[{"key":"url","line":1,"column":6,"message":"is not a URL"}`) {
		t.Errorf("dry run = %d %s", code, body)
	}
	d.taken, d.wrong = true, []config.Problem{{Path: "name", Text: "the file wins"}}
	if code, body := admins(o, "PUT", "/api/v1/endpoints/shop/backend", archive); code != http.StatusConflict || !strings.Contains(body, "the file wins") {
		t.Errorf("put of what the file has = %d %s", code, body)
	}
	d.taken, d.wrong = false, nil
	for _, tt := range []struct {
		method, path, body string
		code               int
		want               string
	}{
		{"PUT", "endpoints/shop/x?dry_run=maybe", archive, 400, "dry_run"},
		{"PUT", "endpoints/shop/x?dryrun=1", archive, 400, "unknown parameter"},
		{"PUT", "endpoints/shop/x", "", 400, "application/json or application/yaml"},
		{"PUT", "endpoints/shop/x", "[]", 400, "no mapping"},
		{"PUT", "endpoints/shop/x", `{"credentials":{"secret":"<redacted>"}}`, 422, "credentials.secret is <redacted>"},
		{"PUT", "endpoints/shop/x", `{"a":"` + strings.Repeat("x", 1<<20) + `"}`, 400, "too large"},
		{"PATCH", "endpoints/shop/none", "{}", 404, "there is no endpoint shop/none"},
		{"PATCH", "endpoints/shop/backend", "{}", 409, "the configuration file defines the endpoint shop/backend"},
		{"DELETE", "endpoints/shop/backend", "", 409, "the configuration file defines"},
		{"DELETE", "hooks/shop/none", "", 404, "there is no hook shop/none"},
		{"GET", "sources/shop/none", "", 404, "there is no source shop/none"},
		{"GET", "endpoints/shop/backend", "", 200, `"origin":"file"`},
		{"POST", "sources/shop/none/rotate", "{}", 404, "there is no source"},
	} {
		if code, body := admins(o, tt.method, "/api/v1/"+tt.path, tt.body); code != tt.code || !strings.Contains(body, tt.want) {
			t.Errorf("%s %s = %d %.300s, want %d with %q", tt.method, tt.path, code, body, tt.code, tt.want)
		}
	}
	if len(d.list) > 0 {
		t.Errorf("something was kept: %v", d.list)
	}
	yaml := func(r *http.Request) { bears("hush-admin")(r); r.Header.Set("Content-Type", "application/yaml") }
	if w := ask(o.h, "PUT", "/api/v1/endpoints/shop/x", "url: https://b\ndialect: toy\n", yaml); w.Code != http.StatusOK {
		t.Errorf("YAML = %d %s", w.Code, w.Body)
	}
	form := func(r *http.Request) { bears("hush-admin")(r); r.Header.Set("Content-Type", "text/plain") }
	if w := ask(o.h, "PUT", "/api/v1/endpoints/shop/x", archive, form); w.Code != http.StatusBadRequest {
		t.Errorf("plain text = %d", w.Code)
	}
}

func TestDefine_FailuresAreTold(t *testing.T) {
	t.Parallel()
	o, d := withDesk(t)
	for err, want := range map[error]int{
		fmt.Errorf("%w: it takes too long", admin.ErrNotApplied): http.StatusConflict,
		fmt.Errorf("endpoint shop/x: %w", settings.ErrOther):     http.StatusConflict,
		gateway.ErrUnavailable:                                   http.StatusServiceUnavailable,
		errors.New("hush"):                                       http.StatusInternalServerError,
	} {
		d.err = err
		if code, body := admins(o, "PUT", "/api/v1/endpoints/shop/x", archive); code != want || strings.Contains(body, "hush") {
			t.Errorf("%v = %d %s, want %d", err, code, body, want)
		}
	}
}

// Whoever changes a part says what it was, so that nobody's change is undone by accident.
func TestDefine_SaysWhatItWas(t *testing.T) {
	t.Parallel()
	o, d := withDesk(t)
	const path = "/api/v1/endpoints/shop/x"
	for _, x := range []struct{ method, path, body string }{
		{"PUT", path, archive}, {"PATCH", path, `{"timeout":"9s"}`}, {"POST", path + "/rotate", `{"secret":"hush-two"}`}, {"DELETE", path, ""},
	} {
		if code, body := admins(o, x.method, x.path, x.body); code != http.StatusOK {
			t.Fatalf("%s %s = %d %s", x.method, x.path, code, body)
		}
	}
	was := ""
	for i, c := range d.asked {
		if c.Was != was {
			t.Errorf("change %d takes the place of %q, want %q", i, c.Was, was)
		}
		was = c.YAML
	}
}

func TestRotate_AsksForWhatOnlyTheVendorKnows(t *testing.T) {
	t.Parallel()
	o, _ := withDesk(t)
	const path = "/api/v1/sources/shop/rong"
	if code, body := admins(o, "PUT", path, `{"dialect":"toy","credentials":{"app_key":"k","secret":"hush-one","path_token":"hush-long-token"}}`); code != http.StatusOK {
		t.Fatalf("put = %d %s", code, body)
	}
	for _, tt := range []struct {
		path, body string
		code       int
		want       string
	}{
		{path, `{}`, 400, "write the one that the IM server signs with"},
		{path, `{"secret":"hush-two","overlap":"-1h"}`, 400, "overlap"},
		{path, `{"secret":"hush-two","key":"other"}`, 400, "secret or path_token"},
		{path, `{"secret":"hush-two"}`, 200, "value: <redacted>"},
		{path, `{"key":"path_token"}`, 200, `"secret":"`},
	} {
		if code, body := admins(o, "POST", tt.path+"/rotate", tt.body); code != tt.code || !strings.Contains(body, tt.want) || strings.Contains(body, "hush") {
			t.Errorf("rotate %s = %d %s, want %d with %q", tt.body, code, body, tt.code, tt.want)
		}
	}
}
