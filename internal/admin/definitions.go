package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/definition"
	"github.com/imhook/imhook/internal/settings"
)

// Definitions are sources, hooks and endpoints that the API defined.
type Definitions interface {
	// Defined returns all of them, with what became of each.
	Defined(ctx context.Context) []Defined
	// Define puts one into force in place of the one of its name, or takes it away. What
	// is wrong with it is in the outcome, and nothing was done then. The error wraps
	// [settings.ErrNone] when there is none to take away, and [ErrNotApplied] when the
	// gateway could not go on with it.
	Define(ctx context.Context, c DefinitionChange) (DefinitionOutcome, error)
}

// ErrNotApplied says that a change was valid and could not be put into force: nothing
// was changed.
var ErrNotApplied = errors.New("it could not be put into force")

// Defined is one that the API made.
type Defined struct {
	settings.Definition
	config.Added
}

// DefinitionChange is what shall be changed.
type DefinitionChange struct {
	config.Addition
	// Delete takes it away.
	Delete bool
	// By is who wants it.
	By string
	// Was is the YAML that it takes the place of; empty when there was none.
	Was string
	// DryRun changes nothing.
	DryRun bool
}

// DefinitionOutcome is what a change does, or why it is not made: Problems.
type DefinitionOutcome struct {
	config.Added
	Comparison
}

// problem is one thing that is wrong, with its place.
type problem struct {
	Key     string `json:"key,omitzero" doc:"The key, below the definition." example:"retry.max_age"`
	Line    int    `json:"line,omitzero" doc:"The line of yaml, from 1."`
	Column  int    `json:"column,omitzero"`
	Message string `json:"message"`
}

func problems(all []config.Problem) []problem {
	out := make([]problem, len(all))
	for i, p := range all {
		out[i] = problem{p.Path, p.Line, p.Column, p.Text}
	}
	return out
}

// flagParam is yes or no.
type flagParam string

func (p flagParam) parse(key string) (bool, error) {
	switch p {
	case "", "0", "false":
		return false, nil
	case "1", "true":
		return true, nil
	}
	return false, fmt.Errorf("%s is %q; write 1 or leave it out", key, string(p))
}

// definedIn names something that is changed, and whether it is really.
type definedIn struct {
	App    string    `path:"app" example:"shop"`
	Name   string    `path:"name" example:"backend"`
	DryRun flagParam `query:"dry_run"`
}

// definedAnswer is what a change did, or would do.
type definedAnswer struct {
	DryRun bool `json:"dry_run,omitzero"`
	// YAML is the definition from then on, Before what it was; both without secrets.
	YAML   string `json:"yaml,omitzero" doc:"The definition from then on, without secrets."`
	Before string `json:"before,omitzero" doc:"What it was, without secrets."`
	// Problems are empty for what was done.
	Problems []problem `json:"problems" doc:"What is wrong, in the words of the configuration file. Empty for what was done."`
	Warnings []problem `json:"warnings,omitempty"`
	Changes  []Change  `json:"changes,omitempty"`
	Effects  []Effect  `json:"effects,omitempty"`
	// Secret is one that the gateway made; it is not shown again.
	Secret string `json:"secret,omitzero" doc:"A secret that the gateway made. It is not shown again."`
}

// shownDefinition is how something is defined.
type shownDefinition struct {
	App  string `json:"app"`
	Name string `json:"name"`
	// Origin is who defined it: what the file or the sandbox defined is changed there.
	Origin string `json:"origin" enum:"api,file,sandbox"`
	// YAML is what the API was told, without secrets.
	YAML      string    `json:"yaml,omitzero"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
	CreatedBy string    `json:"createdBy,omitzero"`
	ChangedAt time.Time `json:"changedAt,omitzero"`
	ChangedBy string    `json:"changedBy,omitzero"`
	// Problems say why it is not in force.
	Problems []problem `json:"problems,omitempty"`
	Warnings []problem `json:"warnings,omitempty"`
	// Settings are all values that are in force, defaults too; secrets are redacted.
	Settings []setting `json:"settings"`
}

// setting is one value that is in force.
type setting struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Secret bool   `json:"secret,omitzero"`
	// Default is true for what nobody said.
	Default bool `json:"default,omitzero"`
}

// defined returns what the API made of that name; false when it made none.
func (a *api) defined(ctx context.Context, section config.Section, app, name string) (Defined, bool) {
	for _, d := range a.Definitions.Defined(ctx) {
		if d.Section() == section && d.App == app && d.Name == name {
			return d, true
		}
	}
	return Defined{}, false
}

// Section is the list that it stands in.
func (d Defined) Section() config.Section { return config.Section(d.Definition.Section) }

// showDefinition tells how something is defined.
func (a *api) showDefinition(ctx context.Context, section config.Section, in *inApp) (shownDefinition, error) {
	shown := shownDefinition{App: in.App, Name: in.Name, Origin: "file", Settings: []setting{}}
	c := a.Current()
	if c.Sandbox {
		shown.Origin = "sandbox"
	}
	var made bool
	if a.Definitions != nil {
		var d Defined
		if d, made = a.defined(ctx, section, in.App, in.Name); made {
			shown.CreatedAt, shown.CreatedBy, shown.ChangedAt, shown.ChangedBy = d.CreatedAt, d.CreatedBy, d.ChangedAt, d.ChangedBy
			shown.YAML = a.masked(d.YAML)
			shown.Problems, shown.Warnings = problems(d.Problems), problems(d.Warnings)
			if !d.Shadowed {
				shown.Origin = string(config.OriginAPI)
			}
		}
	}
	path := strings.Join([]string{"apps", in.App, string(section), in.Name}, ".")
	all, err := c.Explain(path)
	if err != nil && !made {
		return shown, refuse(http.StatusNotFound, "there is no %s %s", section.One(), in.id())
	}
	for _, s := range all {
		shown.Settings = append(shown.Settings, setting{
			Key: strings.TrimPrefix(s.Path, path+"."), Value: s.Value, Secret: s.Secret, Default: s.Origin.Kind == config.OriginDefault,
		})
	}
	return shown, nil
}

// masked is YAML without secrets; nothing when it cannot be read.
func (a *api) masked(text string) string {
	d, err := definition.Parse([]byte(text))
	if err != nil {
		return ""
	}
	return d.Masked(definition.PublicKeys(a.Registry, d.Dialect()))
}

// standing is a definition that is there, and its text.
type standing struct {
	definition.Doc
	text string
}

// kept is the definition that is there; an empty one when there is none.
func (a *api) kept(ctx context.Context, section config.Section, in *definedIn) (standing, bool) {
	d, ok := a.defined(ctx, section, in.App, in.Name)
	if !ok {
		return standing{}, false
	}
	doc, err := definition.Parse([]byte(d.YAML))
	return standing{doc, d.YAML}, err == nil
}

// readDefinition reads the body of a request as a definition.
func readDefinition(ctx context.Context) (definition.Doc, error) {
	body, err := readBody(ctx, mediaJSON, mediaYAML)
	if err != nil {
		return definition.Doc{}, err
	}
	doc, err := definition.Parse(body)
	if err != nil {
		return doc, refuse(http.StatusBadRequest, "reading the request: %v", err)
	}
	return doc, nil
}

// put defines something in place of what there is.
func (a *api) put(ctx context.Context, section config.Section, in *definedIn) (definedAnswer, error) {
	doc, err := readDefinition(ctx)
	if err != nil {
		return definedAnswer{}, err
	}
	old, _ := a.kept(ctx, section, in)
	return a.define(ctx, section, in, old, doc)
}

// patch changes a part of what the API defined.
func (a *api) patch(ctx context.Context, section config.Section, in *definedIn) (definedAnswer, error) {
	doc, err := readDefinition(ctx)
	if err != nil {
		return definedAnswer{}, err
	}
	old, ok := a.kept(ctx, section, in)
	if !ok {
		return definedAnswer{}, a.notDefined(section, in)
	}
	return a.define(ctx, section, in, old, old.Patched(doc))
}

// notDefined says that the API did not define something, and who did.
func (a *api) notDefined(section config.Section, in *definedIn) *refusal {
	id := in.App + "/" + in.Name
	if _, err := a.Current().Explain(strings.Join([]string{"apps", in.App, string(section), in.Name}, ".")); err == nil {
		where := "the configuration file defines"
		if a.Current().Sandbox {
			where = "the sandbox has"
		}
		return refuse(http.StatusConflict, "%s the %s %s: it cannot be changed here", where, section.One(), id)
	}
	return refuse(http.StatusNotFound, "there is no %s %s", section.One(), id)
}

// define puts a definition into force.
func (a *api) define(ctx context.Context, section config.Section, in *definedIn, old standing, doc definition.Doc) (definedAnswer, error) {
	dry, err := in.DryRun.parse("dry_run")
	if err != nil {
		return definedAnswer{}, invalid(err)
	}
	before := old.Masked(definition.PublicKeys(a.Registry, old.Dialect()))
	doc, err = doc.Filled(old.Doc)
	if err != nil {
		return definedAnswer{}, refuse(http.StatusUnprocessableEntity, "%v", err)
	}
	after := doc.Masked(definition.PublicKeys(a.Registry, doc.Dialect()))
	n := note(ctx)
	n.Before, n.After = before, after
	if dry {
		skipNote(ctx)
	}
	outcome, err := a.Definitions.Define(ctx, DefinitionChange{
		Addition: config.Addition{Section: section, App: in.App, Name: in.Name, YAML: doc.String()}, Was: old.text, By: callerOf(ctx).Name, DryRun: dry,
	})
	return a.outcome(ctx, outcome, err, definedAnswer{DryRun: dry, YAML: after, Before: before})
}

// outcome answers what came of a change.
func (a *api) outcome(ctx context.Context, o DefinitionOutcome, err error, answer definedAnswer) (definedAnswer, error) {
	switch {
	case errors.Is(err, ErrNotApplied), errors.Is(err, settings.ErrOther):
		return answer, refuse(http.StatusConflict, "%v", err)
	case errors.Is(err, settings.ErrNone):
		return answer, refuse(http.StatusNotFound, "%v", err)
	case err != nil:
		return answer, a.unset(ctx, err)
	}
	answer.Problems, answer.Warnings = problems(o.Problems), problems(o.Warnings)
	answer.Changes, answer.Effects = o.Changes, o.Effects
	if len(o.Problems) == 0 || answer.DryRun {
		return answer, nil
	}
	status := http.StatusUnprocessableEntity
	if o.Shadowed {
		status = http.StatusConflict
	}
	lines := make([]string, len(o.Problems))
	for i, p := range o.Problems {
		lines[i] = strings.TrimPrefix(p.Path+": "+p.Text, ": ")
	}
	no := refuse(status, "%s", strings.Join(lines, "\n"))
	no.Problems, no.YAML = answer.Problems, answer.YAML
	return answer, no
}

// remove takes away what the API defined.
func (a *api) remove(ctx context.Context, section config.Section, in *definedIn) (definedAnswer, error) {
	dry, err := in.DryRun.parse("dry_run")
	if err != nil {
		return definedAnswer{}, invalid(err)
	}
	old, ok := a.kept(ctx, section, in)
	if !ok {
		return definedAnswer{}, a.notDefined(section, in)
	}
	before := old.Masked(definition.PublicKeys(a.Registry, old.Dialect()))
	note(ctx).Before = before
	if dry {
		skipNote(ctx)
	}
	outcome, err := a.Definitions.Define(ctx, DefinitionChange{
		Addition: config.Addition{Section: section, App: in.App, Name: in.Name}, Delete: true, Was: old.text, By: callerOf(ctx).Name, DryRun: dry,
	})
	return a.outcome(ctx, outcome, err, definedAnswer{DryRun: dry, Before: before})
}

// rotation says how a secret is replaced.
type rotation struct {
	Secret  string `json:"secret,omitzero" doc:"The new one; left out, the gateway makes one and shows it in the answer."`
	Key     string `json:"key,omitzero" enum:"secret,path_token" doc:"What is replaced: the dialect's secret, or a source's path token." default:"secret"`
	Overlap string `json:"overlap,omitzero" doc:"For how long the present one is still valid: 24h, 7d." default:"24h"`
}

// rotate puts a new secret behind the present one.
func (a *api) rotate(ctx context.Context, section config.Section, in *definedIn, want *rotation) (definedAnswer, error) {
	old, ok := a.kept(ctx, section, in)
	if !ok {
		return definedAnswer{}, a.notDefined(section, in)
	}
	if want.Overlap == "" {
		want.Overlap = "24h"
	}
	until, err := parseEnd("overlap", want.Overlap, a.Now())
	pathToken := want.Key == "path_token"
	switch {
	case err != nil:
		return definedAnswer{}, invalid(err)
	case want.Key != "" && want.Key != "secret" && !pathToken:
		return definedAnswer{}, refuse(http.StatusBadRequest, "key is %q; write secret or path_token", want.Key)
	case pathToken && section != config.SectionSources:
		return definedAnswer{}, refuse(http.StatusBadRequest, "only sources have a path_token")
	case want.Secret == "" && section == config.SectionSources && !pathToken && old.Dialect() != "cloudevents":
		return definedAnswer{}, refuse(http.StatusBadRequest, "secret is missing: write the one that the IM server signs with")
	}
	given := want.Secret
	if given == "" {
		given = definition.NewSecret(map[bool]string{false: old.Dialect()}[pathToken]).Reveal()
	}
	var names []string
	if d, err := a.Registry.Get(old.Dialect()); err == nil {
		for _, k := range d.Spec().Credentials {
			if k.Secret {
				names = append(names, k.Name)
			}
		}
	}
	next, err := old.Rotated(names, pathToken, dialect.Secret(given), until)
	if err != nil {
		return definedAnswer{}, refuse(http.StatusUnprocessableEntity, "%v", err)
	}
	answer, err := a.define(ctx, section, in, old, next)
	if err == nil && want.Secret == "" && len(answer.Problems) == 0 && !answer.DryRun {
		answer.Secret = given
	}
	return answer, err
}

// export writes what the API defined as a configuration file would have it.
func (a *api) export(ctx context.Context, _ *none) (stream, error) {
	var parts []definition.Part
	for _, section := range config.Sections() {
		for _, d := range a.Definitions.Defined(ctx) {
			doc, err := definition.Parse([]byte(d.YAML))
			if d.Section() != section || err != nil {
				continue
			}
			parts = append(parts, definition.Part{
				Section: d.Definition.Section, App: d.App, Name: d.Name, Doc: doc, Public: definition.PublicKeys(a.Registry, doc.Dialect()),
			})
		}
	}
	slices.SortStableFunc(parts, func(x, y definition.Part) int { return strings.Compare(x.App, y.App) })
	text, _ := definition.Export(parts)
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", mediaYAML)
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write([]byte(text))
	}, nil
}
