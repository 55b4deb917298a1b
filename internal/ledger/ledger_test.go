package ledger_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/internal/ledger"
)

func endpoint(in, out []ledger.Entry) ledger.Account {
	return ledger.Account{Kind: ledger.Endpoint, App: "shop", Name: "backend", In: in, Out: out}
}

func TestAccount_SaysWhereItDoesNotBalance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		of   ledger.Account
		diff int64
		want string
	}{
		{"empty", ledger.Account{}, 0, ""},
		{
			"balanced", endpoint([]ledger.Entry{{"matched", 7}, {"carried over", 3}}, []ledger.Entry{{"delivered", 8}, {"parked", 1}, {"open", 1}}), 0, "",
		},
		{
			"one is lost", endpoint([]ledger.Entry{{"matched", 7}, {"carried over", 0}}, []ledger.Entry{{"delivered", 6}, {"parked", 0}}), 1,
			"endpoint shop/backend: 1 event came in and is nowhere now (7 matched = 6 delivered)",
		},
		{
			"all are lost", endpoint([]ledger.Entry{{"matched", 7}}, []ledger.Entry{{"delivered", 0}}), 7,
			"endpoint shop/backend: 7 events came in and are nowhere now (7 matched = 0)",
		},
		{
			"counted twice", endpoint([]ledger.Entry{{"matched", 7}}, []ledger.Entry{{"delivered", 7}, {"open", 2}}), -2,
			"endpoint shop/backend: 2 events more came out than in (7 matched = 7 delivered + 2 open)",
		},
	} {
		if got := tt.of.Difference(); got != tt.diff {
			t.Errorf("%s: difference = %d, want %d", tt.name, got, tt.diff)
		}
		if got := tt.of.Words(); got != tt.want {
			t.Errorf("%s: words = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestCheck_NamesEachOnce(t *testing.T) {
	t.Parallel()
	lost := endpoint([]ledger.Entry{{"matched", 2}}, nil)
	got := ledger.Check([]ledger.Account{{}, lost, endpoint(nil, nil), lost})
	line := "endpoint shop/backend: 2 events came in and are nowhere now (2 matched = 0)"
	if diff := cmp.Diff([]string{line, line}, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}
