package dialecttest

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// finding is one thing that is wrong.
type finding struct {
	check string
	// scope is the case or the command.
	scope string
	text  string
}

// inspector walks over a subject and collects findings; what to do with them is
// up to its caller, so that the suite can be tested itself.
type inspector struct {
	Subject
	spec  *dialect.Spec
	cases []golden
	// write puts an output in place; nil when outputs are compared instead.
	write    func(folder, file string, content []byte) error
	findings []finding
	// carriers are what Sign adds or changes, and what the spec says carries the
	// signature.
	carriers map[carrier]bool
	// deep are the addresses, query and media type included, at which bodies nested
	// too deep were tried. Where several cases have one, trying again, with a body
	// that is none of theirs, would show nothing new and takes long.
	deep map[[3]string]bool
}

func newInspector(s Subject) (*inspector, error) {
	in := &inspector{Subject: s, spec: s.Dialect.Spec(), deep: map[[3]string]bool{}}
	for _, key := range in.spec.Credentials {
		if key.Secret && key.Required && len(s.Credentials.Secrets) == 0 {
			return nil, fmt.Errorf("%s needs the secret %s and the subject has none", in.spec.Name, key.Name)
		}
	}
	var err error
	if in.cases, err = loadGoldens(s.Wire, in.spec); err != nil {
		return nil, err
	}
	if len(in.cases) == 0 {
		return nil, errors.New("there are no golden cases")
	}
	return in, nil
}

// probe takes the failures of one check on one scope.
type probe struct {
	in           *inspector
	check, scope string
}

func (p *probe) failf(format string, args ...any) {
	p.in.findings = append(p.in.findings, finding{p.check, p.scope, fmt.Sprintf(format, args...)})
}

// said looks for secrets in what the dialect put into words.
func (p *probe) said(what string, text []byte) {
	for _, s := range p.in.Credentials.Secrets {
		if secret := s.Value.Reveal(); secret != "" && bytes.Contains(text, []byte(secret)) {
			p.in.findings = append(p.in.findings, finding{"secret", p.scope, "a secret stands in " + what + " (check " + p.check + ")"})
		}
	}
}

func (p *probe) err(what string, err error) {
	if err != nil {
		p.said("the error of "+what, []byte(err.Error()))
	}
}

// run makes one check; a panic is a finding.
func (in *inspector) run(check, scope string, f func(p *probe)) {
	p := &probe{in: in, check: check, scope: scope}
	defer func() {
		if r := recover(); r != nil {
			p.failf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	f(p)
}

func (in *inspector) inspect() {
	in.findCarriers()
	for _, c := range in.spec.Commands {
		in.run("coverage", c.Name, func(p *probe) { p.covered(c) })
		in.inspectSample(c)
		in.inspectVerdicts(c)
	}
	in.run("sample", "-", (*probe).noSuchSample)
	for i := range in.cases {
		in.inspectCase(&in.cases[i])
	}
}

func (in *inspector) inspectCase(g *golden) {
	var evs []*event.Event
	in.run("decode", g.folder, func(p *probe) { evs = p.decode(g) })
	if len(evs) == 0 {
		return
	}
	for _, c := range []struct {
		name string
		f    func(p *probe, g *golden, evs []*event.Event)
	}{
		{"events", (*probe).events},
		{"raw", (*probe).raw},
		{"json", (*probe).json},
		{"aliasing", (*probe).aliasing},
		{"determinism", (*probe).determinism},
		{"path", (*probe).path},
		{"reply", (*probe).reply},
		{"verdict", (*probe).verdict},
		{"carries", (*probe).carriesAll},
		{"judge", (*probe).judge},
		{"refuse", (*probe).refuse},
		{"encode", (*probe).encode},
		{"roundtrip", (*probe).roundtrip},
		{"broken", (*probe).broken},
		{"unknown-key", (*probe).unknownKey},
	} {
		in.run(c.name, g.folder, func(p *probe) { c.f(p, g, evs) })
	}
	if len(in.Credentials.Secrets) > 0 {
		in.run("verify", g.folder, func(p *probe) { p.verify(g) })
		in.run("signature", g.folder, func(p *probe) { p.signature(g) })
		in.run("stale", g.folder, func(p *probe) { p.stale(g) })
		in.run("flip", g.folder, func(p *probe) { p.flip(g) })
	}
	in.run("files", g.folder, func(p *probe) { p.files(g, evs) })
}

func (p *probe) covered(c dialect.Command) {
	for _, g := range p.in.cases {
		if g.command == c.Name {
			return
		}
	}
	p.failf("no golden case testdata/wire/%s", folderName(c.Name))
}
