package admin

import (
	"net/netip"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/attempts"
	"github.com/imhook/imhook/internal/audit"
	"github.com/imhook/imhook/internal/cluster"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/gateway/journal"
	"github.com/imhook/imhook/internal/history"
	"github.com/imhook/imhook/internal/ledger"
	"github.com/imhook/imhook/internal/trail"
)

// The examples of the document tell one small story: an OpenIM server tells the app
// shop of a message, whose backend is down for a while.

func exampleTime() time.Time { return time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC) }

const (
	exampleID     = "01JD4M3Q7V8W9X0Y1Z2A3B4C5D"
	exampleCursor = "21474836481"
	exampleWire   = `{"callbackCommand":"callbackAfterSendGroupMsgCommand","sendID":"alice","groupID":"g1","content":"{\"content\":\"hello\"}"}`
)

func exampleMessage() *event.Event {
	return &event.Event{
		ID: exampleID, App: "shop", Source: "openim-prod", Type: event.MessageSend, Phase: event.After, Time: exampleTime(),
		Dialect: "openim", Generation: "v3.7", Command: "callbackAfterSendGroupMsgCommand", Lane: "group:g1", Links: []string{"msg:m1"},
		Actor: &event.Actor{ID: "alice", Platform: "ios"}, Conversation: &event.Conversation{Kind: event.KindGroup, ID: "g1"},
		Message: &event.Message{ID: "m1", Kind: event.Text, Code: "101", Text: "hello"},
	}
}

func exampleRaw() raw {
	return raw{Dialect: "openim", Path: "/callbackAfterSendGroupMsgCommand", ContentType: mediaJSON, Body: exampleWire}
}

func exampleFound() found {
	return found{Events: []*event.Event{exampleMessage()}, Next: exampleCursor, Newest: exampleCursor}
}

func exampleEvent() shownEvent {
	return shownEvent{
		Event: exampleMessage(), Stored: exampleTime(), Raw: exampleRaw(),
		Decisions: exampleDecisions().Decisions, Attempts: exampleAttempts().Attempts,
	}
}

func exampleDecision() *trail.Entry {
	ev := exampleMessage()
	ev.Phase, ev.Command = event.Before, "callbackBeforeSendGroupMsgCommand"
	changes := []trail.Difference{{Path: "message.text", Before: []byte(`"hello badword"`), After: []byte(`"hello ***"`)}}
	return &trail.Entry{
		Event: ev, Links: []string{"msg:m1"}, At: exampleTime(), Took: 0.004, Verdict: event.Rewrite, By: "words", Cause: gateway.CauseHook,
		Hooks: []trail.Part{{Hook: "words", Verdict: event.Rewrite, Cause: gateway.CauseHook, Took: 0.0001}}, Changes: changes,
	}
}

func exampleDecisions() decisionList {
	return decisionList{Decisions: []*trail.Entry{exampleDecision()}, Next: exampleCursor, Newest: exampleCursor}
}

func exampleStory() story {
	return story{
		Decisions: exampleDecisions().Decisions,
		Events:    []followUp{{Event: exampleMessage(), Stored: exampleTime(), DeadLetters: []Letter{exampleLetter()}}},
	}
}

func exampleExchange() *gateway.Exchange {
	return &gateway.Exchange{
		URL: "http://backend:8080/callback", Request: `{"specversion":"1.0"}`, Status: 503, Head: "Retry-After: 5", Response: "starting",
	}
}

func exampleAttempts() attemptList {
	return attemptList{Attempts: []*attempts.Entry{{
		Event: exampleID, App: "shop", Source: "openim-prod", Type: event.MessageSend, Lane: "group:g1", Dialect: "openim",
		Command: "callbackAfterSendGroupMsgCommand", Endpoint: "shop/backend", Attempt: 1, At: exampleTime(), Took: 0.012,
		Outcome: gateway.Retry, Reason: gateway.ReasonStatus5xx, Status: 503, Detail: "answered 503", RetryAfter: 5, Exchange: exampleExchange(),
	}}, Next: exampleCursor, Newest: exampleCursor}
}

func exampleTested() ruleTested {
	return ruleTested{
		Rule: Rule{App: "shop", Events: []string{"message.*"}, When: `event.message.kind == "text"`}, Tested: 20, Matched: 19,
		Events: []tested{{
			ID: exampleID, Type: event.MessageSend, Source: "openim-prod", Lane: "group:g1", Time: exampleTime(),
			RuleResult: RuleResult{
				Failed: "when", Why: "the condition is false", Pattern: "message.*",
				Parts: []RulePart{{Text: `event.message.kind == "text"`, Value: "false", Where: `event.message.kind is "image"`}},
			},
		}},
	}
}

func exampleSources() sourceList {
	return sourceList{[]source{{
		App: "shop", Name: "rong", Dialect: "rongcloud", Path: "/in/rong", Generation: "auto",
		Credentials: map[string]string{"app_key": "k", "app_secret": "<redacted>"},
		Secrets:     []SecretStatus{{Key: "app_secret", Place: 1, State: SecretLive, LastUsed: exampleTime()}},
		AllowFrom:   []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, MaxAgeSeconds: 300,
		Commands: []command{{Name: "message_callback", Phase: event.Before, Path: "/message_callback", Line: "a message is about to be sent"}},
	}}}
}

func exampleTriggered() triggered {
	return triggered{Seed: 7, Exchanges: []exchange{{
		Request:  sent{Method: "POST", Path: "/in/openim-prod/callbackAfterSendSingleMsgCommand", ContentType: mediaJSON, Body: exampleWire},
		Response: received{Status: 200, ContentType: mediaJSON, Body: `{"actionCode":0}`},
	}}}
}

func exampleChecked() checked {
	return checked{
		App: "shop", Source: "openim-prod", Dialect: "openim", Command: "callbackUserOnlineCommand",
		Response: received{Status: 200, ContentType: mediaJSON, Body: `{"actionCode":0}`}, Kept: true, Event: exampleID, Type: "presence.online",
		Endpoints: []checkedEnd{{Endpoint: "shop/backend", Fate: FateDelivered, Kind: gateway.Delivered, Status: 200, URL: "http://backend:8080/callback", Seconds: 0.012}},
		Unmatched: []string{"shop/archive"},
	}
}

func exampleHooks() hookList {
	return hookList{[]HookStatus{{
		App: "shop", Name: "moderation", State: HookOpen, Dialect: "tencent", Timeout: "400ms", Failure: gateway.CauseTimeout,
		Trouble: "fails, not asked for openim-prod (timeout)",
	}}}
}

func exampleHookAnswer() HookAnswer {
	return HookAnswer{Asked: true, Cause: gateway.CauseHook, Verdict: event.Allow, Status: 200, Seconds: 0.02, Timeout: 0.4}
}

func exampleReached() Reached {
	return Reached{Tried: true, Reason: gateway.ReasonConnect, Detail: "dial tcp 10.0.0.7:8080: connect: connection refused", Seconds: 0.001}
}

func exampleEndpoints() endpointList {
	return endpointList{[]endpoint{{
		EndpointStatus: EndpointStatus{
			App: "shop", Name: "backend", State: "open", Breaker: "open", ProbeAt: exampleTime(), Ramp: Ramp{Limit: 1, Of: 32},
			Backlog: 1200, Behind: 300, Waiting: 1, Delivered: 88000, Parked: 2, PerSecond: 0, OldestAt: exampleTime(), LastError: "answered 503",
			PausedConversations:  []PausedConversation{{Conversation: "group:g1", Why: "paused by hand", Until: exampleTime(), Backlog: 3}},
			BlockedConversations: []BlockedConversation{{Conversation: "group:g2", Since: exampleTime(), Reason: "4xx", Detail: "answered 400", Attempts: 4, Backlog: 2}},
			Blocked:              1,
		},
		OldestAge: 90, Secrets: []SecretStatus{{Key: "secret", Place: 1, State: SecretLive}},
	}}}
}

func exampleSteered(paused bool) steered {
	if paused {
		return steered{Paused: "shop/backend", Until: exampleTime()}
	}
	return steered{Resumed: "shop/backend"}
}

func exampleRun() gateway.Run {
	return gateway.Run{
		ID: "r7", Kind: event.Replayed, Endpoint: "shop/backend",
		Selection: gateway.Selection{Types: []string{"message.*"}, Since: exampleTime()}, CreatedAt: exampleTime(),
	}
}

func exampleRuns() []gateway.RunStatus {
	return []gateway.RunStatus{{
		Run: exampleRun(), State: gateway.RunRunning, Selected: 400, Delivered: 380, Parked: 1, Open: 19, At: exampleTime(),
	}}
}

func exampleReplayed() replayed {
	return replayed{
		DryRun: true, Run: plannedRun{Run: exampleRun()},
		Count: &gateway.RunCount{Selected: 420, Picked: 400, Sent: 400, Begin: exampleTime(), Trimmed: 77},
		Note:  "the journal begins at 2026-11-20T08:00:00Z: the 77 events before it were trimmed (journal.retain) and cannot be replayed",
	}
}

func exampleLetter() Letter {
	return Letter{
		ID: "12", Endpoint: "shop/backend", Pos: exampleCursor, Event: exampleMessage(), Reason: gateway.ReasonStatus4xx, Detail: "answered 400",
		Attempts: 4, FirstAt: exampleTime(), At: exampleTime(), Exchange: exampleExchange(),
	}
}

func exampleLetters() letterList {
	return letterList{DeadLetters: []Letter{exampleLetter()}, Next: "12", Newest: "12"}
}

func exampleLetterGroups() letterGroups {
	return letterGroups{Letters: 12, Groups: []letterGroup{
		{Endpoint: "shop/backend", Reason: gateway.ReasonStatus4xx, Letters: 12, Oldest: exampleTime(), Newest: exampleTime().Add(time.Hour)},
	}}
}

func exampleResent() resent {
	return resent{Event: exampleMessage(), Link: resendLink + exampleID, DryRun: true}
}

func exampleRequeued() requeued {
	return requeued{Letters: 12, Runs: []requeuedRun{{exampleRuns()[0], 12}}}
}

func exampleCluster() cluster.View {
	return cluster.View{
		Self: "a1", Writer: "a1", Moves: 11,
		Members: []cluster.Member{{Node: journal.Node{ID: "a1", Host: "gateway-1", PID: 812, Started: exampleTime(), Version: "v1.0.0", Format: 1}, Writes: true, Slices: 32, Parts: 1}},
		Parts:   []cluster.PartStatus{{Endpoint: "shop/backend", Part: 1, Of: 1, Owner: "a1"}},
	}
}

func exampleAccounts() accounts {
	return accounts{Balanced: true, Accounts: []account{{Account: ledger.Account{
		Kind: ledger.Endpoint, App: "shop", Name: "backend",
		In: []ledger.Entry{{Name: "matched", Events: 3}}, Out: []ledger.Entry{{Name: "delivered", Events: 2}, {Name: "open", Events: 1}},
	}}}}
}

func exampleStatus() Status {
	return Status{
		Version: "v1.0.0", Config: ConfigStatus{Followed: true, At: exampleTime()},
		Journal: JournalStatus{Bytes: 4 << 20, UnfinishedBytes: 1 << 20, RetainBytes: 20 << 30, WhenFull: "refuse", DiskFreeBytes: 100 << 30, DiskReserveBytes: 2 << 30},
		History: exampleHistory(),
	}
}

func exampleComparison() Comparison {
	c := config.Change{
		Kind: config.ChangeChanged, Object: config.ObjectEndpoint, App: "shop", Name: "backend",
		Keys: []config.KeyChange{{Key: "timeout", Old: "5s", New: "10s", Effect: config.EffectLive}},
	}
	return Comparison{
		Changes: []Change{{Change: c, Text: c.String()}},
		Effects: []Effect{{Endpoint: "shop/backend", Text: "is spoken to otherwise: 3 events unfinished, which go the new way", Events: 3}},
	}
}

func exampleMe() me {
	return me{Name: "night shift", Role: RoleOperator, By: bySession, Expires: exampleTime(), Version: "v1.0.0", History: history.Current}
}

func exampleToken() Token {
	return Token{
		ID: "k7f3c2m5qa", Name: "night shift", Role: RoleOperator, CreatedAt: exampleTime(), CreatedBy: "admin.token",
		Expires: exampleTime().Add(90 * 24 * time.Hour), LastUsed: exampleTime(),
	}
}

func exampleAudit() auditList {
	return auditList{Next: exampleCursor, Newest: exampleCursor, Entries: []*audit.Entry{
		{At: exampleTime(), Who: "night shift", Role: string(RoleOperator), From: "10.0.0.7", What: "pauseEndpoint", Target: "shop/backend", Detail: `{"until":"2h"}`},
		{
			At: exampleTime(), Who: "admin.token", Role: string(RoleAdmin), From: "127.0.0.1", What: "putEndpoint", Target: "shop/archive",
			Before: "timeout: 5s\n", After: "timeout: 10s\n",
		},
	}}
}

func exampleSourceWish() definedWish {
	return definedWish{"dialect": "openim", "allow_from": []string{"10.0.0.0/8"}}
}

func exampleHookWish() definedWish {
	return definedWish{"url": "https://moderation.example/before", "dialect": "tencent", "timeout": "400ms", "events": []string{"message.send"}}
}

func exampleEndpointWish() definedWish {
	return definedWish{"url": "https://backend.example/callback", "dialect": "cloudevents", "events": []string{"message.*"}, "credentials": map[string]string{"secret": "whsec_bXlzZWNyZXRteXNlY3JldG15c2VjcmV0"}}
}

func exampleDefinition() shownDefinition {
	return shownDefinition{
		App: "shop", Name: "archive", Origin: string(config.OriginAPI), YAML: "url: https://archive.example\ndialect: cloudevents\ncredentials:\n  secret: <redacted>\n",
		CreatedAt: exampleTime(), CreatedBy: "admin.token", ChangedAt: exampleTime(), ChangedBy: "admin.token",
		Warnings: []problem{{Key: "events", Line: 2, Column: 1, Message: "pattern \"group.*\" matches nothing that the endpoint's sources report (tencent)"}},
		Settings: []setting{{Key: "timeout", Value: "5s", Default: true}, {Key: "credentials.secrets[0]", Value: "<redacted>", Secret: true}},
	}
}

func exampleDefined() definedAnswer {
	return definedAnswer{
		DryRun: true, YAML: "url: https://archive.example\ndialect: cloudevents\ntimeout: 10s\n", Before: "url: https://archive.example\ndialect: cloudevents\n",
		Problems: []problem{{Key: "timeout", Line: 3, Column: 10, Message: `"10 s" is not a duration; write 10s`}},
		Changes:  exampleComparison().Changes, Effects: exampleComparison().Effects,
	}
}
