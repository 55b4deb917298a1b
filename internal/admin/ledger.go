package admin

import (
	"net/http"

	"github.com/imhook/imhook/internal/ledger"
)

// account is an account as it is shown.
type account struct {
	ledger.Account
	Difference int64  `json:"difference"`
	Words      string `json:"words,omitzero"`
}

// ledger answers with every account, and where they do not balance.
func (a *api) ledger(w http.ResponseWriter, r *http.Request) {
	all, balanced := []account{}, true
	for _, acc := range a.Ledger() {
		one := account{Account: acc, Difference: acc.Difference(), Words: acc.Words()}
		balanced = balanced && one.Difference == 0
		all = append(all, one)
	}
	a.answer(w, r, map[string]any{"balanced": balanced, "accounts": all})
}
