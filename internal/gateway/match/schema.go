package match

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
)

// schema is what conditions see of an event: the Go structs under the names of
// the canonical JSON form. It is made once, by reflection over [event.Event], so
// a field that is added there is seen here; reading a field walks the Go value,
// nothing is copied into maps. It does not change.
type schema struct {
	// Registry knows everything that is not ours: the language's own types.
	*types.Registry
	root   *record
	byName map[string]*record
	byType map[reflect.Type]*record
}

// record is one struct.
type record struct {
	name   string
	typ    *types.Type
	goType reflect.Type
	// zero points to a zero value: what is read where the event has none.
	zero   any
	fields map[string]*field
	names  []string
}

// field is one member of a record.
type field struct {
	name  string
	index int
	typ   *types.Type
	// record is that of a struct, or of a list's elements; nil otherwise.
	record *record
	// words are the only values that there are; nil means any.
	words *words
	get   ref.FieldGetter
	isSet ref.FieldTester
	// body is true for the parts of an event that its envelope does not hold.
	body bool
}

// words are the values of an enumeration.
type words struct {
	what string
	all  []string
}

// hidden are the fields of an event that are no part of its canonical form, or none
// yet when a condition is asked: Repeat belongs to the delivery.
var hidden = map[string]bool{"Dedupe": true, "Raw": true, "Repeat": true}

// loadSchema returns the one schema.
var loadSchema = sync.OnceValues(newSchema)

func newSchema() (*schema, error) {
	reg, err := types.NewRegistry()
	if err != nil {
		return nil, fmt.Errorf("making the registry of types: %w", err)
	}
	s := &schema{Registry: reg, byName: map[string]*record{}, byType: map[reflect.Type]*record{}}
	s.root, err = s.record(reflect.TypeFor[event.Event]())
	if err != nil {
		return nil, fmt.Errorf("describing events: %w", err)
	}
	for _, f := range s.root.fields {
		s.throughSubject(f)
	}
	// Conditions hold an event as *subject, see there.
	s.byType[reflect.TypeFor[*subject]()] = s.root
	return s, nil
}

// record describes a struct and all those in it.
func (s *schema) record(t reflect.Type) (*record, error) {
	if r, ok := s.byType[reflect.PointerTo(t)]; ok {
		return r, nil
	}
	r := &record{
		name: t.Name(), typ: types.NewObjectType(t.Name()), goType: t,
		zero: reflect.New(t).Interface(), fields: map[string]*field{},
	}
	s.byName[r.name], s.byType[reflect.PointerTo(t)] = r, r
	for i := range t.NumField() {
		sf := t.Field(i)
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if t == reflect.TypeFor[event.Event]() {
			if hidden[sf.Name] {
				continue
			}
			name = strings.ToLower(sf.Name)
		}
		f := &field{name: name, index: i, words: enumeration(sf.Type)}
		if err := s.describe(f, sf.Type); err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t.Name(), sf.Name, err)
		}
		r.fields[name] = f
		r.names = append(r.names, name)
	}
	return r, nil
}

// describe says what a field is to a condition and how it is read.
func (s *schema) describe(f *field, t reflect.Type) error {
	// at is the field in the struct that obj points to.
	at := func(obj any) reflect.Value { return reflect.ValueOf(obj).Elem().Field(f.index) }
	f.isSet = func(obj any) bool { return !at(obj).IsZero() }
	get := func(typ *types.Type, read func(v reflect.Value) any) {
		f.typ, f.get = typ, func(obj any) (any, error) { return read(at(obj)), nil }
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		get(types.TimestampType, func(v reflect.Value) any { return types.Timestamp{Time: *v.Addr().Interface().(*time.Time)} })
	case t == reflect.TypeFor[jsontext.Value]():
		// What a vendor wrote has no type that is known beforehand.
		get(types.DynType, func(v reflect.Value) any { return vendorValue(s, v.Bytes()) })
		f.isSet = func(obj any) bool { return at(obj).Len() > 0 }
	case t == reflect.TypeFor[[]byte]():
		get(types.BytesType, func(v reflect.Value) any { return types.Bytes(v.Bytes()) })
	case t == reflect.TypeFor[[]string]():
		get(types.NewListType(types.StringType), func(v reflect.Value) any {
			return types.NewStringList(s, *v.Addr().Interface().(*[]string))
		})
		f.isSet = func(obj any) bool { return at(obj).Len() > 0 }
	case t == reflect.TypeFor[map[string]string]():
		get(types.DynType, func(v reflect.Value) any { return newTexts(s, *v.Addr().Interface().(*map[string]string)) })
		f.isSet = func(obj any) bool { return at(obj).Len() > 0 }
	case t == reflect.TypeFor[*bool]():
		get(types.BoolType, func(v reflect.Value) any { return types.Bool(!v.IsNil() && v.Elem().Bool()) })
	case t.Kind() == reflect.String:
		get(types.StringType, func(v reflect.Value) any { return types.String(v.String()) })
	case t.Kind() == reflect.Bool:
		get(types.BoolType, func(v reflect.Value) any { return types.Bool(v.Bool()) })
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		get(types.IntType, func(v reflect.Value) any { return types.Int(v.Int()) })
	case t.Kind() == reflect.Float64:
		get(types.DoubleType, func(v reflect.Value) any { return types.Double(v.Float()) })
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct:
		return s.describeStruct(f, t.Elem(), get)
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		f.isSet = func(obj any) bool { return at(obj).Len() > 0 }
		return s.describeList(f, t.Elem(), get)
	default:
		return fmt.Errorf("conditions cannot read a %s", t)
	}
	return nil
}

func (s *schema) describeStruct(f *field, t reflect.Type, get func(*types.Type, func(reflect.Value) any)) error {
	r, err := s.record(t)
	if err != nil {
		return err
	}
	f.record = r
	get(r.typ, func(v reflect.Value) any {
		if v.IsNil() {
			return r.zero
		}
		return v.Interface()
	})
	return nil
}

func (s *schema) describeList(f *field, t reflect.Type, get func(*types.Type, func(reflect.Value) any)) error {
	r, err := s.record(t)
	if err != nil {
		return err
	}
	f.record = r
	get(types.NewListType(r.typ), func(v reflect.Value) any {
		all := make([]ref.Val, v.Len())
		for i := range all {
			all[i] = &object{record: r, ptr: v.Index(i).Addr().Interface()}
		}
		return types.NewRefValList(s, all)
	})
	return nil
}

// throughSubject makes a field of the event readable from a subject, which knows
// whether the bodies must be restored first.
func (s *schema) throughSubject(f *field) {
	get, isSet := f.get, f.isSet
	t := s.root.goType.Field(f.index).Type
	f.body = f.record != nil || t == reflect.TypeFor[jsontext.Value]()
	f.get = func(obj any) (any, error) { return get(obj.(*subject).source(f.body)) }
	f.isSet = func(obj any) bool { return isSet(obj.(*subject).source(f.body)) }
}

// enumeration returns the words of a type that has a closed set of them.
func enumeration(t reflect.Type) *words {
	switch t {
	case reflect.TypeFor[event.Type]():
		w := &words{what: "type"}
		for _, e := range event.Catalogue() {
			w.all = append(w.all, string(e.Type))
		}
		return w
	case reflect.TypeFor[event.ContentKind]():
		return &words{what: "kind of message", all: texts(event.ContentKinds())}
	case reflect.TypeFor[event.Kind]():
		return &words{what: "kind of conversation", all: texts(event.Kinds())}
	case reflect.TypeFor[event.Phase]():
		return &words{what: "phase", all: texts([]event.Phase{event.Before, event.After})}
	}
	return nil
}

func texts[T ~string](all []T) []string {
	out := make([]string, len(all))
	for i, v := range all {
		out[i] = string(v)
	}
	return out
}

// FindStructType implements [types.Provider].
func (s *schema) FindStructType(name string) (*types.Type, bool) {
	if r, ok := s.byName[name]; ok {
		return types.NewTypeTypeWithParam(r.typ), true
	}
	return s.Registry.FindStructType(name)
}

// FindStructFieldNames implements [types.Provider].
func (s *schema) FindStructFieldNames(name string) ([]string, bool) {
	if r, ok := s.byName[name]; ok {
		return r.names, true
	}
	return s.Registry.FindStructFieldNames(name)
}

// FindStructFieldType implements [types.Provider].
func (s *schema) FindStructFieldType(name, member string) (*types.FieldType, bool) {
	r, ok := s.byName[name]
	if !ok {
		return s.Registry.FindStructFieldType(name, member)
	}
	f, ok := r.fields[member]
	if !ok {
		return nil, false
	}
	return &types.FieldType{Type: f.typ, IsSet: f.isSet, GetFrom: f.get}, true
}

// NewValue implements [types.Provider]: conditions ask, they make nothing.
func (s *schema) NewValue(name string, _ map[string]ref.Val) ref.Val {
	return types.NewErr("a %s cannot be made in a condition", name)
}

// NativeToValue implements [types.Adapter].
func (s *schema) NativeToValue(v any) ref.Val {
	if val, ok := v.(ref.Val); ok {
		return val
	}
	if r, ok := s.byType[reflect.TypeOf(v)]; ok {
		return &object{record: r, ptr: v}
	}
	return s.Registry.NativeToValue(v)
}
