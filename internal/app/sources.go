package app

import (
	"fmt"

	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway/receive"
)

// sources says who may call.
func (a *App) sources(c *config.Config) ([]receive.Source, error) {
	var all []receive.Source
	for _, app := range c.Apps {
		for _, s := range app.Sources {
			d, err := a.cfg.Registry.Get(s.Dialect)
			if err != nil {
				return nil, fmt.Errorf("source %s: %w", s.Name, err)
			}
			all = append(all, receive.Source{
				App: app.Name, Name: s.Name, Dialect: d, Generation: s.Generation,
				Credentials: s.Credentials, PathToken: s.PathToken, PathTokens: s.PathTokens, AllowFrom: s.AllowFrom,
				MaxAge: s.MaxAge, AcceptUnsigned: s.AcceptUnsigned, Deadline: s.Deadline,
				Uses: a.uses.of(admin.Owner{Kind: admin.OwnerSource, App: app.Name, Name: s.Name}),
			})
		}
	}
	return all, nil
}
