// Package definition handles the YAML of one source, hook or endpoint, as the API takes
// and shows it: in one form whatever it came in, without its secrets, changed in parts,
// with a secret replaced by another, or as a piece of a configuration file.
//
// What is a secret it knows by where it stands and not by what the gateway makes of it:
// everything among credentials that is no public key of the dialect, and passwords and
// tokens anywhere. So what is wrong or unknown is hidden, too.
package definition
