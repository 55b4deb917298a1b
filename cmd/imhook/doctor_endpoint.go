package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/imhook/imhook/client/admin"
	"github.com/imhook/imhook/internal/cluster"
	"github.com/imhook/imhook/internal/tunnel"
)

// behind is how old the oldest undelivered event of an endpoint may be.
const behind = 10 * time.Minute

// checkEndpoints looks at how every endpoint is doing.
func (d *doctor) checkEndpoints(ctx context.Context) error {
	all, err := d.readEndpoints(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		d.found(finding{Level: note, Check: "endpoint", What: "there is none", Why: "what comes in is kept and delivered to nobody", Do: "write one: apps[].endpoints"})
	}
	for i := range all {
		if d.wants(all[i].App + "/" + all[i].Name) {
			r, err := d.reachEndpoint(ctx, &all[i])
			if err != nil {
				return err
			}
			d.judgeEndpoint(&all[i], r)
		}
	}
	return nil
}

// reachEndpoint has the gateway connect to an endpoint that no event was followed to:
// it may have been dead since its last event.
func (d *doctor) reachEndpoint(ctx context.Context, e *admin.Endpoint) (*admin.Reached, error) {
	id := e.App + "/" + e.Name
	if d.lookOnly || d.tried[id] || e.State == "removed" {
		return &admin.Reached{}, nil
	}
	r, err := d.client.CheckEndpoint(ctx, e.App, e.Name)
	if refused, ok := errors.AsType[*admin.Error](err); ok && refused.Status == http.StatusNotFound {
		return &admin.Reached{}, nil // an older gateway, or the endpoint was removed just now
	}
	return r, err
}

func (d *doctor) judgeEndpoint(e *admin.Endpoint, r *admin.Reached) {
	id := e.App + "/" + e.Name
	age := time.Duration(e.OldestAge * float64(time.Second)).Round(time.Second)
	total, more := e.Backlog+max(0, e.Behind), ""
	if e.More && e.Behind <= 0 {
		more = " or more"
	}
	waits := fmt.Sprintf("%d%s events wait, the oldest since %v", total, more, age)
	if total == 1 && more == "" {
		waits = fmt.Sprintf("1 event waits, since %v", age)
	}
	f := finding{Level: wrong, Check: "endpoint", About: id}
	switch {
	case e.State == "removed":
		f.Level, f.What = note, "it is not configured any more; "+waits
		f.Why, f.Do = "it was taken out of the configuration", "write it again under this name and it goes on where it was; otherwise it is forgotten after journal.retain.age"
	case e.State == cluster.Nobody:
		f.What, f.Why = "no gateway of the cluster delivers to it at the moment", "it is going from one to another, or could not be begun"
		f.Do = "ask again in some seconds; if it stays so, the gateways' logs say why"
	case strings.HasPrefix(e.Paused, tunnel.NobodyListens):
		f.Level, f.What, f.Why = note, "nobody listens to it; "+waits, "its url is listen, and nobody calls"
		f.Do = "imhook listen --from this gateway --endpoint " + id + " --forward URL, on the machine that shall have them"
	case e.Paused != "":
		f.What, f.Why, f.Do = "it is paused; "+waits, e.Paused, "imhook resume "+id
	case e.State == "open" || e.State == "half-open":
		f.What, f.Why = "it failed too often and is left alone for now; "+waits, e.LastError
		f.Do = "mend the backend; it is tried again by itself, imhook resume --now " + id + " does not wait"
	case e.Blocked > 0:
		f.What = "blocked: " + count(e.Blocked, "conversation") + "; " + waits
		f.Why, f.Do = "on_poison is block, and it does not take their first event", "mend the backend, then imhook resume "+id+" --now; imhook endpoints names them"
		if len(e.BlockedConversations) > 0 {
			b := e.BlockedConversations[0]
			f.Why += fmt.Sprintf(": %s since %s, %s", b.Conversation, b.Since.Format(time.RFC3339), firstOf(strings.TrimPrefix(b.Reason+": "+b.Detail, ": "), "not tried since the start"))
		}
	case e.LastError != "" && total > 0:
		f.What, f.Why, f.Do = "it fails; "+waits, e.LastError, "mend the backend; what waits is kept and tried again"
	case age > behind:
		f.What, f.Why = "it is behind; "+waits, "events come faster than it takes them, or it has just come back"
		f.Do = "let it answer sooner, raise its concurrency, or wait until it has caught up"
	case e.State == "catching up" && (total > 0 || e.More):
		f.Level, f.What, f.Why, f.Do = note, "it is catching up; "+waits, "it was slow, dead or new", "wait"
	case r.Tried && !r.OK:
		end := admin.CheckEndpoint{Endpoint: id, Reason: r.Reason}
		f.What, f.Why, f.Do = fmt.Sprintf("no event was sent to it now, and %s (%s)", hop(&end), r.Reason), r.Detail, remedy(&end)
	default:
		what := fmt.Sprintf("it is up to date, %d delivered since the start", e.Delivered)
		if !d.noSend && !d.tried[id] {
			what += "; its rule picks no presence, so nothing was sent to it"
		}
		if r.OK {
			what += fmt.Sprintf("; a connection to it was made in %v", time.Duration(r.Seconds*float64(time.Second)).Round(100*time.Microsecond))
		}
		f = finding{Level: fine, Check: "endpoint", About: id, What: what}
	}
	d.found(f)
	for _, c := range e.PausedConversations {
		d.found(finding{
			Level: note, Check: "endpoint", About: id, What: fmt.Sprintf("conversation %s is paused; %d events wait", c.Conversation, c.Backlog),
			Why: c.Why, Do: "imhook resume " + id + " --conversation " + string(c.Conversation),
		})
	}
	if e.Parked > 0 {
		d.found(finding{
			Level: note, Check: "endpoint", About: id, What: fmt.Sprintf("%d events were set aside as dead letters since the start", e.Parked),
			Why: "it refused them, or they failed for too long", Do: "imhook deadletters --endpoint " + id + " shows them with their reasons",
		})
	}
}
