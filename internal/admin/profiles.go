package admin

import (
	"net/http"
	"net/http/pprof"
)

// profiles lets go tool pprof look into the running process. The command line is
// left out: nobody who profiles needs it.
func profiles(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/cmdline", http.NotFound)
}
