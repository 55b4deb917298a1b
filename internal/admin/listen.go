package admin

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/tunnel"
)

// Listeners are those who answer for endpoints and hooks that nobody calls.
type Listeners interface {
	// Listen begins a session that answers for these names; see [tunnel.Hub.Listen].
	Listen(names []tunnel.Name) (*tunnel.Session, error)
	// Session returns the session of an ID; nil when it is over.
	Session(id string) *tunnel.Session
}

// listening says what somebody wants to answer for.
type listening struct {
	Endpoint string `json:"endpoint,omitzero" doc:"An endpoint whose url is listen." example:"shop/dev"`
	// Hooks that are nil are all of the endpoint's app.
	Hooks []string `json:"hooks,omitempty" doc:"Hooks whose url is listen; all of the endpoint's app when they are left out."`
}

const (
	// listenBeat is how often a session says that it is there, and deafAfter for how long
	// nothing may be heard of whoever listens.
	listenBeat = 5 * time.Second
	deafAfter  = 30 * time.Second
	// maxAnswers bounds what a session answers at once, in bytes.
	maxAnswers = 16 << 20
)

// names are what is to be answered for.
func (a *api) names(ctx context.Context, want *listening) ([]tunnel.Name, error) {
	var all []tunnel.Name
	current := a.Current()
	if want.Endpoint != "" {
		id := a.endpointID(ctx, want.Endpoint)
		app, name, _ := strings.Cut(id, "/")
		e := current.Endpoint(app, name)
		switch {
		case e == nil:
			return nil, refuse(http.StatusNotFound, "there is no endpoint %s; write one with url: listen, and whoever listens gets its events", id)
		case e.URL != config.Listen:
			return nil, refuse(http.StatusConflict, "endpoint %s is called at its url; write another one with url: listen, and whoever listens gets its events", id)
		}
		all = append(all, tunnel.Name{Kind: tunnel.Endpoint, ID: id})
		if want.Hooks == nil {
			for i := range current.Apps {
				for _, h := range current.Apps[i].Hooks {
					if current.Apps[i].Name == app && h.URL == config.Listen && h.Enabled {
						all = append(all, tunnel.Name{Kind: tunnel.Hook, ID: app + "/" + h.Name})
					}
				}
			}
		}
	}
	for _, name := range want.Hooks {
		n, err := a.hookName(name)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	if len(all) == 0 {
		return nil, refuse(http.StatusBadRequest, "say what to listen to: an endpoint, or hooks")
	}
	return all, nil
}

// hookName finds a hook with url: listen, whose app may be left out where one app alone
// has one of that name.
func (a *api) hookName(name string) (n tunnel.Name, _ error) {
	var found []string
	for _, app := range a.Current().Apps {
		for _, h := range app.Hooks {
			if id := app.Name + "/" + h.Name; id == name || h.Name == name {
				found = append(found, id)
				if h.URL != config.Listen {
					return n, refuse(http.StatusConflict, "hook %s is not one with url: listen", id)
				}
			}
		}
	}
	switch len(found) {
	case 0:
		return n, refuse(http.StatusNotFound, "there is no hook %s; write app/hook, as imhook hooks shows it", name)
	case 1:
		return tunnel.Name{Kind: tunnel.Hook, ID: found[0]}, nil
	}
	return n, refuse(http.StatusBadRequest, "there are several hooks %s: %s; write one of these", name, strings.Join(found, ", "))
}

// sessionBegun is the first event of a session.
type sessionBegun struct {
	Session string        `json:"session"`
	Names   []tunnel.Name `json:"names"`
	// Notes are in words what stands in the way.
	Notes []string `json:"notes,omitempty"`
	// BeatS is how often whoever listens must say that it is there, in seconds.
	BeatS int `json:"beat_s"`
}

// The names of a session's events. They are output: append only.
const (
	listenBegin   = "begin"
	listenRequest = "request"
	listenEnd     = "end"
)

// listen streams the requests of an endpoint and of hooks to whoever answers them.
func (a *api) listen(ctx context.Context, _ *none, want *listening) (stream, error) {
	names, err := a.names(ctx, want)
	if err != nil {
		return nil, err
	}
	var notes []string
	for _, e := range a.Endpoints.Endpoints(ctx) {
		if id := e.App + "/" + e.Name; id == names[0].ID && e.Paused != "" && !strings.HasPrefix(e.Paused, tunnel.NobodyListens) {
			notes = append(notes, "endpoint "+id+" is paused and nothing comes: "+e.Paused+"; imhook resume "+id)
		}
	}
	return func(w http.ResponseWriter, r *http.Request) {
		session, err := a.Listeners.Listen(names)
		if err != nil {
			a.refuse(w, r, refuse(http.StatusServiceUnavailable, "%v", err))
			return
		}
		a.Log.InfoContext(r.Context(), "somebody listens", "to", names, "peer", r.RemoteAddr)
		why := a.serveSession(w, r, session, sessionBegun{session.ID, names, notes, int(deafAfter/time.Second) / 3})
		session.End(why)
		a.Log.InfoContext(r.Context(), "somebody ceased to listen", "to", names, "peer", r.RemoteAddr, "why", session.Why())
	}, nil
}

// serveSession streams until it is over, and says why it is.
func (a *api) serveSession(w http.ResponseWriter, r *http.Request, session *tunnel.Session, begun sessionBegun) string {
	s, err := newEventStream(w)
	if err == nil {
		err = s.send(listenBegin, "", begun)
	}
	beat := time.NewTicker(listenBeat)
	defer beat.Stop()
	for err == nil {
		select {
		case <-r.Context().Done():
			return "it left"
		case <-a.Closing:
			_ = s.send(listenEnd, "", streamNote{Why: "the gateway stops"}) // it is over either way
			return "the gateway stops"
		case <-session.Done():
			_ = s.send(listenEnd, "", streamNote{Why: session.Why()})
			return session.Why()
		case q := <-session.Requests:
			err = s.send(listenRequest, "", q)
		case <-beat.C:
			if silent := session.Silent(); silent > deafAfter {
				return "nothing was heard of it for " + silent.Round(time.Second).String()
			}
			err = s.beat()
		}
	}
	return "it reads no more: " + err.Error()
}

// answers are those of a session; without any they say that whoever listens is there.
type answers struct {
	Answers []tunnel.Answer `json:"answers,omitempty"`
}

// answered says which of them nobody waited for any more.
type answered struct {
	Late []string `json:"late,omitempty"`
}

func (a *api) answerListen(_ context.Context, in *byID, got *answers) (answered, error) {
	session := a.Listeners.Session(in.ID)
	if session == nil {
		return answered{}, refuse(http.StatusNotFound, "that session is over; listen again")
	}
	session.Heard()
	var out answered
	for _, one := range got.Answers {
		if !session.Answer(one) {
			out.Late = append(out.Late, one.ID)
		}
	}
	return out, nil
}

func (a *api) listenOperations() {
	tell(a, missing(a.Listeners != nil, operation{
		id: "listen", method: http.MethodPost, path: "/api/v1/listen", tag: tagEndpoints, role: RoleOperator,
		summary: "Answer for an endpoint and hooks that nobody calls (server-sent events)", answers: mediaEvents,
		about: "For endpoints and hooks with url: listen. First begin with the session's id and what it answers for; then request: id, kind, " +
			"path, query, header and body (base64), signed as any other of the endpoint or hook. Answers go to /api/v1/listen/{id}/answers. " +
			"end says why it ends: another one that listens to the same takes over. A comment comes every 5 seconds. " +
			"While nobody listens the endpoint is paused and keeps everything in order, and hooks are answered by their policies.",
		errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable},
	}), listening{Endpoint: "shop/dev"}, stream(nil), func(ctx context.Context, in *none, want *listening) (stream, error) {
		return a.listen(ctx, in, want)
	})
	tell(a, missing(a.Listeners != nil, operation{
		id: "answerListen", method: http.MethodPost, path: "/api/v1/listen/{id}/answers", tag: tagEndpoints, role: RoleOperator, steady: true,
		summary: "Answer requests of a session, or say that one is there", limit: maxAnswers, errors: []int{http.StatusNotFound},
		about: "Who says nothing for 30 seconds is taken for gone.",
	}), answers{Answers: []tunnel.Answer{{ID: "K3Q", Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"code":0}`)}}},
		answered{Late: []string{"K3Q"}}, a.answerListen)
}
