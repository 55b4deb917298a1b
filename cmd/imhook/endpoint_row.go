package main

import (
	"fmt"
	"io"
	"time"

	"github.com/imhook/imhook/client/admin"
)

// endpointState says how an endpoint is doing, and what comes next.
func endpointState(e *admin.Endpoint, now time.Time) string {
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

// tellConversations says below the table which of an endpoint's do not go on, and what to do.
func tellConversations(w io.Writer, e *admin.Endpoint) {
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
