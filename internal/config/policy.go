package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
)

// Policy is whose way of delivering an endpoint has. The words are configuration:
// append only.
type Policy string

// The policies.
const (
	// PolicyImhook keeps events and tries until they arrive.
	PolicyImhook Policy = "imhook"
	// PolicyVendor delivers as the server of the dialect's vendor does, and loses what
	// that loses.
	PolicyVendor Policy = "vendor"
)

// policy reads whose way of delivering it is, after all other keys: it contradicts some
// of them and decides others. The dialect is nil where the endpoint has none.
func (l *loader) policy(o *object, d dialect.Dialect, e *Endpoint) {
	word(o, "policy", &e.Policy, PolicyImhook, PolicyVendor)
	v, ok := o.get("policy")
	if !ok || e.Policy != PolicyVendor {
		return
	}
	switch {
	case e.Builtin != "" || e.Kafka != nil || e.NATS != nil:
		v.wrong("is vendor, and no vendor delivers there; it is for an endpoint with a url")
		return
	case d == nil:
		return // reported
	case d.Spec().Delivery == nil:
		v.wrong("is vendor, and %s is nobody's but imhook's own: there is no vendor's server to deliver like; remove it, or write a vendor's dialect (%s)",
			d.Spec().Name, strings.Join(l.vendors(), ", "))
		return
	}
	of := d.Spec().Delivery
	for _, c := range contradictions(of) {
		if k, ok := o.fields[c.key]; ok && !c.harmless(k) {
			k.wrong("contradicts policy: vendor, since %s; remove one of the two", c.why)
		}
	}
	e.asVendor(v, of)
}

// vendors are the dialects that have a vendor.
func (l *loader) vendors() []string {
	var names []string
	for _, d := range l.Registry.All() {
		if d.Spec().Delivery != nil {
			names = append(names, d.Spec().Name)
		}
	}
	slices.Sort(names)
	return names
}

// contradiction is a key that says otherwise than the vendor does.
type contradiction struct {
	key, why string
	// same is the value that says the same; empty when none does.
	same string
}

func (c contradiction) harmless(v value) bool { return c.same != "" && v.node.Value == c.same }

// contradictions are the keys that nobody can wish for beside a vendor's policy.
func contradictions(of *dialect.Delivery) []contradiction {
	name := of.Vendor
	all := []contradiction{
		{"order", name + " promises no order", string(OrderNone)},
		{"retry", fmt.Sprintf("%s tries %s", name, times(of.Attempts())), ""},
		{"breaker", name + " has none of imhook's", ""},
		{"on_poison", name + " drops what is not taken", string(PoisonPark)},
		{"on_refusal", name + " does not read the answer", string(RefusalIgnore)},
		{"rate", name + " sends as fast as events come", unlimited},
		{"bytes_in_flight", name + " sends as fast as events come", ""},
		{"batch", name + " sends events singly", ""},
		{"spread", name + " counts failures in one place", "1"},
		{"coalesce", name + " sends every event", ""},
	}
	if !of.Adjustable {
		all = append(all, contradiction{"timeout", fmt.Sprintf("%s waits %v", name, of.Timeout), of.Timeout.String()})
	}
	if of.Parallel > 0 {
		all = append(all, contradiction{"concurrency", fmt.Sprintf("%s has %d requests in flight", name, of.Parallel), fmt.Sprint(of.Parallel)})
	}
	return all
}

// times is how often in words.
func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// asVendor is the endpoint with what the vendor decides; v is where its policy stands.
func (e *Endpoint) asVendor(v value, of *dialect.Delivery) {
	why := "policy: vendor, " + of.Vendor
	decide := func(key string) {
		place := strings.TrimSuffix(v.path, "policy") + key
		if v.w.origins[place].Kind != OriginKey {
			v.came(place, OriginPolicy, why)
		}
	}
	if !of.Adjustable || v.w.origins[strings.TrimSuffix(v.path, "policy")+"timeout"].Kind != OriginKey {
		e.Timeout = of.Timeout
	}
	if of.Parallel > 0 {
		e.Concurrency = of.Parallel
		decide("concurrency")
	}
	e.Order, e.Breaker.Off = OrderNone, true
	e.Retry.Fast, e.Retry.MaxAttempts = make([]time.Duration, of.Retries), of.Attempts()
	for _, key := range []string{"timeout", "order", "breaker.off", "retry.fast", "retry.max_attempts"} {
		decide(key)
	}
}
