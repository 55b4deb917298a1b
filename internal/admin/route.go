package admin

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/internal/audit"
)

// operation is one route of the API, as the document tells it.
type operation struct {
	// id names it: pauseEndpoint. The document, the Go client and the audit log use
	// it: append only.
	id     string
	method string
	path   string
	tag    string
	// summary is one line, about what a caller has to know besides.
	summary string
	about   string
	// role is the least that may.
	role Role
	// errors are the statuses of refusals besides 400, 401, 403 and 500.
	errors []int
	// loose takes a request without a body.
	loose bool
	// limit bounds the request's body, in bytes; zero means maxBody.
	limit int64
	// steady says that it changes nothing although it is no GET.
	steady bool
	// absent says why it cannot be done here; empty when it can.
	absent string
	// wish is an example of a body that the operation reads itself.
	wish any
	// media is what the request's body is, and answers what comes back; empty is JSON.
	media, answers string
}

// maxBody bounds what a request holds, in bytes.
const maxBody = 1 << 20

// none is for operations without parameters.
type none struct{}

// request is what huma keeps to itself.
type request struct {
	w  http.ResponseWriter
	r  *http.Request
	op *operation
	// note is what the audit log will say of it; nothing when it is silent.
	note   audit.Entry
	silent bool
}

type requestKey struct{}

// requestOf is the request that an operation answers.
func requestOf(ctx context.Context) *request { return ctx.Value(requestKey{}).(*request) }

// written is an answer that writes itself: it is JSON before the first byte is sent,
// so that what cannot be written is refused and not half an answer.
type written struct{ Body func(huma.Context) }

// stream is an answer that is written while it is made. The request's context ends with
// the token or session that it was asked with.
type stream func(w http.ResponseWriter, r *http.Request)

// ask registers an operation without a body. The example is an answer.
func ask[I, O any](a *api, op operation, example O, do func(ctx context.Context, in *I) (O, error)) {
	register(a, op, op.wish, example, func(ctx context.Context, in *I) (any, error) { return do(ctx, in) })
}

// tell registers an operation with a JSON body. The wish is an example of it.
func tell[I, B, O any](a *api, op operation, wish B, example O, do func(ctx context.Context, in *I, body *B) (O, error)) {
	register(a, op, wish, example, func(ctx context.Context, in *I) (any, error) {
		var body B
		if err := readJSON(ctx, &body); err != nil {
			return nil, err
		}
		return do(ctx, in, &body)
	})
}

// register puts an operation into the document and on the mux.
func register[I any](a *api, op operation, wish, example any, do func(ctx context.Context, in *I) (any, error)) {
	if op.limit == 0 {
		op.limit = maxBody
	}
	known := queryKeys(reflect.TypeFor[I]())
	doc, body := a.document(op, wish, example)
	doc.Middlewares = huma.Middlewares{func(hc huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(hc)
		q := &request{w: w, r: r, op: &op}
		ctx := context.WithValue(r.Context(), requestKey{}, q)
		if no := a.mayEnter(ctx, &op, known); no != nil {
			a.record(ctx, no)
			a.refuse(w, r, no)
			return
		}
		next(huma.WithContext(hc, ctx))
	}}
	huma.Register(a.huma, doc, func(ctx context.Context, in *I) (*written, error) {
		q := requestOf(ctx)
		v, err := do(ctx, in)
		var no *refusal
		if err != nil {
			no = a.refused(ctx, err)
		}
		a.record(ctx, no)
		return &written{func(huma.Context) {
			switch s, streams := v.(stream); {
			case no != nil:
				a.refuse(q.w, q.r, no)
			case streams:
				a.last(q, s)
			default:
				a.answer(q.w, q.r, v)
			}
		}}, nil
	})
	// What a request holds is ours to read: the library is told when it is too late.
	a.described(op.method, op.path).RequestBody = body
}

// described is what the document says of an operation that is in it.
func (a *api) described(method, path string) *huma.Operation {
	item := a.huma.OpenAPI().Paths[path]
	switch method {
	case http.MethodGet:
		return item.Get
	case http.MethodPost:
		return item.Post
	case http.MethodPut:
		return item.Put
	case http.MethodPatch:
		return item.Patch
	case http.MethodDelete:
		return item.Delete
	}
	panic("no operation has the method " + method)
}

// mayEnter is nil for a request that its operation takes.
func (a *api) mayEnter(ctx context.Context, op *operation, known []string) *refusal {
	if c := callerOf(ctx); !c.Role.may(op.role) {
		return refuse(http.StatusForbidden, "%s is %s here, and %s %s needs %s", c.Name, c.Role, op.method, op.path, op.role)
	}
	if op.absent != "" {
		return refuse(http.StatusNotFound, "%s", op.absent)
	}
	if len(known) == 0 {
		return nil
	}
	for key := range requestOf(ctx).r.URL.Query() {
		if !slices.Contains(known, key) {
			return refuse(http.StatusBadRequest, "unknown parameter %q; there are %s", key, strings.Join(known, ", "))
		}
	}
	return nil
}

// queryKeys are the query parameters of an input, in their order.
func queryKeys(t reflect.Type) (all []string) {
	for _, f := range reflect.VisibleFields(t) {
		if key, _, _ := strings.Cut(f.Tag.Get("query"), ","); key != "" {
			all = append(all, key)
		}
	}
	return all
}

// readBody reads what a request holds, of the media types that are taken. None is
// one that the page of another site can send without asking first.
func readBody(ctx context.Context, media ...string) ([]byte, error) {
	q := requestOf(ctx)
	body, err := io.ReadAll(http.MaxBytesReader(q.w, q.r.Body, q.op.limit))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "reading the request: %v", err)
	}
	if len(body) == 0 && q.op.loose {
		return nil, nil
	}
	if m, _, err := mime.ParseMediaType(q.r.Header.Get("Content-Type")); err != nil || !slices.Contains(media, m) {
		return nil, refuse(http.StatusBadRequest, "send JSON, with Content-Type: %s", strings.Join(media, " or "))
	}
	return body, nil
}

const mediaJSON = "application/json"

// readJSON reads a request into v.
func readJSON(ctx context.Context, v any) error {
	body, err := readBody(ctx, mediaJSON)
	if err != nil || body == nil {
		return err
	}
	if err := json.Unmarshal(bytes.TrimSpace(body), v, json.RejectUnknownMembers(true)); err != nil {
		return refuse(http.StatusBadRequest, "reading the request: %v", err)
	}
	return nil
}
