package admin

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// documentPath is where the document of the API is.
const documentPath = "/api/openapi.json"

// roleExtension says in the document which role an operation needs.
const roleExtension = "x-imhook-role"

// The ways to say who one is.
const (
	schemeToken   = "token"
	schemeSession = "session"
)

// newDocument is the document without operations.
func newDocument(version string) *huma.OpenAPI {
	schemas := huma.NewMapRegistry("#/components/schemas/", schemaName)
	schemas.RegisterTypeAlias(reflect.TypeFor[event.Event](), reflect.TypeFor[cloudEvent]())
	schemas.RegisterTypeAlias(reflect.TypeFor[plannedRun](), reflect.TypeFor[plannedShape]())
	schemas.RegisterTypeAlias(reflect.TypeFor[jsontext.Value](), reflect.TypeFor[anything]())
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "imhook", Version: version,
			Description: "The API of the callback gateway: what comes in, what becomes of it, and how to steer it.\n\n" +
				"Times are RFC 3339 in UTC. Cursors are opaque. Every refusal is an object with an error that says in words what is wrong and what to do.\n\n" +
				"Each operation names the least role that it takes in " + roleExtension + ": viewer reads, operator steers, admin changes the configuration. " +
				"Without any token the API answers this machine alone, as admin.",
			License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
		},
		Tags: tags(),
		Components: &huma.Components{
			Schemas: schemas,
			SecuritySchemes: map[string]*huma.SecurityScheme{
				schemeToken:   {Type: "http", Scheme: "bearer", Description: "admin.token of the configuration, or a token of imhook token create."},
				schemeSession: {Type: "apiKey", In: "cookie", Name: sessionCookie, Description: "The session of the console, which POST /api/v1/login begins."},
			},
		},
	}
}

// newHuma serves operations on a mux, in our JSON.
func newHuma(mux humago.Mux, version string) huma.API {
	ours := huma.Format{Marshal: marshal, Unmarshal: unmarshal}
	return humago.New(mux, huma.Config{
		OpenAPI: newDocument(version),
		// The second is what the library takes its own errors for.
		Formats: map[string]huma.Format{mediaJSON: ours, "json": ours}, DefaultFormat: mediaJSON,
		Transformers: []huma.Transformer{inOurWords},
	})
}

// Tags of the document.
const (
	tagEvents      = "events"
	tagSources     = "sources"
	tagHooks       = "hooks"
	tagEndpoints   = "endpoints"
	tagDeadLetters = "dead letters"
	tagRuns        = "runs"
	tagGateway     = "gateway"
	tagAccess      = "access"
)

func tags() []*huma.Tag {
	return []*huma.Tag{
		{Name: tagEvents, Description: "What came in, what was decided about it, and what was tried for it."},
		{Name: tagSources, Description: "IM servers that call."},
		{Name: tagHooks, Description: "Those who are asked before."},
		{Name: tagEndpoints, Description: "Those who are told after."},
		{Name: tagDeadLetters, Description: "What was set aside."},
		{Name: tagRuns, Description: "Requeues and replays under way."},
		{Name: tagGateway, Description: "The gateway itself."},
		{Name: tagAccess, Description: "Who may use the API, and who did what."},
	}
}

// anything is a JSON value of any kind.
type anything struct{}

// Schema is that of anything.
func (anything) Schema(huma.Registry) *huma.Schema { return &huma.Schema{} }

// cloudEvent is an event as the API shows it: a structured CloudEvent.
type cloudEvent struct {
	SpecVersion string       `json:"specversion" example:"1.0"`
	ID          string       `json:"id"`
	Source      string       `json:"source" example:"/apps/shop/sources/openim-prod"`
	Type        string       `json:"type" doc:"im. and the canonical type." example:"im.message.send"`
	Time        string       `json:"time,omitempty" format:"date-time"`
	Subject     string       `json:"subject,omitempty" doc:"The conversation." example:"group:g1"`
	Phase       event.Phase  `json:"imphase,omitempty" enum:"before,after"`
	Dialect     string       `json:"imdialect,omitempty"`
	Generation  string       `json:"imgeneration,omitempty"`
	Command     string       `json:"imcommand,omitempty"`
	Link        string       `json:"imlink,omitempty"`
	Echo        bool         `json:"imecho,omitempty"`
	Repeat      event.Repeat `json:"imrepeat,omitempty"`
	Trace       string       `json:"traceparent,omitempty"`
	ContentType string       `json:"datacontenttype,omitempty"`
	Data        eventData    `json:"data,omitzero"`
}

// eventData are the bodies of an event that apply.
type eventData struct {
	Actor        *event.Actor        `json:"actor,omitempty"`
	Conversation *event.Conversation `json:"conversation,omitempty"`
	Message      *event.Message      `json:"message,omitempty"`
	User         *event.User         `json:"user,omitempty"`
	Friend       *event.Friend       `json:"friend,omitempty"`
	Group        *event.Group        `json:"group,omitempty"`
	Members      []event.Member      `json:"members,omitempty"`
	Chatroom     *event.Chatroom     `json:"chatroom,omitempty"`
	Channel      *event.Channel      `json:"channel,omitempty"`
	Conference   *event.Conference   `json:"conference,omitempty"`
	Presence     *event.Presence     `json:"presence,omitempty"`
	Receipt      *event.Receipt      `json:"receipt,omitempty"`
	Reaction     *event.Reaction     `json:"reaction,omitempty"`
	Thread       *event.Thread       `json:"thread,omitempty"`
	Moderation   *event.Moderation   `json:"moderation,omitempty"`
	Moment       *event.Moment       `json:"moment,omitempty"`
	Report       *event.Report       `json:"report,omitempty"`
	Vendor       map[string]any      `json:"vendor,omitempty"`
}

// plannedShape is what [plannedRun] writes.
type plannedShape struct {
	gateway.Run
	State     gateway.RunState `json:"state,omitempty"`
	Note      string           `json:"note,omitempty"`
	Selected  int              `json:"selected,omitempty"`
	Delivered int              `json:"delivered,omitempty"`
	Parked    int              `json:"parked,omitempty"`
	Open      int              `json:"open,omitempty"`
	Trimmed   uint64           `json:"trimmedPages,omitempty"`
	At        time.Time        `json:"at,omitzero"`
	EndedAt   time.Time        `json:"endedAt,omitzero"`
}

// schemaName names a type in the document.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	path := t.PkgPath()
	of := path[strings.LastIndex(path, "/")+1:]
	switch {
	case of == "trail" && t.Name() == "Entry":
		return "Decision"
	case of == "attempts" && t.Name() == "Entry":
		return "Attempt"
	case of == "audit" && t.Name() == "Entry":
		return "AuditEntry"
	case of == "admin" && t.Name() == "exchange":
		return "Callback"
	case of == "event", of == "ledger", of == "cluster", of == "trail", of == "config":
		return upper(of) + t.Name()
	}
	return upper(huma.DefaultSchemaNamer(t, hint))
}

func upper(s string) string {
	r := []rune(s)
	if len(r) > 0 {
		r[0] = unicode.ToUpper(r[0])
	}
	return string(r)
}

// document is what the document says of an operation, and of the request's body.
func (a *api) document(op operation, wish, example any) (huma.Operation, *huma.RequestBody) {
	schemas := a.huma.OpenAPI().Components.Schemas
	doc := huma.Operation{
		OperationID: op.id, Method: op.method, Path: op.path, Tags: []string{op.tag}, Summary: op.summary, Description: op.about,
		Extensions: map[string]any{roleExtension: op.role},
		Security:   tokenOrSession(),
		// Its words are ours: see mayEnter and the parsers of parameters.
		SkipValidateParams: true,
		Responses:          map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{}}},
	}
	if op.role == "" {
		doc.Security, doc.Extensions = []map[string][]string{}, nil
	}
	media := func(v any, name string) *huma.MediaType {
		m := &huma.MediaType{Schema: schemas.Schema(reflect.TypeOf(v), true, upper(op.id)+name)}
		b, err := asJSON(v)
		if err == nil {
			err = json.Unmarshal(b, &m.Example)
		}
		if err != nil {
			panic(fmt.Sprintf("the example of %s cannot be written: %v", op.id, err))
		}
		return m
	}
	ok := doc.Responses["200"].Content
	switch v := example.(type) {
	case stream:
		ok[op.answers] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	default:
		ok[mediaJSON] = media(v, "Answer")
	}
	var body *huma.RequestBody
	switch {
	case wish != nil:
		body = &huma.RequestBody{Content: map[string]*huma.MediaType{mediaJSON: media(wish, "Request")}, Required: !op.loose}
	case op.media != "":
		body = &huma.RequestBody{Content: map[string]*huma.MediaType{op.media: {Schema: &huma.Schema{Type: huma.TypeString}}}, Required: !op.loose}
	}
	for _, status := range refusals(op, wish != nil) {
		doc.Responses[strconv.Itoa(status)] = a.refusalDocument(status)
	}
	return doc, body
}

// refusals are the statuses with which an operation says no.
func refusals(op operation, body bool) []int {
	all := append([]int{http.StatusInternalServerError}, op.errors...)
	if op.role != "" {
		all = append(all, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests)
	}
	if body || op.media != "" {
		all = append(all, http.StatusBadRequest)
	}
	if op.absent != "" {
		all = append(all, http.StatusNotFound)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (a *api) refusalDocument(status int) *huma.Response {
	return &huma.Response{
		Description: http.StatusText(status),
		Content: map[string]*huma.MediaType{mediaJSON: {
			Schema:  a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[refusal](), true, ""),
			Example: map[string]any{"error": map[string]any{"message": refusalExample(status)}},
		}},
	}
}

func refusalExample(status int) string {
	switch status {
	case http.StatusBadRequest:
		return `limit is "x"; write 1 to 1000`
	case http.StatusUnauthorized:
		return needsToken
	case http.StatusForbidden:
		return "night shift is viewer here, and POST /api/v1/endpoints/{app}/{name}/pause needs operator"
	case http.StatusNotFound:
		return "there is no endpoint shop/none; write app/endpoint, as imhook endpoints shows it"
	case http.StatusConflict:
		return "endpoint shop/backend, conversation group:g1: it is not held"
	case http.StatusRequestEntityTooLarge:
		return "the configuration could not be read; at most 4 MiB"
	case http.StatusUnprocessableEntity:
		return `imhook.yaml:7:9: apps[0].endpoints[0].url: is not a URL; write http://host:port/path or https://…`
	case http.StatusTooManyRequests:
		return "too many runs are under way"
	case http.StatusServiceUnavailable:
		return "no gateway writes the journal"
	}
	return "reading events failed; the log of the gateway says why"
}

// finish completes the document once all operations are in it.
func (a *api) finish() {
	doc := a.huma.OpenAPI()
	// The library's own form of errors is no answer of ours.
	for _, name := range []string{"ErrorModel", "ErrorDetail"} {
		delete(doc.Components.Schemas.Map(), name)
	}
	for _, s := range doc.Components.Schemas.Map() {
		arraysAreLists(s)
	}
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				arraysAreLists(p.Schema)
			}
		}
	}
}

// arraysAreLists takes back that an array may be null: none of ours is.
func arraysAreLists(s *huma.Schema) {
	if s == nil {
		return
	}
	if s.Type == huma.TypeArray {
		s.Nullable = false
	}
	arraysAreLists(s.Items)
	for _, p := range s.Properties {
		arraysAreLists(p)
	}
	if more, ok := s.AdditionalProperties.(*huma.Schema); ok {
		arraysAreLists(more)
	}
}

// loosen allows answers to hold more than the document says: what is new is added, and
// a caller passes over what it does not know. Requests stay as they are: what is not
// known is refused.
func loosen(doc *huma.OpenAPI) {
	asked := map[*huma.Schema]bool{}
	var reach func(*huma.Schema)
	reach = func(s *huma.Schema) {
		if s == nil || asked[s] {
			return
		}
		asked[s] = true
		if s.Ref != "" {
			reach(doc.Components.Schemas.SchemaFromRef(s.Ref))
		}
		reach(s.Items)
		for _, p := range s.Properties {
			reach(p)
		}
	}
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil || op.RequestBody == nil {
				continue
			}
			for _, m := range op.RequestBody.Content {
				reach(m.Schema)
			}
		}
	}
	for _, s := range doc.Components.Schemas.Map() {
		if closed, ok := s.AdditionalProperties.(bool); ok && !closed && !asked[s] {
			s.AdditionalProperties = nil
		}
	}
}
