package sample_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/sample"
)

// toy signs with a query parameter that names secret and id.
type toy struct{ dialect.Dialect }

func (toy) Spec() *dialect.Spec {
	return &dialect.Spec{
		Name:     "toy",
		Commands: []dialect.Command{{Name: "message"}},
		Credentials: []dialect.CredentialKey{
			{Name: "app_key", Sample: "org#sample"}, {Name: "secret", Secret: true},
		},
	}
}

func (toy) Sample(_ string, r *rand.Rand, now time.Time) (dialect.Request, error) {
	body := fmt.Sprintf(`{"app":"org#sample","id":%d,"at":%d}`, r.IntN(1e9), now.UnixMilli())
	return dialect.Request{Path: "/m", Query: "app=org%23sample", ContentType: "application/json", Body: []byte(body)}, nil
}

func (toy) Decode(*dialect.Request) ([]*event.Event, error) { return []*event.Event{{}}, nil }

func (toy) Sign(req *dialect.Request, cred dialect.Credentials, id string, now time.Time) error {
	s, ok := cred.Signing(now)
	if !ok {
		return dialect.ErrNoSecret
	}
	req.Query += "&sum=" + s + string(req.Body[:8]) + id
	return nil
}

func TestMake_SignsWhatWasEdited(t *testing.T) {
	t.Parallel()
	wish := sample.Wish{
		Command: "message", Seed: 7, Now: time.UnixMilli(1700000000000),
		Edits: []sample.Edit{{Path: "id", Value: "1"}},
		Credentials: dialect.Credentials{
			Public:  map[string]string{"app_key": `my#"app"`},
			Secrets: []dialect.DatedSecret{{Value: "s3"}},
		},
	}
	req, err := sample.Make(toy{}, wish)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"app":"my#\"app\"","id":1,"at":1700000000000}`; string(req.Body) != want {
		t.Errorf("body = %s, want %s", req.Body, want)
	}
	if want := `app=my%23%22app%22&sum=s3{"app":"`; !strings.HasPrefix(req.Query, want) {
		t.Errorf("query = %s, want %s…", req.Query, want)
	}
	again, err := sample.Make(toy{}, wish)
	if err != nil || again.Query != req.Query {
		t.Errorf("the same seed made %s, then %s (%v)", req.Query, again.Query, err)
	}
}

func TestMake_SaysThatItIsNotSigned(t *testing.T) {
	t.Parallel()
	req, err := sample.Make(toy{}, sample.Wish{Command: "message", Now: time.Now()})
	if !errors.Is(err, sample.ErrUnsigned) || len(req.Body) == 0 {
		t.Errorf("Make without a secret = %s, %v; want the request and ErrUnsigned", req.Body, err)
	}
}

func TestMake_SuggestsTheCommand(t *testing.T) {
	t.Parallel()
	_, err := sample.Make(toy{}, sample.Wish{Command: "mesage"})
	if !errors.Is(err, dialect.ErrUnknownCommand) || !strings.Contains(err.Error(), "did you mean message?") {
		t.Errorf("Make = %v, want ErrUnknownCommand with a suggestion", err)
	}
}
