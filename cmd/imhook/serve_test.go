package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestLog_DurationsHaveTheirUnit(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	newLog(&b, slog.LevelInfo).Info("journal has room again", "after", 41*time.Second, "refused", 3)
	if !strings.Contains(b.String(), `"after":"41s","refused":3`) {
		t.Errorf("logged %s", b.String())
	}
}
