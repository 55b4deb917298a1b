package admin

import (
	"context"
	"net/http"
	"strings"

	"github.com/imhook/imhook/internal/audit"
)

// Audit is where it is kept who did what.
type Audit interface {
	// Record takes an entry without waiting.
	Record(e audit.Entry)
	// Find returns the newest that q wants; see [audit.Log.Find].
	Find(ctx context.Context, q audit.Query) (audit.Found, error)
}

// maxDetail bounds what an entry says of a request, in bytes.
const maxDetail = 1 << 10

// note is the entry that the request under way will have, for its operation to write
// into. It is never nil.
func note(ctx context.Context) *audit.Entry { return &requestOf(ctx).note }

// noteWish notes what was asked for, which must hold no secret, and for what.
func noteWish(ctx context.Context, target string, wish any) {
	n := note(ctx)
	n.Target = target
	if b, err := asJSON(wish); err == nil && string(b) != "{}" {
		n.Detail = string(b)
	}
}

// skipNote says that the request changed nothing after all.
func skipNote(ctx context.Context) { requestOf(ctx).silent = true }

// record keeps who did what, when an operation changed something or would not.
func (a *api) record(ctx context.Context, no *refusal) {
	q := requestOf(ctx)
	if a.Audit == nil || q.op.steady || q.op.method == http.MethodGet || q.silent {
		return
	}
	if no != nil && no.status != http.StatusUnauthorized && no.status != http.StatusForbidden {
		return // it was asked wrongly, and nothing happened
	}
	e, c := q.note, callerOf(ctx)
	e.At, e.From, e.What = a.Now().UTC(), peerOf(q.r), q.op.id
	if e.Who == "" {
		e.Who, e.Role = c.Name, string(c.Role)
	}
	if e.Target == "" {
		e.Target = targetOf(q.r)
	}
	if no != nil {
		e.Refused = no.Detail.Message
	}
	if len(e.Detail) > maxDetail {
		e.Detail = strings.ToValidUTF8(e.Detail[:maxDetail], "") + "…"
	}
	a.Audit.Record(e)
}

// targetOf is what a request is about, as its path names it.
func targetOf(r *http.Request) string {
	var parts []string
	for _, key := range []string{"app", "name", "id"} {
		if v := r.PathValue(key); v != "" {
			parts = append(parts, v)
		}
	}
	return strings.Join(parts, "/")
}

// auditQuery is a question about the audit log.
type auditQuery struct {
	Limit  limitParam `query:"limit"`
	Who    string     `query:"who" doc:"What a token is called."`
	What   string     `query:"what" doc:"An operation of this document." example:"pauseEndpoint"`
	Target string     `query:"target" doc:"A part of what it was about." example:"shop/backend"`
	Stretch
}

// auditList is one page of the audit log.
type auditList struct {
	Entries []*audit.Entry `json:"entries"`
	// Next is where older ones go on (before=), empty at the end; Newest the end
	// (after=), for the next look.
	Next   string `json:"next,omitzero"`
	Newest string `json:"newest"`
}

// audit lists who did what, newest first.
func (a *api) audit(ctx context.Context, in *auditQuery) (auditList, error) {
	q := audit.Query{Who: in.Who, What: in.What, Target: in.Target}
	var err error
	if q.Limit, err = in.Limit.parse(); err == nil {
		err = in.parse(a.Now(), &q.Since, &q.Until, &q.Before, &q.After)
	}
	if err != nil {
		return auditList{}, invalid(err)
	}
	f, err := a.Audit.Find(ctx, q)
	if err != nil {
		return auditList{}, a.broken(ctx, "reading the audit log", err)
	}
	return auditList{Entries: f.Entries, Next: older(f.Next), Newest: cursor(f.Newest)}, nil
}
