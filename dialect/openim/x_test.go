package openim_test

import "time"

var now = time.Date(2026, 11, 21, 8, 30, 0, 123e6, time.UTC)
