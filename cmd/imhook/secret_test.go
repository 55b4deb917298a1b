package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/client/admin"
)

var secretNow = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestSecretRow_SaysHowASecretIsDoing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		row  admin.SecretStatus
		want string
	}{
		{admin.SecretStatus{Key: "secret", Place: 1, State: "live"}, "secret 1 live, not used"},
		{admin.SecretStatus{Key: "secret", Place: 2, State: "live", Until: secretNow.Add(time.Hour), LastUsed: secretNow.Add(-90 * time.Second)}, "secret 2 live until 2026-11-20T13:00Z, used 1m ago"},
		{admin.SecretStatus{Key: "secret", Place: 3, State: "not yet", From: secretNow.Add(24 * time.Hour)}, "secret 3 not before 2026-11-21T12:00Z, not used"},
		{admin.SecretStatus{Key: "path_token", Place: 1, State: "expired", Until: secretNow, LastUsed: secretNow.Add(-72 * time.Hour)}, "path_token 1 expired 2026-11-20T12:00Z, used 3d ago"},
		// The gateway's clock may be ahead.
		{admin.SecretStatus{Key: "secret", Place: 1, State: "live", LastUsed: secretNow.Add(time.Minute)}, "secret 1 live, used 0s ago"},
	} {
		if got := secretWords(tt.row, secretNow); got != tt.want {
			t.Errorf("words = %q, want %q", got, tt.want)
		}
	}
}

func TestExpiries_SayWhatMustBeDone(t *testing.T) {
	t.Parallel()
	in := func(d time.Duration) time.Time { return secretNow.Add(d) }
	const day = 24 * time.Hour
	for _, tt := range []struct {
		name string
		rows []admin.SecretStatus
		want []string
	}{
		{"none at all", nil, nil},
		{"for ever", []admin.SecretStatus{{Key: "secret", Place: 1, State: "live"}}, nil},
		{"in a week", []admin.SecretStatus{{Key: "secret", Place: 1, State: "live", Until: in(7 * day)}}, nil},
		{
			"soon, alone",
			[]admin.SecretStatus{{Key: "secret", Place: 1, State: "live", Until: in(7*day - 1)}},
			[]string{"secret 1 expires in 6d, on 2026-11-27T11:59Z: nothing follows; add its successor"},
		},
		{
			"soon, with one that follows at that moment",
			[]admin.SecretStatus{{Key: "secret", Place: 1, State: "live", Until: in(day)}, {Key: "secret", Place: 2, State: "not yet", From: in(day), Until: in(90 * day)}},
			[]string{"secret 1 expires in 24h, on 2026-11-21T12:00Z: secret 2 follows"},
		},
		{
			"soon, with a gap behind it",
			[]admin.SecretStatus{{Key: "secret", Place: 1, State: "live", Until: in(day)}, {Key: "secret", Place: 2, State: "not yet", From: in(day + 1)}},
			[]string{"secret 1 expires in 24h, on 2026-11-21T12:00Z: nothing follows; add its successor"},
		},
		{
			"none is valid",
			[]admin.SecretStatus{{Key: "secret", Place: 1, State: "expired", Until: in(-day)}, {Key: "secret", Place: 2, State: "not yet", From: in(day)}},
			[]string{"no secret is valid now: nothing can be signed; add one"},
		},
		{"an expired one beside a live one", []admin.SecretStatus{{Key: "secret", Place: 1, State: "expired", Until: in(-day)}, {Key: "secret", Place: 2, State: "live"}}, nil},
	} {
		if diff := cmp.Diff(tt.want, expiries(tt.rows, secretNow)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
