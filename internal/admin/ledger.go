package admin

import (
	"context"

	"github.com/imhook/imhook/internal/ledger"
)

// account is an account as it is shown.
type account struct {
	ledger.Account
	Difference int64  `json:"difference"`
	Words      string `json:"words,omitzero"`
}

// ledger answers with every account, and where they do not balance.
func (a *api) ledger(context.Context, *none) (accounts, error) {
	all, balanced := []account{}, true
	for _, acc := range a.Ledger() {
		one := account{Account: acc, Difference: acc.Difference(), Words: acc.Words()}
		balanced = balanced && one.Difference == 0
		all = append(all, one)
	}
	return accounts{all, balanced}, nil
}

// accounts are all of them.
type accounts struct {
	Accounts []account `json:"accounts"`
	// Balanced is true when each of them balances.
	Balanced bool `json:"balanced"`
}
