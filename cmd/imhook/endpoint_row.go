package main

import (
	"fmt"
	"io"
	"time"
)

// endpointRow is what the listing shows of an endpoint.
type endpointRow struct {
	App         string    `json:"app"`
	Name        string    `json:"name"`
	State       string    `json:"state"`
	Paused      string    `json:"paused"`
	PausedUntil time.Time `json:"pausedUntil"`
	ProbeAt     time.Time `json:"probeAt"`
	Vendor      *struct {
		Name  string    `json:"name"`
		State string    `json:"state"`
		Until time.Time `json:"until"`
	} `json:"vendor"`
	Ramp struct {
		Limit int `json:"limit"`
		Of    int `json:"of"`
	} `json:"ramp"`
	PausedConversations []struct {
		Conversation string    `json:"conversation"`
		Why          string    `json:"why"`
		Until        time.Time `json:"until"`
		Backlog      int       `json:"backlog"`
	} `json:"pausedConversations"`
	BlockedConversations []struct {
		Conversation string    `json:"conversation"`
		Since        time.Time `json:"since"`
		Reason       string    `json:"reason"`
		Detail       string    `json:"detail"`
		Attempts     int       `json:"attempts"`
		Backlog      int       `json:"backlog"`
	} `json:"blockedConversations"`
	Blocked   int         `json:"blocked"`
	PerSecond float64     `json:"deliveredPerSecond"`
	Backlog   int         `json:"backlog"`
	More      bool        `json:"more"`
	Behind    int         `json:"behind"`
	Waiting   int         `json:"waiting"`
	Delivered uint64      `json:"delivered"`
	Parked    uint64      `json:"parked"`
	Age       float64     `json:"oldestAgeSeconds"`
	LastError string      `json:"lastError"`
	Secrets   []secretRow `json:"secrets"`
}

// state says how it is doing, and what comes next.
func (e *endpointRow) state(now time.Time) string {
	switch {
	case e.State == "paused" && !e.PausedUntil.IsZero():
		return "paused until " + e.PausedUntil.Format(time.RFC3339)
	case e.State == "open" && !e.ProbeAt.IsZero():
		return "open, tried in " + max(0, e.ProbeAt.Sub(now)).Round(time.Second).String()
	case e.State == "ramping":
		return fmt.Sprintf("ramping %d of %d", e.Ramp.Limit, e.Ramp.Of)
	case e.Vendor != nil && e.Vendor.State != "" && e.State == e.Vendor.State:
		return e.State + " until " + e.Vendor.Until.Local().Format(time.RFC3339) + ", as " + e.Vendor.Name
	case e.Vendor != nil:
		return e.State + ", as " + e.Vendor.Name
	default:
		return e.State
	}
}

// conversations says below the table which of them do not go on, and what to do.
func (e *endpointRow) conversations(w io.Writer) {
	id := e.App + "/" + e.Name
	for _, c := range e.PausedConversations {
		until := ""
		if !c.Until.IsZero() {
			until = " until " + c.Until.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s: conversation %s is paused%s (%s), %d waiting\n", id, c.Conversation, until, c.Why, c.Backlog)
	}
	for _, c := range e.BlockedConversations {
		why := c.Reason
		if c.Detail != "" {
			why += ": " + c.Detail
		}
		if why == "" {
			why = "its first event is not taken"
		}
		fmt.Fprintf(w, "%s: conversation %s is blocked since %s after %d attempts (%s), %d waiting; try it again with imhook resume %s --conversation %s --now\n",
			id, c.Conversation, c.Since.Format(time.RFC3339), c.Attempts, why, c.Backlog, id, c.Conversation)
	}
	if more := e.Blocked - len(e.BlockedConversations); more > 0 {
		fmt.Fprintf(w, "%s: %d more conversations are blocked\n", id, more)
	}
}
