// Package movein reads where an IM server's callbacks go today, out of the server's
// own configuration file, and writes the imhook.yaml that puts imhook in between.
//
//	vendor's file ─► Read… ─► Found: callbacks, each with its line ─► NewPlan ─► Config: imhook.yaml
//	                    └── problems, warnings                           └────► Paste: back into the vendor's file
//
// Each vendor is a file: which generations of its configuration there are, what
// its words mean, and what the server does with what it reads, also where that is
// not what the file's comments say. What a file says and the server does not do
// is told as a warning with its line; a file that cannot be read is a
// [config.Error], all problems at once.
//
// Nothing is dropped in silence: what is enabled today is in the plan, as an
// endpoint or, where the server waits for a verdict, as a hook with the time and
// the policy that the file gives it. The server must wait for imhook longer than
// imhook waits for the backend: see [Found.Waits]. Values of other settings, which
// may be secrets, are never repeated.
package movein
