package admin

import (
	"context"
	"net/netip"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/config"
)

// inPath is where callbacks go.
const inPath = "/in/"

// source is a source as it is shown.
type source struct {
	App     string `json:"app"`
	Name    string `json:"name"`
	Dialect string `json:"dialect"`
	// Path is below the gateway's URL; a path token in it is redacted.
	Path           string            `json:"path"`
	Generation     string            `json:"generation,omitzero"`
	Credentials    map[string]string `json:"credentials,omitempty"`
	Secrets        []SecretStatus    `json:"secrets,omitempty"`
	AllowFrom      []netip.Prefix    `json:"allowFrom,omitzero"`
	MaxAgeSeconds  float64           `json:"maxAgeSeconds,omitzero"`
	AcceptUnsigned []string          `json:"acceptUnsigned,omitzero"`
	Commands       []command         `json:"commands"`
}

type command struct {
	Name  string      `json:"name"`
	Phase event.Phase `json:"phase"`
	Path  string      `json:"path,omitzero"`
	Line  string      `json:"line,omitzero"`
}

// sourceList are all sources, in configuration order.
type sourceList struct {
	Sources []source `json:"sources"`
}

func (a *api) sources(context.Context, *none) (sourceList, error) {
	all := []source{}
	for _, app := range a.Current().Apps {
		for _, s := range app.Sources {
			one := source{
				App: app.Name, Name: s.Name, Dialect: s.Dialect, Generation: s.Generation,
				Path: shownPath(s), Credentials: map[string]string{},
				AllowFrom: s.AllowFrom, MaxAgeSeconds: s.MaxAge.Seconds(), AcceptUnsigned: s.AcceptUnsigned,
				Commands: []command{},
			}
			if d, err := a.Registry.Get(s.Dialect); err == nil {
				one.Secrets = SourceSecrets(&s, d, a.Uses(Owner{OwnerSource, app.Name, s.Name}), a.Now())
				for _, key := range d.Spec().Credentials {
					switch {
					case !key.Secret && s.Credentials.Get(key.Name) != "":
						one.Credentials[key.Name] = s.Credentials.Get(key.Name)
					case key.Secret && len(s.Credentials.Secrets) > 0:
						one.Credentials[key.Name] = dialect.Redacted
					}
				}
				for _, c := range d.Spec().Commands {
					one.Commands = append(one.Commands, command{c.Name, c.Phase, c.Path, c.Line})
				}
			}
			all = append(all, one)
		}
	}
	return sourceList{all}, nil
}

// shownPath is a source's path as people may see it.
func shownPath(s config.Source) string {
	if s.HasPathToken() {
		return inPath + s.Name + "/" + dialect.Redacted
	}
	return inPath + s.Name
}
