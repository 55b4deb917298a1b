package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/suggest"
)

// credentialUsage is the help of --credential.
const credentialUsage = "`key=value` of the dialect; also key_env=NAME and key_file=PATH, which other users of this machine cannot read"

// parseCredentials reads --credential flags. No error holds a value: it may be a
// secret in the wrong place.
func parseCredentials(spec *dialect.Spec, pairs []string) (dialect.Credentials, error) {
	var cred dialect.Credentials
	var known []string
	for _, k := range spec.Credentials {
		known = append(known, k.Name)
	}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return cred, errors.New("--credential is not key=value")
		}
		key, value, err := credentialValue(spec, name, value)
		if err != nil {
			return cred, err
		}
		switch {
		case key == nil && len(known) == 0:
			return cred, fmt.Errorf("--credential %s: %s has no credentials", name, spec.Name)
		case key == nil:
			return cred, fmt.Errorf("--credential %s: %s has %s%s", name, spec.Name, strings.Join(known, ", "), suggest.DidYouMean(name, known))
		case value == "" && strings.HasSuffix(name, "_env"):
			return cred, fmt.Errorf("--credential %s names an environment variable that is not set", name)
		case value == "":
			return cred, fmt.Errorf("--credential %s is empty", name)
		case key.Secret:
			cred.Secrets = append(cred.Secrets, dialect.DatedSecret{Value: dialect.Secret(value)})
		default:
			if cred.Public == nil {
				cred.Public = map[string]string{}
			}
			cred.Public[key.Name] = value
		}
	}
	return cred, nil
}

// credentialValue finds the key that name means and reads its value from where
// name says. The key is nil when the dialect has none of this name.
func credentialValue(spec *dialect.Spec, name, value string) (*dialect.CredentialKey, string, error) {
	for i := range spec.Credentials {
		k := &spec.Credentials[i]
		short := k.Secret && strings.HasPrefix(name, "secret") && k.Name != "secret"
		form, ok := strings.CutPrefix(name, k.Name)
		if !ok && short {
			form, ok = strings.TrimPrefix(name, "secret"), true
		}
		switch {
		case !ok:
		case form == "":
			return k, value, nil
		case form == "_env":
			return k, os.Getenv(value), nil
		case form == "_file":
			b, err := os.ReadFile(value)
			if err != nil {
				return nil, "", fmt.Errorf("--credential %s: %w", name, err)
			}
			return k, strings.TrimRight(string(b), "\r\n"), nil
		}
	}
	return nil, "", nil
}
