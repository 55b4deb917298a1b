package admin

import (
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/config"
)

// SecretState says whether a secret is valid. The words are output: append only.
type SecretState string

// The states.
const (
	SecretLive    SecretState = "live"
	SecretNotYet  SecretState = "not yet"
	SecretExpired SecretState = "expired"
)

// SecretStatus is how one secret is doing, never what it is.
type SecretStatus struct {
	// Key is its name in the configuration, Place the one in its list, from 1.
	Key   string `json:"key"`
	Place int    `json:"place"`
	// From and Until bound when it is valid; zero is open.
	From  time.Time   `json:"from,omitzero"`
	Until time.Time   `json:"until,omitzero"`
	State SecretState `json:"state"`
	// LastUsed is when a request came that was verified with it, or one was signed
	// with it, to a second; zero when there was none since the gateway started.
	LastUsed time.Time `json:"lastUsed,omitzero"`
}

// OwnerKind is what has secrets. The words are output: append only.
type OwnerKind string

// The kinds.
const (
	OwnerSource   OwnerKind = "source"
	OwnerEndpoint OwnerKind = "endpoint"
	OwnerHook     OwnerKind = "hook"
)

// Owner is a source or endpoint that has secrets.
type Owner struct {
	Kind OwnerKind
	App  string
	Name string
}

// keyPathToken is what a source's path tokens are called.
const keyPathToken = "path_token"

// SourceSecrets are those of a source, path tokens first, as they are at now.
func SourceSecrets(s *config.Source, d dialect.Dialect, uses *dialect.SecretUses, now time.Time) []SecretStatus {
	tokens := s.PathTokens
	if s.PathToken != "" {
		tokens = append([]dialect.DatedSecret{{Value: s.PathToken}}, tokens...)
	}
	all := statuses(nil, keyPathToken, tokens, uses, now)
	return statuses(all, secretKey(d.Spec()), s.Credentials.Secrets, uses, now)
}

// EndpointSecrets are those of an endpoint, as they are at now; d is nil for one
// that is built in.
func EndpointSecrets(e *config.Endpoint, d dialect.Dialect, uses *dialect.SecretUses, now time.Time) []SecretStatus {
	if d == nil {
		return nil
	}
	return statuses(nil, secretKey(d.Spec()), e.Credentials.Secrets, uses, now)
}

// secretKey is the name of a dialect's secret in the configuration.
func secretKey(spec *dialect.Spec) string {
	for _, k := range spec.Credentials {
		if k.Secret {
			return k.Name
		}
	}
	return "secret"
}

func statuses(to []SecretStatus, key string, all []dialect.DatedSecret, uses *dialect.SecretUses, now time.Time) []SecretStatus {
	for i, d := range all {
		s := SecretStatus{Key: key, Place: i + 1, From: d.From, Until: d.Until, State: SecretLive, LastUsed: uses.Last(d.Value)}
		switch {
		case d.Live(now):
		case now.Before(d.From):
			s.State = SecretNotYet
		default:
			s.State = SecretExpired
		}
		to = append(to, s)
	}
	return to
}

// HookSecrets are those of a hook, as they are at now.
func HookSecrets(h *config.Hook, d dialect.Dialect, uses *dialect.SecretUses, now time.Time) []SecretStatus {
	return statuses(nil, secretKey(d.Spec()), h.Credentials.Secrets, uses, now)
}

// endpointSecrets are those of all endpoints that are configured.
func (a *api) endpointSecrets() map[Owner][]SecretStatus {
	all := map[Owner][]SecretStatus{}
	now := a.Now()
	for _, app := range a.Current().Apps {
		for i := range app.Endpoints {
			e := &app.Endpoints[i]
			if d, err := a.Registry.Get(e.Dialect); err == nil && len(e.Credentials.Secrets) > 0 {
				o := Owner{OwnerEndpoint, app.Name, e.Name}
				all[o] = EndpointSecrets(e, d, a.Uses(o), now)
			}
		}
	}
	return all
}
