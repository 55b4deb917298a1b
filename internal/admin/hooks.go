package admin

import (
	"context"

	"github.com/imhook/imhook/internal/gateway"
)

// HookState is how a hook is doing. The words are output: append only.
type HookState string

// The states.
const (
	// HookAsked: it is asked, and what it says counts.
	HookAsked HookState = "asked"
	// HookShadow: it is asked, and what it says is written down.
	HookShadow HookState = "shadow"
	// HookOpen: it failed too often and is not asked for a while; its policy answers.
	HookOpen HookState = "open"
	// HookDisabled: the configuration says that it is not asked.
	HookDisabled HookState = "disabled"
)

// HookStatus is how one hook is doing.
type HookStatus struct {
	App   string    `json:"app"`
	Name  string    `json:"name"`
	State HookState `json:"state"`
	// Builtin or Dialect say what it is.
	Builtin string `json:"builtin,omitzero"`
	Dialect string `json:"dialect,omitzero"`
	Timeout string `json:"timeout"`
	// Failure is the latest one of a hook that is open.
	Failure gateway.Cause `json:"failure,omitzero"`
	// Asking is how many questions are open.
	Asking int `json:"asking"`
	// Words is how many a word list has.
	Words int `json:"words,omitzero"`
	// Trouble is what somebody should look at, in words; empty when there is nothing.
	Trouble string `json:"trouble,omitzero"`
	// Secrets are those that questions are signed with.
	Secrets []SecretStatus `json:"secrets,omitempty"`
}

// Hooks tells how the hooks are doing.
type Hooks interface {
	// Hooks returns all of them in configuration order.
	Hooks() []HookStatus
}

// hookList are all hooks, in the order in which they are asked.
type hookList struct {
	Hooks []HookStatus `json:"hooks"`
}

func (a *api) hooks(context.Context, *none) (hookList, error) {
	all := a.Hooks.Hooks()
	for i := range all {
		h := &all[i]
		if d, err := a.Registry.Get(h.Dialect); err == nil {
			o := Owner{OwnerHook, h.App, h.Name}
			if c := a.Current().Hook(h.App, h.Name); c != nil {
				h.Secrets = HookSecrets(c, d, a.Uses(o), a.Now())
			}
		}
	}
	return hookList{all}, nil
}
