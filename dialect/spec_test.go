package dialect_test

import (
	"testing"

	"github.com/imhook/imhook/dialect"
)

func TestSpec_FamilyIsWhatBeginsWithItAndAColon(t *testing.T) {
	t.Parallel()
	s := dialect.Spec{
		Families: []string{"muc", "none"},
		Commands: []dialect.Command{{Name: "muc:kick"}, {Name: "mucus:x"}, {Name: "muc"}, {Name: "muc:a:b"}},
	}
	got, ok := s.Family("muc")
	if !ok || len(got) != 2 || got[0].Name != "muc:kick" || got[1].Name != "muc:a:b" {
		t.Errorf("muc is %v, %v", got, ok)
	}
	if got, ok := s.Family("none"); !ok || len(got) != 0 {
		t.Errorf("none is %v, %v", got, ok)
	}
	for _, name := range []string{"", "mucus", "muc:kick"} {
		if _, ok := s.Family(name); ok {
			t.Errorf("%q is a family", name)
		}
	}
}
