package ledger_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/internal/ledger"
)

func TestAdd_SumsWhatIsOfTheSame(t *testing.T) {
	t.Parallel()
	account := func(kind ledger.Kind, removed bool, came, delivered, open uint64) ledger.Account {
		return ledger.Account{
			Kind: kind, App: "shop", Name: "one", Removed: removed, In: []ledger.Entry{{Name: "matched", Events: came}},
			Out: []ledger.Entry{{Name: "delivered", Events: delivered}, {Name: "open", Events: open}},
		}
	}
	newer := account(ledger.Endpoint, false, 5, 3, 1)
	newer.Out = append(newer.Out, ledger.Entry{Name: "coalesced", Events: 1}) // of a newer gateway
	all := []ledger.Account{
		account(ledger.Endpoint, false, 10, 7, 3), account(ledger.Source, false, 1, 1, 0), newer, account(ledger.Endpoint, true, 2, 2, 0),
	}
	want := account(ledger.Endpoint, false, 15, 10, 4)
	want.Out = append(want.Out, ledger.Entry{Name: "coalesced", Events: 1})
	if diff := cmp.Diff([]ledger.Account{want, all[1], all[3]}, ledger.Add(all)); diff != "" {
		t.Errorf("Add (-want +got):\n%s", diff)
	}
	if all[0].In[0].Events != 10 {
		t.Error("what was added up was changed")
	}
}
