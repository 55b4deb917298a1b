package dialect

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"sort"

	"github.com/go-json-experiment/json/jsontext"
)

// Tidy returns a JSON value as a strict reader takes it: without white space,
// with broken UTF-8 replaced, and of a key given twice the last value alone, in
// the place of the first. The result does not share memory with v. It takes time
// in proportion to v however deep that nests: the contents of messages come here,
// which anybody may write.
func Tidy(v jsontext.Value) (jsontext.Value, error) {
	out, err := jsontext.AppendFormat(nil, v,
		jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(false), jsontext.PreserveRawStrings(false))
	if !errors.Is(err, jsontext.ErrDuplicateName) {
		if err != nil {
			return nil, err
		}
		return out, nil
	}
	out, err = jsontext.AppendFormat(nil, v,
		jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true), jsontext.PreserveRawStrings(false))
	if err != nil {
		return nil, err
	}
	u := unique{text: out, objects: repeaters(out)}
	return u.append(make([]byte, 0, len(out)), 0, len(out)), nil
}

// span is a piece of a text.
type span struct{ from, to int }

// objectMember is a key with its quotes and its last value.
type objectMember struct{ name, value span }

// repeater is an object that gives a key twice, with its members in the order in
// which their keys stood first.
type repeater struct {
	span
	members []objectMember
}

// unique writes a text anew without what its repeaters give twice. Numbers keep
// their digits, which a detour over any would not.
type unique struct {
	text    []byte
	objects []repeater
}

// append appends the part between from and to, where a value or several begin and
// end.
func (u *unique) append(dst []byte, from, to int) []byte {
	for {
		k := sort.Search(len(u.objects), func(i int) bool { return u.objects[i].from >= from })
		if k == len(u.objects) || u.objects[k].from >= to {
			return append(dst, u.text[from:to]...)
		}
		o := &u.objects[k]
		dst = append(append(dst, u.text[from:o.from]...), '{')
		for i, m := range o.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(append(dst, u.text[m.name.from:m.name.to]...), ':')
			dst = u.append(dst, m.value.from, m.value.to)
		}
		dst = append(dst, '}')
		from = o.to
	}
}

// repeaters finds the objects that give a key twice in valid JSON without white
// space, whose equal keys are equal bytes, in the order in which they begin.
func repeaters(text []byte) []repeater {
	var found []repeater
	var open []openObject
	top := func() *openObject { return &open[len(open)-1] }
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			open = append(open, openObject{from: i, array: text[i] == '['})
		case '"':
			end := closing(text, i)
			if len(open) > 0 && top().wantsName() {
				top().enter(text, span{i, end + 1})
			}
			i = end
		case ':':
			top().members[top().last].value.from = i + 1
		case ',', ']', '}':
			o := top()
			o.leave(i)
			if text[i] == ',' {
				break
			}
			if o.repeats {
				found = append(found, repeater{span{o.from, i + 1}, o.members})
			}
			open = open[:len(open)-1]
		}
	}
	slices.SortFunc(found, func(a, b repeater) int { return cmp.Compare(a.from, b.from) })
	return found
}

// openObject is an object, or an array, that is being read.
type openObject struct {
	from    int
	array   bool
	repeats bool
	members []objectMember
	// places are those of the keys among members, once there are many.
	places map[string]int
	// last is the member that is being read, while inside is true.
	last   int
	inside bool
}

func (o *openObject) wantsName() bool { return !o.array && !o.inside }

// fewMembers is up to where looking at each key is cheaper than a map.
const fewMembers = 8

// enter begins the member of a name.
func (o *openObject) enter(text []byte, name span) {
	key := text[name.from:name.to]
	o.inside = true
	if at, ok := o.find(text, key); ok {
		o.last, o.repeats = at, true
		return
	}
	o.last = len(o.members)
	o.members = append(o.members, objectMember{name: name})
	if o.places != nil {
		o.places[string(key)] = o.last
	}
}

func (o *openObject) find(text, key []byte) (int, bool) {
	if o.places == nil && len(o.members) > fewMembers {
		o.places = make(map[string]int, 2*len(o.members))
		for i, m := range o.members {
			o.places[string(text[m.name.from:m.name.to])] = i
		}
	}
	if o.places != nil {
		at, ok := o.places[string(key)]
		return at, ok
	}
	for i, m := range o.members {
		if bytes.Equal(text[m.name.from:m.name.to], key) {
			return i, true
		}
	}
	return 0, false
}

// leave ends the member that is being read.
func (o *openObject) leave(at int) {
	if o.inside {
		o.members[o.last].value.to = at
		o.inside = false
	}
}
