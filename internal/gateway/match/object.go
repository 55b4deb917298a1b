package match

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// object is a struct of an event as a value of its own: what a condition
// compares whole, or an element of a list.
type object struct {
	record *record
	// ptr points to the struct; that of an event is a *subject.
	ptr any
}

// ConvertToNative implements [ref.Val].
func (o *object) ConvertToNative(t reflect.Type) (any, error) {
	if reflect.TypeOf(o.ptr).AssignableTo(t) {
		return o.ptr, nil
	}
	return nil, fmt.Errorf("a %s is no %s", o.record.name, t)
}

// ConvertToType implements [ref.Val].
func (o *object) ConvertToType(t ref.Type) ref.Val {
	switch t.TypeName() {
	case o.record.name:
		return o
	case types.TypeType.TypeName():
		return o.record.typ
	}
	return types.NewErr("a %s is no %s", o.record.name, t.TypeName())
}

// Equal implements [ref.Val]: equal in every field.
func (o *object) Equal(other ref.Val) ref.Val {
	p, ok := other.(*object)
	if !ok || p.record != o.record {
		return types.False
	}
	if s, ok := o.ptr.(*subject); ok {
		return types.Bool(s == p.ptr) // there is one event at a time
	}
	return types.Bool(o.ptr == p.ptr || reflect.DeepEqual(o.ptr, p.ptr))
}

// Type implements [ref.Val].
func (o *object) Type() ref.Type { return o.record.typ }

// Value implements [ref.Val]: field access goes on from it.
func (o *object) Value() any { return o.ptr }

// Get implements traits.Indexer, for a struct whose type the condition lost.
func (o *object) Get(name ref.Val) ref.Val {
	f, err := o.field(name)
	if err != nil {
		return types.WrapErr(err)
	}
	v, err := f.get(o.ptr)
	if err != nil {
		return types.WrapErr(err)
	}
	if val, ok := v.(ref.Val); ok {
		return val
	}
	return &object{record: f.record, ptr: v}
}

// IsSet implements traits.FieldTester.
func (o *object) IsSet(name ref.Val) ref.Val {
	f, err := o.field(name)
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Bool(f.isSet(o.ptr))
}

func (o *object) field(name ref.Val) (*field, error) {
	s, ok := name.(types.String)
	if f := o.record.fields[string(s)]; ok && f != nil {
		return f, nil
	}
	return nil, fmt.Errorf("%s has no field %v", o.record.name, name.Value())
}
