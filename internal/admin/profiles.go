package admin

import (
	"net/http"
	"net/http/pprof"
)

// profiles lets go tool pprof look into the running process. The command line is
// left out: nobody who profiles needs it. What it shows may hold anything that is in
// memory.
func (a *api) profiles() {
	for pattern, h := range map[string]http.HandlerFunc{
		"GET /debug/pprof/":        pprof.Index,
		"GET /debug/pprof/profile": pprof.Profile,
		"GET /debug/pprof/trace":   pprof.Trace,
		"GET /debug/pprof/cmdline": http.NotFound,
	} {
		a.mux.guarded.HandleFunc(pattern, a.only(RoleAdmin, h))
	}
}
