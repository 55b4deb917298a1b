package config

import "github.com/imhook/imhook/dialect"

// SandboxApp is the app of the sandbox.
const SandboxApp = "sandbox"

// The sandbox's secrets are no secrets: everybody can sign with them by hand.
const (
	sandboxSecret = "sandbox-secret"
	sandboxWord   = "sandbox"
)

// SandboxCredentials returns the well-known credentials of a dialect's source in
// the sandbox: every secret key is "sandbox-secret", every other key "sandbox"
// but sdk_app_id, a number on the wire, which is "1400000000", and easemob's
// app_key, which has two parts, "imhook#sandbox". A key that is not required is
// left out: cloudevents comes unsigned.
func SandboxCredentials(spec *dialect.Spec) dialect.Credentials {
	var cred dialect.Credentials
	for _, key := range spec.Credentials {
		switch {
		case !key.Required:
		case key.Secret:
			cred.Secrets = []dialect.DatedSecret{{Value: sandboxSecret}}
		default:
			if cred.Public == nil {
				cred.Public = map[string]string{}
			}
			cred.Public[key.Name] = sandboxValue(spec.Name, key.Name)
		}
	}
	return cred
}

func sandboxValue(dialect, key string) string {
	switch {
	case key == "sdk_app_id":
		return "1400000000"
	case dialect == "easemob":
		return "imhook#sandbox"
	}
	return sandboxWord
}

// SetToken sets the admin token of a configuration that was not read from a file.
func (c *Config) SetToken(token dialect.Secret, from Origin) {
	c.Admin.Token = token
	if c.read.origins == nil {
		c.read.origins = map[string]Origin{}
	}
	c.read.origins["admin.token"] = from
}

// Sandbox returns the configuration that is used without a file: one app with a
// source for each dialect, named after it and with [SandboxCredentials], a word list
// of two words that masks them, and an inbox that takes everything. Empty dataDir and listen are the defaults. Whoever
// sets Listen to an address that others reach must set Admin.Token and call
// [Config.CheckListen].
func Sandbox(registry *dialect.Registry, dataDir, listen string) *Config {
	c := Default()
	c.Sandbox = true
	c.read.origins = map[string]Origin{}
	if dataDir != "" {
		c.DataDir = dataDir
		c.read.origins["data_dir"] = Origin{Kind: OriginFlag, Name: "--data"}
	}
	if listen != "" {
		c.Listen = listen
		c.read.origins["listen"] = Origin{Kind: OriginFlag, Name: "--listen"}
	}
	app := App{Name: SandboxApp}
	for _, d := range registry.All() {
		spec := d.Spec()
		app.Sources = append(app.Sources, Source{
			Name: spec.Name, Dialect: spec.Name, Generation: generationAuto,
			Credentials: SandboxCredentials(spec), MaxAge: spec.MaxAge, Deadline: spec.Deadline,
		})
	}
	h := defaultHook()
	h.Name, h.Builtin, h.Words = "words", Wordlist, []string{"badword", "坏词"}
	app.Hooks = []Hook{h}
	e := c.defaultEndpoint()
	e.Name, e.Builtin = Inbox, Inbox
	app.Endpoints = []Endpoint{e}
	c.Apps = []App{app}
	return c
}
