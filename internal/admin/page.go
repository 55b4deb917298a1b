package admin

import (
	"html/template"
	"net/http"
)

// page says what runs here. The console takes its place.
var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>imhook</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}code{background:#8882;padding:.1em .3em}</style>
<h1>imhook {{.Version}}</h1>
<p>The callback gateway for instant messaging runs here.</p>
{{if .Sources}}<p>IM servers call these:</p>
<ul>{{range .Sources}}<li><code>POST {{.Path}}…</code> {{.Dialect}}</li>{{end}}</ul>
<p><a href="/api/v1/events">events</a> · <a href="/api/v1/decisions">decisions</a> · <a href="/api/v1/sources">sources</a> · <a href="/api/v1/endpoints">endpoints</a> · <a href="/api/v1/deadletters">dead letters</a> · <a href="/metrics">metrics</a></p>
<p>Try <code>imhook trigger {{(index .Sources 0).Dialect}} --list</code> and <code>imhook events --follow</code>.</p>
{{else}}<p>The API is at <code>/api/v1</code> and needs the admin token.</p>{{end}}
<p>Documentation: <a href="https://github.com/imhook/imhook">github.com/imhook/imhook</a></p>
</html>
`))

// page shows the sources to those who may use the API.
func (a *api) page(w http.ResponseWriter, trusted bool) {
	type row struct{ Path, Dialect string }
	data := struct {
		Version string
		Sources []row
	}{Version: a.Version}
	if trusted {
		for _, app := range a.Current().Apps {
			for _, s := range app.Sources {
				data.Sources = append(data.Sources, row{shownPath(s), s.Dialect})
			}
		}
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	_ = page.Execute(w, data)
}
