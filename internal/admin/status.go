package admin

import (
	"context"
	"time"
)

// Status is how the gateway itself is doing.
type Status struct {
	Version string        `json:"version,omitzero"`
	Config  ConfigStatus  `json:"config"`
	Journal JournalStatus `json:"journal"`
	History HistoryStatus `json:"history"`
}

// ConfigStatus says whether the configuration in force is that of the files.
type ConfigStatus struct {
	// Followed is false where there is no file: a sandbox.
	Followed bool `json:"followed"`
	// Refused says why what the files hold now is not in force; empty when it is.
	Refused string `json:"refused,omitzero"`
	// At is when the files were last read.
	At time.Time `json:"at,omitzero"`
}

// JournalStatus is how the journal is doing.
type JournalStatus struct {
	// Trouble says why callbacks cannot be kept now; empty when they can.
	Trouble string `json:"trouble,omitzero"`
	// Bytes are stored; UnfinishedBytes of them some endpoint is not done with, and
	// at RetainBytes of those the journal is full. WhenFull is what happens then.
	Bytes           uint64 `json:"bytes"`
	UnfinishedBytes uint64 `json:"unfinishedBytes"`
	RetainBytes     int64  `json:"retainBytes"`
	WhenFull        string `json:"whenFull"`
	// DiskFreeBytes are free where the journal is, and DiskReserveBytes are kept free;
	// both are 0 for a journal that is on a server.
	DiskFreeBytes    int64 `json:"diskFreeBytes,omitzero"`
	DiskReserveBytes int64 `json:"diskReserveBytes,omitzero"`
	// Failures are pages that could not be written, Refused events that came while it
	// was full, and DroppedEvents those that were dropped unfinished because of
	// WhenFull: since the process began.
	Failures      uint64 `json:"failures"`
	Refused       uint64 `json:"refused"`
	DroppedEvents uint64 `json:"droppedEvents"`
	// UnreadablePages were skipped, since the process began. LostPages, LostEvents and
	// LostDeadLetters were ever found missing; Losses are the last of those, in words.
	UnreadablePages uint64   `json:"unreadablePages"`
	LostPages       uint64   `json:"lostPages"`
	LostEvents      uint64   `json:"lostEvents"`
	LostDeadLetters uint64   `json:"lostDeadLetters"`
	Losses          []string `json:"losses,omitempty"`
}

func (a *api) status(ctx context.Context, _ *none) (Status, error) {
	s := a.Status(ctx)
	s.Version, s.History = a.Version, a.historyStatus()
	return s, nil
}
