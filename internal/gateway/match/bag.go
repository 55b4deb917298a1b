package match

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// bag holds values under names that nobody declared: vendors' JSON objects and
// attributes. Unlike a map of the language it has every name: one that was not
// written reads as absent, so that a condition about one vendor's field is false
// on other vendors' events and not an error. has() and in still tell.
type bag struct {
	schema *schema
	// find returns the value of a name; names are all that there are, sorted.
	find  func(name string) (ref.Val, bool)
	names func() []string
	size  int
	// absent is what other names read as.
	absent ref.Val
}

var bagType = types.NewObjectType("object", traits.ContainerType, traits.IterableType, traits.SizerType)

// newTexts returns the bag of an event's attributes; absent ones are empty.
func newTexts(s *schema, m map[string]string) *bag {
	return &bag{
		schema: s, size: len(m), absent: types.String(""),
		names: func() []string { return slices.Sorted(maps.Keys(m)) },
		find: func(name string) (ref.Val, bool) {
			v, ok := m[name]
			return types.String(v), ok
		},
	}
}

// newJSONObject returns the bag of a JSON object; absent members are [nothing].
func newJSONObject(s *schema, m map[string]any) *bag {
	return &bag{
		schema: s, size: len(m), absent: nothing{},
		names: func() []string { return slices.Sorted(maps.Keys(m)) },
		find: func(name string) (ref.Val, bool) {
			v, ok := m[name]
			return jsonValue(s, v), ok
		},
	}
}

// vendorValue reads what a vendor wrote. An event without any, and one that holds
// something else than JSON, has an empty object.
func vendorValue(s *schema, raw []byte) ref.Val {
	var v any
	if len(raw) > 0 {
		err := json.Unmarshal(raw, &v, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true),
			json.WithUnmarshalers(json.UnmarshalFromFunc(wholeNumber)))
		if err != nil {
			v = nil
		}
	}
	if v == nil {
		v = map[string]any{}
	}
	return jsonValue(s, v)
}

// wholeNumber reads a number without fraction as it was written: ids of 64 bits
// do not fit into a float.
func wholeNumber(dec *jsontext.Decoder, v *any) error {
	if dec.PeekKind() != '0' {
		return errors.ErrUnsupported
	}
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		*v = n
		return nil
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	*v = f
	return err
}

func jsonValue(s *schema, v any) ref.Val {
	switch v := v.(type) {
	case map[string]any:
		return newJSONObject(s, v)
	case []any:
		all := make([]ref.Val, len(v))
		for i := range v {
			all[i] = jsonValue(s, v[i])
		}
		return types.NewRefValList(s, all)
	case string:
		return types.String(v)
	case int64:
		return types.Int(v)
	case float64:
		return types.Double(v)
	case bool:
		return types.Bool(v)
	}
	return types.NullValue
}

// ConvertToNative implements [ref.Val].
func (b *bag) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("an object is no %s", t)
}

// ConvertToType implements [ref.Val].
func (b *bag) ConvertToType(t ref.Type) ref.Val {
	if t.TypeName() == types.TypeType.TypeName() {
		return bagType
	}
	return types.NewErr("an object is no %s", t.TypeName())
}

// Equal implements [ref.Val]: the same names with equal values.
func (b *bag) Equal(other ref.Val) ref.Val {
	var find func(ref.Val) (ref.Val, bool)
	switch o := other.(type) {
	case *bag:
		find = func(name ref.Val) (ref.Val, bool) { return o.find(string(name.(types.String))) }
	case traits.Mapper:
		find = o.Find
	default:
		return types.False
	}
	if other.(traits.Sizer).Size() != b.Size() {
		return types.False
	}
	for _, name := range b.names() {
		mine, _ := b.find(name)
		its, ok := find(types.String(name))
		if !ok || types.Equal(mine, its) != types.True {
			return types.False
		}
	}
	return types.True
}

// Type implements [ref.Val].
func (b *bag) Type() ref.Type { return bagType }

// Value implements [ref.Val].
func (b *bag) Value() any { return b }

// Get implements traits.Indexer.
func (b *bag) Get(name ref.Val) ref.Val {
	s, ok := name.(types.String)
	if !ok {
		return types.NewErr("the members of an object have names, not numbers")
	}
	if v, ok := b.find(string(s)); ok {
		return v
	}
	return b.absent
}

// IsSet implements traits.FieldTester.
func (b *bag) IsSet(name ref.Val) ref.Val { return b.Contains(name) }

// Contains implements traits.Container.
func (b *bag) Contains(name ref.Val) ref.Val {
	s, ok := name.(types.String)
	if ok {
		_, ok = b.find(string(s))
	}
	return types.Bool(ok)
}

// Size implements traits.Sizer.
func (b *bag) Size() ref.Val { return types.Int(b.size) }

// Iterator implements traits.Iterable: the names.
func (b *bag) Iterator() traits.Iterator {
	return types.NewStringList(b.schema, b.names()).Iterator()
}

// nothing is a member that a vendor's object does not have. It equals nothing, is
// empty, and everything in it is nothing again.
type nothing struct{}

var nothingType = types.NewObjectType("nothing", traits.ContainerType, traits.IterableType, traits.SizerType)

// ConvertToNative implements [ref.Val].
func (nothing) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("nothing is no %s", t)
}

// ConvertToType implements [ref.Val].
func (nothing) ConvertToType(t ref.Type) ref.Val {
	if t.TypeName() == types.TypeType.TypeName() {
		return nothingType
	}
	return types.NewErr("it is not there, so it is no %s; ask has() first", t.TypeName())
}

// Equal implements [ref.Val].
func (nothing) Equal(ref.Val) ref.Val { return types.False }

// Type implements [ref.Val].
func (nothing) Type() ref.Type { return nothingType }

// Value implements [ref.Val].
func (n nothing) Value() any { return n }

// Get implements traits.Indexer.
func (n nothing) Get(ref.Val) ref.Val { return n }

// IsSet implements traits.FieldTester.
func (nothing) IsSet(ref.Val) ref.Val { return types.False }

// Contains implements traits.Container.
func (nothing) Contains(ref.Val) ref.Val { return types.False }

// Size implements traits.Sizer.
func (nothing) Size() ref.Val { return types.IntZero }

// Iterator implements traits.Iterable.
func (nothing) Iterator() traits.Iterator {
	return types.NewStringList(types.DefaultTypeAdapter, nil).Iterator()
}
