package config_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// fake is a dialect that configuration looks at and nothing calls, except to try
// credentials: its secrets begin with "s".
type fake struct {
	dialect.Dialect
	spec dialect.Spec
}

func (f *fake) Spec() *dialect.Spec { return &f.spec }

func (f *fake) Sample(string, *rand.Rand, time.Time) (dialect.Request, error) {
	return dialect.Request{}, nil
}

// Decode finds nothing in a sample.
func (f *fake) Decode(*dialect.Request) ([]*event.Event, error) { return nil, nil }

func (f *fake) Sign(_ *dialect.Request, cred dialect.Credentials, _ string, now time.Time) error {
	s, ok := cred.Signing(now)
	switch {
	case !ok:
		return dialect.ErrNoSecret
	case !strings.HasPrefix(s, "s"):
		return errors.New("the secret does not begin as it must")
	}
	return nil
}

// batching is a fake whose wire carries several events at once.
type batching struct{ fake }

func (batching) Batch(reqs []dialect.Request) (dialect.Request, error) { return reqs[0], nil }

// registry has a dialect without signatures and with paths, one that signs, and
// one that may sign.
func registry() *dialect.Registry {
	return dialect.NewRegistry(
		&fake{spec: dialect.Spec{
			Name: "plain",
			Commands: []dialect.Command{
				{Name: "message", Path: "/im_event/message", Types: []event.Type{event.MessageSend}},
				{Name: "group", Path: "/im_event/group/info", Types: []event.Type{event.GroupCreate}},
				{Name: "censor", Phase: event.Before, Types: []event.Type{event.FriendAdd}},
			},
			Generations: []string{"current", "legacy"},
		}},
		&fake{spec: dialect.Spec{
			Name:     "signed",
			Commands: []dialect.Command{{Name: "message_sync", Path: "/message_sync", Types: []event.Type{event.MessageSend}}, {Name: "other"}},
			Credentials: []dialect.CredentialKey{
				{Name: "app_key", Required: true, Line: "the key of the console"},
				{Name: "app_secret", Secret: true, Required: true, Line: "the secret of the console"},
			},
			MaxAge:   5 * time.Minute,
			Delivery: &dialect.Delivery{Vendor: "Signer", Timeout: 10 * time.Second, Retries: 1, Parallel: 5},
		}},
		&batching{fake{spec: dialect.Spec{
			Name:        "own",
			Commands:    []dialect.Command{{Name: "event", Types: []event.Type{event.MessageSend}}},
			Credentials: []dialect.CredentialKey{{Name: "secret", Secret: true, Line: "signs"}},
			MaxAge:      5 * time.Minute,
		}}},
	)
}
