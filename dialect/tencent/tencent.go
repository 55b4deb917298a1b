package tencent

import (
	"sync"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Name is the dialect's word in configuration.
const Name = "tencent"

// jsonType is what requests and answers are said to be. The vendor's overview
// shows no Content-Type of a request.
const jsonType = "application/json"

// The keys of credentials.
const (
	appIDKey = "sdk_app_id"
	tokenKey = "token"
)

// sampleAppID stands where samples hold the SdkAppid.
const sampleAppID = "1400000000"

// Dialect is Tencent Cloud Chat's wire language. It does not change and is safe for
// concurrent use; make it with [New].
type Dialect struct {
	spec   dialect.Spec
	byName map[string]*command
	byType map[saying]*command

	// inputs are the readers of bodies; no event keeps anything of one.
	inputs sync.Pool
	// outputs are what events are written with; no request keeps anything of one.
	outputs sync.Pool
}

// saying is what a command can say of another dialect's event.
type saying struct {
	t     event.Type
	phase event.Phase
	kind  event.Kind
}

var _ dialect.Dialect = (*Dialect)(nil)

// New returns the dialect.
func New() *Dialect {
	d := &Dialect{
		spec: dialect.Spec{
			Name:       Name,
			CommandKey: commandKey,
			Credentials: []dialect.CredentialKey{
				{
					Name: appIDKey, Required: true, Sample: sampleAppID,
					Line: "the SDKAppID of the console; a request that names another is refused",
				},
				{Name: tokenKey, Secret: true, Required: true, Line: "the authentication token of the console's webhook page"},
			},
			MaxAge:          5 * time.Minute,
			Deadline:        2 * time.Second,
			Delivery:        delivery(),
			SignatureExempt: []string{"Sign", "RequestTime"},
		},
		byName:  map[string]*command{},
		byType:  map[saying]*command{},
		inputs:  sync.Pool{New: func() any { return new(input) }},
		outputs: sync.Pool{New: func() any { return new(output) }},
	}
	for _, c := range commands() {
		d.spec.Commands = append(d.spec.Commands, c.spec)
		d.byName[c.spec.Name] = c
		for _, s := range c.says {
			d.byType[saying{s.t, c.spec.Phase, s.kind}] = c
		}
	}
	return d
}

// Spec describes the dialect.
func (d *Dialect) Spec() *dialect.Spec { return &d.spec }

// Path returns the path that ev came in on. The vendor's server appends none.
func (d *Dialect) Path(ev *event.Event) string {
	if ev.Raw.Dialect == Name {
		return ev.Raw.Path
	}
	return ""
}
