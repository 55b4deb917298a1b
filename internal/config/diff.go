package config

import (
	"fmt"
	"slices"
	"strings"
)

// Effect says when a change of a value works. The words are output: append only.
type Effect string

// The effects.
const (
	// EffectLive: at once, while the gateway runs.
	EffectLive Effect = "live"
	// EffectRestart: with the next start.
	EffectRestart Effect = "restart"
	// EffectFirst: never again. The value is for an endpoint that is new, and this
	// one has begun.
	EffectFirst Effect = "first"
)

// ChangeKind says what became of something. The words are output: append only.
type ChangeKind string

// The kinds.
const (
	ChangeAdded   ChangeKind = "added"
	ChangeRemoved ChangeKind = "removed"
	ChangeChanged ChangeKind = "changed"
)

// Object is what a change is about. The words are output: append only.
type Object string

// The objects.
const (
	// ObjectGateway is everything outside of apps: listen, journal, admin.
	ObjectGateway  Object = "gateway"
	ObjectApp      Object = "app"
	ObjectSource   Object = "source"
	ObjectEndpoint Object = "endpoint"
	ObjectHook     Object = "hook"
)

// Change is what is different about one thing between two configurations.
type Change struct {
	Kind   ChangeKind `json:"kind"`
	Object Object     `json:"object"`
	// App and Name say which; App alone for an app, neither for the gateway.
	App  string `json:"app,omitzero"`
	Name string `json:"name,omitzero"`
	// Keys are what changed; empty for what was added or removed.
	Keys []KeyChange `json:"keys,omitzero"`
}

// KeyChange is one value that is different.
type KeyChange struct {
	// Key below the thing: "retry.max_age", and for the gateway "journal.url".
	Key string `json:"key"`
	// Old and New are as [Setting] has them, secrets redacted; empty where there is
	// none.
	Old    string `json:"old"`
	New    string `json:"new"`
	Secret bool   `json:"secret,omitzero"`
	Effect Effect `json:"effect"`
}

// String is the change of a key in words: "timeout 5s → 10s".
func (k KeyChange) String() string {
	text := k.Key + " " + k.Old + " → " + k.New
	switch {
	case k.Old == "":
		text = k.Key + " added: " + k.New
	case k.New == "":
		text = k.Key + " removed, was " + k.Old
	case k.Old == k.New:
		text = k.Key + " changed"
	}
	switch k.Effect {
	case EffectRestart:
		text += " (needs a restart)"
	case EffectFirst:
		text += " (has no effect: the endpoint has begun)"
	case EffectLive:
	}
	return text
}

// Restart reports whether something of the change works with the next start only.
func (c Change) Restart() bool {
	return slices.ContainsFunc(c.Keys, func(k KeyChange) bool { return k.Effect == EffectRestart })
}

// String is the change on one line: "endpoint shop/backend changed: timeout 5s →
// 10s".
func (c Change) String() string {
	what := string(c.Object)
	switch {
	case c.Name != "":
		what += " " + c.App + "/" + c.Name
	case c.App != "":
		what += " " + c.App
	}
	if len(c.Keys) == 0 {
		return fmt.Sprintf("%s %s", what, c.Kind)
	}
	keys := make([]string, len(c.Keys))
	for i, k := range c.Keys {
		keys[i] = k.String()
	}
	return fmt.Sprintf("%s %s: %s", what, c.Kind, strings.Join(keys, ", "))
}

// Diff returns what is different in next: first the gateway, then app by app, in
// the order of next with what is gone at the end. The order of apps, sources and
// endpoints in the file means nothing; that of hooks is the order in which they are
// asked. A new name is another thing: the old one is removed.
func Diff(old, next *Config) []Change {
	was, is := things(old), things(next)
	before := map[identity]thing{}
	for _, t := range was {
		before[t.identity] = t
	}
	var all []Change
	for _, t := range is {
		o, ok := before[t.identity]
		delete(before, t.identity)
		if !ok {
			all = append(all, t.change(ChangeAdded))
			continue
		}
		if keys := append(diffKeys(o, t), reordered(o, t)...); len(keys) > 0 {
			c := t.change(ChangeChanged)
			c.Keys = keys
			all = append(all, c)
		}
	}
	for _, t := range was {
		if _, gone := before[t.identity]; gone {
			all = append(all, t.change(ChangeRemoved))
		}
	}
	return all
}

// identity tells one thing from another.
type identity struct {
	object    Object
	app, name string
}

// thing is something that changes as a whole, with its values.
type thing struct {
	identity
	// path is above its values: "apps.shop.endpoints.backend."; empty for the
	// gateway.
	path   string
	leaves []leaf
	// hooks are an app's, in the order in which they are asked.
	hooks []string
}

func (t thing) change(kind ChangeKind) Change {
	return Change{Kind: kind, Object: t.object, App: t.app, Name: t.name}
}

// things sorts the values of c by what they are about.
func things(c *Config) []thing {
	var all []thing
	at := map[string]int{}
	add := func(place, path string, id identity) {
		at[place] = len(all)
		all = append(all, thing{identity: id, path: path})
	}
	add("", "", identity{object: ObjectGateway})
	for i, a := range c.Apps {
		place, path := fmt.Sprintf("apps[%d]", i), "apps."+a.Name+"."
		add(place, path, identity{ObjectApp, a.Name, ""})
		for _, h := range a.Hooks {
			all[at[place]].hooks = append(all[at[place]].hooks, h.Name)
		}
		for i, s := range a.Sources {
			add(fmt.Sprintf("%s.sources[%d]", place, i), path+"sources."+s.Name+".", identity{ObjectSource, a.Name, s.Name})
		}
		for i, h := range a.Hooks {
			add(fmt.Sprintf("%s.hooks[%d]", place, i), path+"hooks."+h.Name+".", identity{ObjectHook, a.Name, h.Name})
		}
		for i, e := range a.Endpoints {
			add(fmt.Sprintf("%s.endpoints[%d]", place, i), path+"endpoints."+e.Name+".", identity{ObjectEndpoint, a.Name, e.Name})
		}
	}
	for _, l := range c.leaves() {
		t := &all[at[owner(l.place)]]
		t.leaves = append(t.leaves, l)
	}
	return all
}

// owner is the place of the thing that a value is about.
func owner(place string) string {
	if !strings.HasPrefix(place, "apps[") {
		return ""
	}
	app, rest, _ := strings.Cut(place, ".")
	part, _, _ := strings.Cut(rest, ".")
	if strings.HasPrefix(part, "sources[") || strings.HasPrefix(part, "hooks[") || strings.HasPrefix(part, "endpoints[") {
		return app + "." + part
	}
	return app
}

// reordered is the change of the order in which the hooks are asked that are in both.
func reordered(was, is thing) []KeyChange {
	both := func(of, in []string) []string {
		return slices.DeleteFunc(slices.Clone(of), func(h string) bool { return !slices.Contains(in, h) })
	}
	before, now := both(was.hooks, is.hooks), both(is.hooks, was.hooks)
	if slices.Equal(before, now) {
		return nil
	}
	return []KeyChange{{Key: "hooks", Old: strings.Join(before, ", "), New: strings.Join(now, ", "), Effect: EffectLive}}
}

func diffKeys(was, is thing) []KeyChange {
	var keys []KeyChange
	old := map[string]leaf{}
	for _, l := range was.leaves {
		old[strings.TrimPrefix(l.path, was.path)] = l
	}
	for _, l := range is.leaves {
		key := strings.TrimPrefix(l.path, is.path)
		o, ok := old[key]
		delete(old, key)
		if ok && o.same == l.same {
			continue
		}
		keys = append(keys, KeyChange{Key: key, Old: o.value, New: l.value, Secret: l.secret, Effect: l.effect})
	}
	for _, l := range was.leaves {
		key := strings.TrimPrefix(l.path, was.path)
		if _, gone := old[key]; gone {
			keys = append(keys, KeyChange{Key: key, Old: l.value, Secret: l.secret, Effect: l.effect})
		}
	}
	return keys
}
