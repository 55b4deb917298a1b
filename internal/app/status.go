package app

import (
	"context"
	"time"

	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/gateway/journal"
)

// status says how configuration and journal are doing.
func (a *App) status(j *journal.Journal) func(context.Context) admin.Status {
	return func(ctx context.Context) admin.Status {
		c := a.current.Load()
		st := j.Stats()
		s := admin.Status{
			Journal: admin.JournalStatus{
				Bytes: st.Bytes, UnfinishedBytes: st.Unfinished, RetainBytes: c.Journal.RetainBytes, WhenFull: string(c.Journal.WhenFull),
				Failures: st.Failures, Refused: st.Refused, DroppedEvents: st.DroppedEvents,
				UnreadablePages: st.Unreadable, LostPages: st.LostPages, LostEvents: st.LostEvents, LostDeadLetters: st.LostLetters, Losses: notes(j)(),
			},
		}
		if r := a.read.Load(); r != nil {
			s.Config = *r
		}
		if err := j.Healthy(); err != nil {
			s.Journal.Trouble = err.Error()
		}
		var err error
		if s.Journal.DiskFreeBytes, s.Journal.DiskReserveBytes, err = j.Room(); err != nil {
			a.cfg.Log.WarnContext(ctx, "the room on the disk is not known", "err", err)
		}
		return s
	}
}

// haveRead notes what came of reading the configuration's files; refused is empty when
// they are in force.
func (a *App) haveRead(at time.Time, refused string) {
	a.read.Store(&admin.ConfigStatus{Followed: true, Refused: refused, At: at.UTC()})
}
