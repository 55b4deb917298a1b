package main

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/imfake"
)

// keys are what a dialect signs with, on both sides, as the configuration has them.
var keys = map[string]string{
	"rongcloud":   "app_key: chaos-key, app_secret: chaos-secret",
	"tencent":     `sdk_app_id: "1400000001", token: chaos-token`,
	"easemob":     "secret: chaos-secret",
	"cloudevents": "secret: whsec_Y2hhb3Mtc2VjcmV0LW9mLXRoZS1jaGFvcy10ZXN0",
}

// credentialsOf are keys as Go has them.
func credentialsOf(d dialect.Dialect) (cred dialect.Credentials) {
	secret := map[string]bool{}
	for _, k := range d.Spec().Credentials {
		secret[k.Name] = k.Secret
	}
	cred.Public = map[string]string{}
	for pair := range strings.SplitSeq(keys[d.Spec().Name], ", ") {
		name, value, ok := strings.Cut(pair, ": ")
		value = strings.Trim(value, `"`)
		switch {
		case !ok:
		case secret[name]:
			cred.Secrets = append(cred.Secrets, dialect.DatedSecret{Value: dialect.Secret(value)})
		default:
			cred.Public[name] = value
		}
	}
	return cred
}

// moving is the endpoint that is taken out of the configuration and comes back.
const moving = "moving"

// cast are the backends: each keeps another of the promises.
func cast(cfg settings) []*backend {
	spread := ""
	if cfg.Gateways > 1 {
		spread = ", spread: 6"
	}
	order := ", order: " + cfg.Order
	all := []*backend{
		{name: "plain", dialect: pick("wildfirechat"), more: order + spread},
		{name: "signed", dialect: pick("tencent"), more: order},
		{name: "strict", dialect: pick("cloudevents"), more: ", order: strict, batch: {count: 50}"},
		{name: "batched", dialect: pick("rongcloud"), more: order + ", batch: {count: 20, linger: 20ms}"},
		{name: "refusing", dialect: pick("easemob"), more: order, refuses: func(m imfake.Mark) bool {
			h := fnv.New64a()
			_, _ = fmt.Fprint(h, cfg.Seed, m)
			return h.Sum64()%100 == 0
		}},
		{name: moving, dialect: pick("openim"), more: order},
	}
	for _, b := range all {
		b.credentials = credentialsOf(b.dialect)
	}
	return all
}

// pick is a dialect.
func pick(name string) dialect.Dialect {
	d, err := builtin.New().Get(name)
	if err != nil {
		panic(err) // the names stand above
	}
	return d
}

// variant is what changes in the configuration.
type variant struct {
	// without the moving endpoint.
	without bool
	// concurrency and timeout of all endpoints.
	concurrency int
	timeout     string
}

// plain is the configuration in the beginning and in the end.
var plain = variant{concurrency: 32, timeout: "2s"}

// configuration of a gateway.
func (w *world) configuration(g *gateway, v variant) string {
	var out strings.Builder
	fmt.Fprintf(&out, "listen: %s\ndata_dir: %s/data\n", g.addr, g.dir)
	if len(g.links) > 0 {
		urls := make([]string, 0, len(g.links))
		for _, l := range g.links {
			urls = append(urls, "nats://"+l.addr())
		}
		fmt.Fprintf(&out, "journal: {url: %q, replicas: %d, name: chaos}\n", strings.Join(urls, ","), len(w.nodes))
	}
	out.WriteString("apps:\n  - name: shop\n    sources:\n")
	for _, d := range builtin.New().All() {
		name := d.Spec().Name
		fmt.Fprintf(&out, "      - {name: %s, dialect: %s, credentials: {%s}}\n", name, name, keys[name])
	}
	out.WriteString("    endpoints:\n")
	for _, b := range w.backends {
		if b.name == moving && v.without {
			continue
		}
		fmt.Fprintf(&out, "      - {name: %s, dialect: %s, url: \"http://%s\", credentials: {%s}, concurrency: %d, timeout: %s%s,\n"+
			"         retry: {fast: [20ms, 100ms], slow: {from: 200ms, to: 1s}, max_age: 24h}, breaker: {least: 5, pause: {from: 100ms, to: 1s}}}\n",
			b.name, b.dialect.Spec().Name, b.link.addr(), keys[b.dialect.Spec().Name], v.concurrency, v.timeout, b.more)
	}
	return out.String()
}

// sources are the names of all sources, in order.
func sources() (names []string) {
	for _, d := range builtin.New().All() {
		names = append(names, d.Spec().Name)
	}
	slices.Sort(names)
	return names
}
