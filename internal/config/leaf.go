package config

import (
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/imhook/imhook/dialect"
)

// leaf is one value of a configuration.
type leaf struct {
	// path is where the value stands, by names:
	// "apps.shop.endpoints.backend.timeout".
	path string
	// place is the same by numbers, as the file has it and problems say it:
	// "apps[0].endpoints[1].timeout".
	place string
	// value is for people, without secrets.
	value string
	// same is equal for equal values. It may hold a secret: a leaf is never shown.
	same   string
	secret bool
	effect Effect
}

// Words behind a key's name in a field's tag.
const (
	tagRestart  = "restart"
	tagPresence = "presence"
	tagFirst    = "first"
)

// leaves returns all values of c, in the order of the fields. It reads the fields'
// tags, so that no field can be forgotten.
func (c *Config) leaves() []leaf {
	var w leafWalk
	w.fields(reflect.ValueOf(c).Elem(), "", "", EffectLive)
	return w.all
}

type leafWalk struct{ all []leaf }

func (w *leafWalk) add(path, place, value, same string, e Effect) {
	w.all = append(w.all, leaf{path: path, place: place, value: value, same: same, effect: e})
}

func (w *leafWalk) hide(path, place string, d dialect.DatedSecret, e Effect) {
	value := quoted("")
	if d.Value != "" {
		value = dialect.Redacted
	}
	if !d.From.IsZero() {
		value += " from " + d.From.Format(time.RFC3339)
	}
	if !d.Until.IsZero() {
		value += " until " + d.Until.Format(time.RFC3339)
	}
	w.all = append(w.all, leaf{path: path, place: place, value: value, same: value + "\x00" + d.Value.Reveal(), secret: true, effect: e})
}

// fields walks over a struct.
func (w *leafWalk) fields(v reflect.Value, path, place string, e Effect) {
	for field, value := range v.Fields() {
		key, word, _ := strings.Cut(field.Tag.Get("key"), ",")
		if key == "-" || !field.IsExported() {
			continue
		}
		effect := e
		switch word {
		case tagRestart:
			effect = EffectRestart
		case tagFirst:
			effect = EffectFirst
		}
		if value.Kind() == reflect.Pointer {
			presence, state := effect, "on"
			if word == tagPresence {
				presence = EffectRestart
			}
			if value.IsNil() {
				state = "off"
			}
			w.add(join(path, key), join(place, key), state, state, presence)
			if value.IsNil() {
				continue
			}
		}
		w.value(value, join(path, key), join(place, key), effect)
	}
}

// value walks over what a field holds.
func (w *leafWalk) value(v reflect.Value, path, place string, e Effect) {
	switch x := v.Interface().(type) {
	case dialect.Secret:
		w.hide(path, place, dialect.DatedSecret{Value: x}, e)
	case []dialect.DatedSecret:
		for i, d := range x {
			n := "[" + strconv.Itoa(i) + "]"
			w.hide(path+n, place+n, d, e)
		}
	case dialect.Credentials:
		w.value(reflect.ValueOf(x.Public), path, place, e)
		w.value(reflect.ValueOf(x.Secrets), path+".secrets", place+".secrets", e)
	case map[string]string:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			w.add(join(path, k), join(place, k), quoted(x[k]), x[k], e)
		}
	case Start:
		same := x.String()
		if x.Ago > 0 {
			same = x.Ago.String() // read again it is another time, and the same wish
		}
		w.add(path, place, x.String(), same, e)
	case []App:
		for i := range x {
			w.element(reflect.ValueOf(x[i]), path, place, i, e)
		}
	case []Source:
		for i := range x {
			w.element(reflect.ValueOf(x[i]), path, place, i, e)
		}
	case []Hook:
		for i := range x {
			w.element(reflect.ValueOf(x[i]), path, place, i, e)
		}
	case []Endpoint:
		for i := range x {
			w.element(reflect.ValueOf(x[i]), path, place, i, e)
		}
	default:
		w.plain(v, path, place, e)
	}
}

// element walks over something that has a name.
func (w *leafWalk) element(v reflect.Value, path, place string, i int, e Effect) {
	w.fields(v, join(path, v.FieldByName("Name").String()), fmt.Sprintf("%s[%d]", place, i), e)
}

// plain adds a value that is one line, or walks on below it.
func (w *leafWalk) plain(v reflect.Value, path, place string, e Effect) {
	switch v.Kind() {
	case reflect.Pointer:
		w.plain(v.Elem(), path, place, e)
	case reflect.Struct:
		w.fields(v, path, place, e)
	default:
		text := text(v)
		w.add(path, place, text, text, e)
	}
}

// text is a plain value as it is written in the file.
func text(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return x.String()
	case int64:
		return sizeText(x)
	case netip.Prefix:
		return x.String()
	}
	switch v.Kind() {
	case reflect.String:
		return quoted(v.String())
	case reflect.Slice:
		all := make([]string, v.Len())
		for i := range all {
			all[i] = text(v.Index(i))
		}
		return "[" + strings.Join(all, ", ") + "]"
	default:
		return fmt.Sprint(v.Interface())
	}
}

// sizeText writes bytes with the largest unit that leaves no rest.
func sizeText(n int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n != 0 && n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

// quoted puts quotes around a text that needs them to be seen.
func quoted(s string) string {
	if s == "" || s != strings.TrimSpace(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}
