package definition

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/imhook/imhook/dialect"
)

// Keys of a secret that is one of several.
const (
	keySecret     = "secret"
	keySecrets    = "secrets"
	keyPathToken  = "path_token"
	keyPathTokens = "path_tokens"
	keyValue      = "value"
	keyUntil      = "until"
)

// Rotated is d with another secret behind the present ones, which end at until. Whoever
// signs goes on with the present one until then; whoever verifies takes both. names are
// what the dialect calls its secret, and pathToken rotates the secret segment of a
// source's path instead.
func (d Doc) Rotated(names []string, pathToken bool, secret dialect.Secret, until time.Time) (Doc, error) {
	r := Doc{clone(d.root)}
	c := child(r.root, keyCredentials)
	list, single := keySecrets, append([]string{keySecret}, names...)
	what := "secret"
	if pathToken {
		list, single, what = keyPathTokens, []string{keyPathToken}, "path token"
	}
	if c == nil || c.Kind != yaml.MappingNode {
		return d, fmt.Errorf("it has no credentials, so there is no %s to replace; set one first", what)
	}
	end := scalar(until.UTC().Format(time.RFC3339))
	all := child(c, list)
	if all == nil {
		all = &yaml.Node{Kind: yaml.SequenceNode}
		for _, key := range single {
			if v := child(c, key); v != nil && v.Kind == yaml.ScalarNode {
				all.Content = append(all.Content, one(v))
				drop(c, key)
			}
		}
	}
	if all.Kind != yaml.SequenceNode || len(all.Content) == 0 {
		return d, fmt.Errorf("it has no %s to replace; set one first", what)
	}
	for _, item := range all.Content {
		if was := child(item, keyUntil); was == nil || ends(was, until) {
			set(item, keyUntil, end)
		}
	}
	all.Content = append(all.Content, one(scalar(secret.Reveal())))
	set(c, list, all)
	return r, nil
}

// one is one of several secrets.
func one(v *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar(keyValue), clone(v)}}
}

// ends reports whether a date is later than until, or none that is understood.
func ends(was *yaml.Node, until time.Time) bool {
	t, err := time.Parse(time.RFC3339, was.Value)
	if err != nil {
		t, err = time.Parse(time.DateOnly, was.Value)
	}
	return err != nil || t.After(until)
}

// NewSecret is a random secret for a dialect.
func NewSecret(dialectName string) dialect.Secret {
	var b [32]byte
	_, _ = rand.Read(b[:]) // it never fails
	if dialectName == "cloudevents" {
		return dialect.Secret("whsec_" + base64.StdEncoding.EncodeToString(b[:]))
	}
	return dialect.Secret(base64.RawURLEncoding.EncodeToString(b[:]))
}
