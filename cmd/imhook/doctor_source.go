package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/imhook/imhook/client/admin"
	"github.com/imhook/imhook/internal/gateway"
)

// checkSources sends an event through each source and says how far it came.
func (d *doctor) checkSources(ctx context.Context) error {
	d.tried, d.sent, d.lookOnly = map[string]bool{}, map[string]int{}, d.noSend
	if len(d.haveSources) == 0 {
		d.found(finding{Level: note, Check: "source", What: "there is none", Why: "nobody can call", Do: "write one: apps[].sources"})
	}
	if d.noSend {
		return nil
	}
	if d.shared {
		d.noSend = true // nor is anything said of what was not sent
		d.found(finding{
			Level: note, Check: "source", What: "no event was sent through any", Why: "with journal.url an event cannot be followed to its endpoints yet",
			Do: "imhook trigger sends one, imhook attempts shows what came of it",
		})
		return nil
	}
	for _, s := range d.haveSources {
		c, err := d.client.CheckSource(ctx, s.Name, d.timeout)
		if err != nil {
			return explain(err)
		}
		d.judgeSource(s, c)
	}
	return nil
}

func (d *doctor) judgeSource(s admin.Source, c *admin.Check) {
	if !c.Kept {
		d.found(unkept(s.Name, c))
		return
	}
	d.sent[c.App]++
	var to []string
	for _, e := range c.Endpoints {
		to = append(to, e.Endpoint)
	}
	if len(to) == 0 {
		d.found(finding{
			Level: note, Check: "source", About: s.Name, What: fmt.Sprintf("a %s came in, was verified and kept, and no endpoint gets it", c.Type),
			Why: "no endpoint's rule picks it", Do: "fine if nobody wants to know who is online; imhook rule test shows what a rule picks",
		})
		return
	}
	d.fine("source", s.Name, "%s (%s) came in, was verified and kept, and goes to %s", c.Command, c.Type, strings.Join(to, ", "))
	for i := range c.Endpoints {
		if d.wants(c.Endpoints[i].Endpoint) {
			d.judgeEnd(s.Name, &c.Endpoints[i])
		}
	}
}

// unkept says why a source did not take an event.
func unkept(source string, c *admin.Check) finding {
	f := finding{
		Level: wrong, Check: "source", About: source, What: "it did not take a callback that the gateway itself made for it",
		Why: fmt.Sprintf("it answered %d %s", c.Response.Status, oneLine(c.Response.Body, 200)), Do: "the log of the gateway says why: request refused",
	}
	switch {
	case c.Unsigned != "":
		f.Why = c.Unsigned + "; " + f.Why
		f.Do = "give it a secret that is valid now, the one that its server signs with"
	case c.Response.Status == http.StatusNotFound:
		f.Do = "its path token has expired: give it one that is valid now"
	case c.Response.Status == http.StatusServiceUnavailable:
		f.Do = "the journal cannot keep anything now, see above"
	}
	return f
}

func (d *doctor) judgeEnd(source string, e *admin.CheckEndpoint) {
	d.tried[e.Endpoint] = true
	took := time.Duration(e.Seconds * float64(time.Second)).Round(100 * time.Microsecond)
	f := finding{Level: wrong, Check: "endpoint", About: e.Endpoint}
	switch e.Fate {
	case "delivered":
		d.fine("endpoint", e.Endpoint, "it took the event of %s in %v", source, took)
		return
	case "left out":
		f.Level, f.What, f.Why = note, "the event of "+source+" was not sent to it", firstOf(e.Detail, "its dialect cannot say it")
		f.Do = "nothing, if other events arrive; imhook trigger sends one of your choice"
	case "held":
		f.What, f.Why, f.Do = "it gets nothing for now, the event of "+source+" waits", e.Detail, "imhook resume "+e.Endpoint
	case "waiting":
		f.What = fmt.Sprintf("the event of %s was not tried in %v", source, d.timeout)
		f.Why = "others come before it"
		if e.Detail != "" {
			f.Why += ", and the last attempt failed: " + e.Detail
		}
		f.Do = "see imhook endpoints: it is behind, or what it did not take before is not due yet"
	default:
		f.What, f.Why, f.Do = failedWords(source, e), e.Detail, cure(e)
		if e.Answer != "" {
			f.Why += "; it answered: " + oneLine(e.Answer, 200)
		}
	}
	d.found(f)
}

// failedWords say at which hop the event ended.
func failedWords(source string, e *admin.CheckEndpoint) string {
	return fmt.Sprintf("the event of %s did not arrive: %s (%s)", source, hop(e), firstOf(e.Reason, e.Kind))
}

// hop says where an attempt ended.
func hop(e *admin.CheckEndpoint) string {
	where := "the attempt failed"
	switch gateway.Reason(e.Reason) {
	case gateway.ReasonDNS:
		where = "the name of its host is not found"
	case gateway.ReasonConnect:
		where = "there is no connection to it"
	case gateway.ReasonTLS:
		where = "TLS with it fails"
	case gateway.ReasonTimeout:
		where = "it did not answer in time"
	case gateway.ReasonReset:
		where = "the connection broke before it answered"
	case gateway.ReasonEgress:
		where = "its address may not be called"
	case gateway.ReasonSign, gateway.ReasonEncode:
		where = "the request could not be made"
	case gateway.ReasonRefused:
		where = "it answered with success, and with a refusal inside"
	default:
		if e.Status > 0 {
			where = fmt.Sprintf("it answered %d", e.Status)
		}
	}
	return where
}

// cure says what to do about a failure, and what becomes of the event.
func cure(e *admin.CheckEndpoint) string {
	if e.Kind == string(gateway.Refused) {
		return remedy(e) + ". The event is tried a few times more, then it is a dead letter"
	}
	return remedy(e) + ". The event is kept and tried again"
}

// remedy says what to do about a failure.
func remedy(e *admin.CheckEndpoint) string {
	what := "look into the backend's log"
	switch gateway.Reason(e.Reason) {
	case gateway.ReasonDNS:
		what = "correct the host in its url, or the DNS of the gateway's machine"
	case gateway.ReasonConnect:
		what = "start what listens there, correct its url, or open the firewall"
	case gateway.ReasonTLS:
		what = "its certificate must be valid for that host and signed by who is trusted: tls.ca_file, tls.server_name; http:// where it is not encrypted"
	case gateway.ReasonTimeout:
		what = "the backend must answer first and work then; or raise the endpoint's timeout"
	case gateway.ReasonEgress:
		what = "name another url: such addresses are never called"
	case gateway.ReasonSign:
		what = "give the endpoint a secret that is valid now"
	case gateway.ReasonThrottled:
		what = "it wants less at a time: lower the endpoint's concurrency"
	case gateway.ReasonGone:
		what = "it said that it is gone for good, and is paused: imhook resume " + e.Endpoint + " when it is back"
	case gateway.ReasonRedirect:
		what = "put the address that it redirects to into its url"
	case gateway.ReasonAbsent:
		what = "make the topic, or the stream for the subject"
	case gateway.ReasonDenied:
		what = "correct the credentials, or let them write there"
	case gateway.ReasonStatus4xx:
		what = "the backend refuses such events: mend it, or narrow the endpoint's events"
		switch e.Status {
		case http.StatusUnauthorized, http.StatusForbidden:
			what = "the endpoint's credentials and those that the backend checks with must be the same"
		case http.StatusNotFound, http.StatusMethodNotAllowed:
			what = "correct its url or paths: nothing takes a POST there"
		}
	default:
	}
	return what
}
