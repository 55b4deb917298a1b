// Package dialecttest is the suite that every dialect passes, written once.
//
//	//go:embed testdata/wire
//	var wire embed.FS // embed, not Glob: a pattern that matches nothing does not compile
//
//	func TestConformance(t *testing.T)  { dialecttest.Exercise(t, subject()) }
//	func FuzzDecode(f *testing.F)       { dialecttest.FuzzDecode(f, subject()) }
//
// # Golden cases
//
// A case is a folder of testdata/wire named <command>[@variant], where each of
// the characters "*<>?`|/\: of a command is written as _ (file systems and embed
// take none of them). It holds
//
//	request.http   what the vendor's server sends: request line with the path below
//	               the source's URL ("POST /path?query HTTP/1.1", "/" for none),
//	               headers, an empty line, the body byte for byte. One newline at
//	               the very end is an editor's and does not count.
//	origin.txt     where that comes from: vendor page and date, a capture, or "written by us"
//	events.json    what Decode makes of it
//	ack.http       the answer to after-events
//	allow.http, deny.http, drop.http, rewrite.http   the answers to a before-event
//	outbound.http  the events said again by Encode, unsigned; several requests are
//	               separated by a line ###
//
// Inputs are facts, outputs are decisions: go test -update rewrites the outputs in
// the package's testdata/wire, never request.http or origin.txt.
//
// # Checks
//
// Each check has a short stable name. [Subject.Waivers] excuses one, for a reason,
// as "check" or as "check/case" (for coverage, sample, sign, nosecret, target and,
// besides cases, carries: as "check/command"); a waiver that excuses nothing fails the suite.
//
//	files        a case holds its files, not empty, and no others
//	coverage     every command has a case
//	decode       events are as in events.json
//	events       type in the catalogue and declared, phase, lane and command fit
//	raw          Raw is a complete request of exactly the event, without a signature
//	json         an event's CloudEvents form reads back as the same event
//	aliasing     Decode keeps nothing of its argument and changes nothing in it
//	determinism  the same input twice gives the same events
//	path         Path is the path that the event came in on
//	reply        answers are as in ack.http, allow.http, deny.http …
//	verdict      the dialect reads its own answers, allow as allow and no other as
//	             allow; what is no answer is ErrBadReply
//	carries      what Carries takes, Answer says: the dialect reads it as the same
//	             verdict; what Carries refuses, Answer denies. In every generation
//	target       a hook's answer is read by the rules of the generation that it was
//	             asked in, also when the event came from another vendor
//	judge        Ack is no refusal
//	refuse       Refuse is told from success by its status or by Judge
//	encode       events said again are as in outbound.http
//	roundtrip    what Encode says decodes to the same event
//	verify       the case's signature is accepted, twice with the same proof
//	signature    a wrong, an expired and a missing signature are refused
//	stale        so is a signed time outside the window, before or after
//	flip         so is every changed byte of what Sign adds
//	broken       cut or broken JSON is a *DecodeError and no events
//	unknown-key  a key that nobody knows survives
//	sample       Sample works for each command and decodes to it
//	sign         a signed sample is verified, and signing changes no event
//	nosecret     signing without a needed secret is ErrNoSecret
//	secret       no secret stands in an error, an answer or a signed request
package dialecttest
