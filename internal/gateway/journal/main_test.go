package journal

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/imhook/imhook/internal/natstest"
)

// childEnv tells a re-executed test binary what to be. See crash_test.go.
const childEnv = "JOURNAL_TEST_CHILD"

func TestMain(m *testing.M) {
	natstest.RunChild()
	if mode := os.Getenv(childEnv); mode != "" {
		if err := runChild(mode); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}
