package main

import (
	"context"
	"fmt"
	"time"

	"github.com/imhook/imhook/client/admin"
	"github.com/imhook/imhook/internal/gateway"
)

// checkHooks asks every hook something that changes nothing.
func (d *doctor) checkHooks(ctx context.Context) error {
	answer, err := d.client.Hooks(ctx)
	if err != nil {
		return explain(err)
	}
	for i := range answer.Hooks {
		h := &answer.Hooks[i]
		if d.judgeHook(h); d.noSend || h.State == "disabled" {
			continue
		}
		a, err := d.client.CheckHook(ctx, h.App, h.Name)
		if err != nil {
			return explain(err)
		}
		d.judgeAnswer(h.App+"/"+h.Name, a)
	}
	return nil
}

func (d *doctor) judgeHook(h *admin.Hook) {
	id := h.App + "/" + h.Name
	switch {
	case h.State == "open":
		d.found(finding{
			Level: wrong, Check: "hook", About: id, What: "it failed too often and is not asked for now; its policy answers",
			Why: firstOf("its last failure was: "+h.Failure, h.Trouble), Do: "mend it: one question every few seconds finds out",
		})
	case h.Trouble != "":
		d.found(finding{Level: wrong, Check: "hook", About: id, What: "something is wrong with it", Why: h.Trouble, Do: "correct what it names; it is read again by itself"})
	case h.State == "disabled":
		d.found(finding{Level: note, Check: "hook", About: id, What: "it is disabled", Why: "the configuration says so", Do: "enabled: true, when it shall be asked"})
	default:
		d.fine("hook", id, "it is %s", h.State)
	}
}

// judgeAnswer says what came of asking, and whether that was soon enough.
func (d *doctor) judgeAnswer(id string, a *admin.HookAnswer) {
	took := time.Duration(a.Seconds * float64(time.Second)).Round(100 * time.Microsecond)
	limit := time.Duration(a.Timeout * float64(time.Second))
	f := finding{Level: wrong, Check: "hook", About: id, Why: a.Detail}
	switch {
	case !a.Asked:
		f.Level, f.What, f.Why, f.Do = note, "it was not asked", a.Why, "imhook decisions --hook shows what it says to others"
	case a.Cause != string(gateway.CauseHook):
		f.What = fmt.Sprintf("it gave no verdict in %v: %s", took, firstOf(a.Reason, a.Cause))
		f.Do = "mend it, or its url; until then its policy answers in its place (on_error, on_timeout, on_bad_reply)"
	case took > limit:
		f.What = fmt.Sprintf("it says %s, and too late: after %v of %v", a.Verdict, took, limit)
		f.Do = "make it faster, or give it a longer timeout if the server waits for so long"
	case took > limit/2:
		f.Level, f.What = note, fmt.Sprintf("it says %s after %v of %v", a.Verdict, took, limit)
		f.Why, f.Do = "that is more than half of its time without any load", "make it faster before it is too late"
	default:
		d.fine("hook", id, "it says %s after %v of %v", a.Verdict, took, limit)
		return
	}
	d.found(f)
}
