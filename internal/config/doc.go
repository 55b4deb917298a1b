// Package config reads the one YAML file that configures a gateway.
//
//	file ─► node tree ─► typed walk, defaults ─► rules ─► *Config: values, warnings, origins, inputs
//	                         └── every problem with its line and column ──► *Error
//
// Reading is strict: a key that is not known is an error with the nearest known
// one, a key that this version does not support yet is an error that says so, and
// nothing is guessed. All problems of a file are reported at once. What is allowed
// and probably not meant is a warning, which stops nothing.
//
// The walk records where each value is written while it reads it, so that
// [Config.Explain] cannot say anything else than what was read; [Diff] compares
// the same values. The files that were read are kept with a digest
// ([Config.Inputs]), for whoever reads again when they change.
//
// Secrets may stand in the file, in an environment variable (key_env) or in a
// file of their own (key_file, relative to the configuration file). They are
// [dialect.Secret] from then on and occur in no problem's text.
//
// Without a file there is [Sandbox].
package config
