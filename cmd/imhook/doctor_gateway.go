package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/imhook/imhook/client/admin"
)

// reach asks whether the gateway answers at all, and answers this caller.
func (d *doctor) reach(ctx context.Context) bool {
	c, at := d.client, d.client.URL()
	err := c.Health(ctx)
	if _, refused := errors.AsType[*admin.Error](err); err != nil && !refused {
		if nobody, ok := errors.AsType[*admin.UnreachableError](err); ok {
			err = nobody.Err
		}
		d.found(finding{Level: wrong, Check: "gateway", About: at, What: "it does not answer", Why: reason(err), Do: unansweredHint(err)})
		return false
	}
	s, err := c.Status(ctx)
	switch err = explain(err); {
	case err == nil:
		d.fine("gateway", at, "it answers (imhook %s)", dash(s.Version))
		return true
	case isRefused(err) && !c.HasToken():
		d.found(finding{Level: wrong, Check: "gateway", About: at, What: "it answers, and not this caller", Why: reason(err), Do: "give its admin token with --token or IMHOOK_TOKEN, or ask on its own machine"})
	case isRefused(err):
		d.found(finding{Level: wrong, Check: "gateway", About: at, What: "it answers, and not with this token", Why: reason(err), Do: "give the token of admin.token (--token, IMHOOK_TOKEN), and the API's own address where admin.listen is set"})
	default:
		d.found(finding{Level: wrong, Check: "gateway", About: at, What: "something answers there, and not as a gateway", Why: reason(err), Do: "name the gateway with --gateway"})
	}
	return false
}

func isRefused(err error) bool {
	_, ok := errors.AsType[*admin.Error](err)
	return ok
}

// reason is an error without what the finding says already.
func reason(err error) string { return strings.TrimPrefix(err.Error(), "the gateway says: ") }

// checkGateway looks at configuration and journal.
func (d *doctor) checkGateway(ctx context.Context) error {
	s, err := d.client.Status(ctx)
	if err != nil {
		return explain(err)
	}
	switch c := s.Config; {
	case !c.Followed:
		d.found(finding{Level: note, Check: "configuration", What: "there is no file", Why: "the gateway runs without --config, as a sandbox", Do: "write imhook.yaml before others depend on it"})
	case c.Refused != "":
		d.found(finding{Level: wrong, Check: "configuration", What: "what the files hold is not in force; the one before goes on", Why: c.Refused, Do: "correct it (imhook config check) or restart, as the reason says; it is read again by itself"})
	default:
		d.fine("configuration", "", "what the files hold is in force")
	}
	d.checkJournal(&s.Journal)
	return nil
}

// nearlyFull is the part of a bound that is worth a word.
const nearlyFull = 0.8

func (d *doctor) checkJournal(j *admin.JournalStatus) {
	full := fmt.Sprintf("endpoints have not finished %s of %s", byteSize(int64(j.UnfinishedBytes)), byteSize(j.RetainBytes))
	switch {
	case j.Trouble != "":
		d.found(finding{Level: wrong, Check: "journal", What: "callbacks cannot be kept, and are refused", Why: j.Trouble, Do: "make room, or let endpoints take their events; each recovers by itself"})
	case float64(j.UnfinishedBytes) > nearlyFull*float64(j.RetainBytes):
		d.found(finding{Level: wrong, Check: "journal", What: "it is nearly full", Why: full, Do: "see which endpoint is behind (imhook endpoints), give it a smaller backlog, or raise journal.retain.bytes"})
	default:
		d.fine("journal", "", "it takes callbacks; %s", full)
	}
	if j.DiskReserveBytes > 0 {
		room := fmt.Sprintf("%s are free, %s are kept free", byteSize(j.DiskFreeBytes), byteSize(j.DiskReserveBytes))
		if j.DiskFreeBytes < 2*j.DiskReserveBytes {
			d.found(finding{Level: wrong, Check: "journal", What: "its disk is nearly full", Why: room, Do: "make room on it: at its reserve callbacks are refused"})
		} else {
			d.fine("journal", "", "its disk has room: %s", room)
		}
	}
	if j.LostPages > 0 || j.UnreadablePages > 0 || j.LostDeadLetters > 0 {
		why := strings.Join(j.Losses, "; ")
		if j.UnreadablePages > 0 {
			why = strings.TrimPrefix(fmt.Sprintf("%s; %d pages could not be read since the start", why, j.UnreadablePages), "; ")
		}
		d.found(finding{Level: note, Check: "journal", What: lost(j) + " were lost by damage, ever", Why: why, Do: "look at disk and file system; events whose sender repeats them are taken again"})
	}
	if j.DroppedEvents > 0 {
		d.found(finding{Level: wrong, Check: "journal", What: fmt.Sprintf("%d events were dropped unfinished since the start", j.DroppedEvents), Why: "the journal was full and when_full is " + j.WhenFull, Do: "raise journal.retain.bytes, or say when_full: refuse"})
	}
	if j.Refused > 0 {
		d.found(finding{Level: note, Check: "journal", What: fmt.Sprintf("%d events were refused since the start because it was full", j.Refused), Why: "their senders were told to come again", Do: "see imhook_journal_refused_total for when that was"})
	}
	if j.Failures > 0 {
		d.found(finding{Level: note, Check: "journal", What: fmt.Sprintf("%d commits failed since the start", j.Failures), Why: "the disk or the server of the journal could not be written", Do: "the log says why; nothing of them was answered 200"})
	}
}

// lost says how much is missing.
func lost(j *admin.JournalStatus) string {
	if j.LostDeadLetters == 0 {
		return count(int(j.LostEvents), "event")
	}
	return count(int(j.LostEvents), "event") + " and " + count(int(j.LostDeadLetters), "dead letter")
}

// byteSize is n in the unit that a person would choose.
func byteSize(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}
