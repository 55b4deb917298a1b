package config

import (
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/suggest"
)

// source reads one source.
func (l *loader) source(o *object) Source {
	s := Source{Name: o.name("source"), Generation: generationAuto}
	unique(o, s.Name, l.sources, "source of the gateway")
	d := l.dialect(o, &s.Dialect)
	if d != nil {
		spec := d.Spec()
		l.generation(o, spec, &s.Generation)
		s.Credentials = l.credentials(o, o.credentials(), d, &s)
		s.MaxAge = spec.MaxAge
		o.duration("max_age", &s.MaxAge)
		if v, ok := o.get("max_age"); ok && spec.MaxAge == 0 {
			v.wrong("%s signs no timestamp; remove it", spec.Name)
		}
		l.unsigned(o, spec, &s)
		l.deadline(o, spec, &s)
	} else {
		o.asked = append(o.asked, "generation", "credentials", "max_age", "accept_unsigned", "deadline")
	}
	s.AllowFrom = o.prefixes("allow_from")
	o.later("tls")
	o.done()
	return s
}

// credentials returns the mapping of that name, nil when there is none.
func (o *object) credentials() *object {
	v, ok := o.get("credentials")
	if !ok {
		return nil
	}
	c := v.object()
	if c.node.Kind != yaml.MappingNode {
		return nil
	}
	return c
}

// dialect reads the dialect of a source or endpoint; nil when it is missing or
// unknown, which was reported.
func (l *loader) dialect(o *object, to *string) dialect.Dialect {
	names := l.Registry.Names()
	v, ok := o.get("dialect")
	if !ok {
		o.missing("dialect", "write one of "+strings.Join(names, ", "))
		return nil
	}
	s, ok := v.text()
	if !ok {
		return nil
	}
	d, err := l.Registry.Get(s)
	if err != nil {
		v.wrong("unknown dialect %q%s", s, orElse(suggest.DidYouMean(s, names), "; there are "+strings.Join(names, ", ")))
		return nil
	}
	*to = s
	return d
}

// generation reads a wire generation.
func (l *loader) generation(o *object, spec *dialect.Spec, to *string) {
	v, ok := o.get("generation")
	if !ok {
		return
	}
	if len(spec.Generations) == 0 {
		if s, ok := v.text(); ok && s != generationAuto {
			v.wrong("%s has one generation only; remove it", spec.Name)
		}
		return
	}
	word(o, "generation", to, append([]string{generationAuto}, spec.Generations...)...)
}

// unsigned reads the kinds that may come without a signature.
func (l *loader) unsigned(o *object, spec *dialect.Spec, s *Source) {
	v, ok := o.get("accept_unsigned")
	if !ok {
		return
	}
	s.AcceptUnsigned = v.texts()
	if spec.MaxAge == 0 {
		v.wrong("%s signs nothing; remove it", spec.Name)
	}
	for i, kind := range s.AcceptUnsigned {
		if !isName(kind) {
			v.wrong("item %d is not a kind of event; write a word such as reaction", i)
		}
	}
}

// deadline reads how long the source's server waits.
func (l *loader) deadline(o *object, spec *dialect.Spec, s *Source) {
	s.Deadline = spec.Deadline
	o.duration("deadline", &s.Deadline)
	if v, ok := o.get("deadline"); ok && s.Deadline > maxDeadline {
		v.wrong("is more than %v; no IM server keeps a message waiting for so long, write what it waits", maxDeadline)
	} else if ok && s.Deadline > 0 && s.Deadline < minDeadline {
		v.wrong("is less than %v, in which no hook can be asked: every question would have its on_timeout; write what the server waits", minDeadline)
	}
}

// Bounds of how long a before-callback may wait.
const (
	minDeadline = 10 * time.Millisecond
	maxDeadline = 5 * time.Minute
)

func orElse(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
