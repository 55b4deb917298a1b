package journal

import (
	"strings"
	"testing"
)

// What is on disk.
const (
	pageStream     = "IMHOOK_PAGES"
	pageSubject    = "imhook.page"
	fillerSubject  = "imhook.filler"
	positionStream = "IMHOOK_POSITIONS"
	positionPrefix = "imhook.position."
	deadStream     = "IMHOOK_DEADLETTERS"
	deadPrefix     = "imhook.dead."
)

func TestNames_ArePartOfTheFormat(t *testing.T) {
	t.Parallel()
	want := names{
		pageStream, pageSubject, fillerSubject, positionStream, positionPrefix, deadStream, deadPrefix,
		"IMHOOK_LEASES", "imhook.lease.journal", "IMHOOK_DECISIONS", "imhook.decisions",
		"IMHOOK_ATTEMPTS", "imhook.attempts", "IMHOOK_AUDIT", "imhook.audit", "IMHOOK_SETTINGS", "imhook.setting.", "imhook.node.",
	}
	if got := namesOf(DefaultName); got != want {
		t.Errorf("namesOf(%q) = %+v, want %+v: a journal would not be found again", DefaultName, got, want)
	}
	want = names{
		"prod-2_PAGES", "prod-2.page", "prod-2.filler", "prod-2_POSITIONS", "prod-2.position.",
		"prod-2_DEADLETTERS", "prod-2.dead.", "prod-2_LEASES", "prod-2.lease.journal",
		"prod-2_DECISIONS", "prod-2.decisions", "prod-2_ATTEMPTS", "prod-2.attempts",
		"prod-2_AUDIT", "prod-2.audit", "prod-2_SETTINGS", "prod-2.setting.", "prod-2.node.",
	}
	if got := namesOf("prod-2"); got != want {
		t.Errorf("namesOf = %+v, want %+v", got, want)
	}
}

func TestNames_OnlyWhatCannotBeMixedUp(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"imhook": true, "prod": true, "a": true, "prod-2": true, "Prod": true, "2prod": true, "a_b": true, strings.Repeat("x", maxName): true,
		"": false, "a.b": false, "a b": false, "a*": false, "größe": false, "-a": false, "_a": false, ">": false, "IMHOOK": false,
		strings.Repeat("x", maxName+1): false,
	} {
		if err := checkName(name); (err == nil) != ok {
			t.Errorf("checkName(%q) = %v", name, err)
		}
	}
}
