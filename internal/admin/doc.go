// Package admin answers people and commands: the HTTP API below /api/v1, the
// health checks and the metrics. The console is served in front of it.
//
//	caller ─► guard ─► /api/v1/events        what the journal holds, newest first
//	                   /api/v1/sources       who may call; …/{name}/trigger has one called, …/check follows it
//	                   /api/v1/endpoints     how those are doing who are told
//	                   /api/v1/search        what the history holds; …/events/{id}/timeline tells one story
//	                   /api/v1/status        how configuration and journal are doing
//	                   /api/v1/ledger        what came in and what became of it
//	                   /api/v1/deadletters   what was set aside
//	                   /api/v1/rules/test    which of the kept events a rule picks, and why
//	                   /metrics
//	caller ─► /healthz /readyz /
//
// Without a token only this machine is answered: a loopback peer that asks for a
// loopback host, from no other site's page and through no proxy. With a token
// every request must bear it, wherever it comes from. The health checks tell
// nothing and are open.
//
// No answer holds a secret: credentials are shown by their public keys, path
// tokens as <redacted>. The signature that trigger makes is shown, since the
// caller may have it made again at will.
//
// What admin shows it asks for through the interfaces of this package. Reading
// events goes through the journal page by page and is bounded per request; it is
// for people, not for delivery.
package admin
