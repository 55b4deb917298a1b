package admin

import (
	"context"
	"net/http"
	"strings"
)

// operations is the API: every route of it, who may, and what it takes and answers.
func (a *api) operations() {
	a.eventOperations()
	a.sourceOperations()
	a.hookOperations()
	a.endpointOperations()
	a.letterOperations()
	a.runOperations()
	a.gatewayOperations()
}

// missing says that an operation is not there unless it can be done.
func missing(can bool, op operation) operation {
	if !can {
		op.absent = "there is no " + op.method + " " + op.path + " in this API"
	}
	return op
}

func (a *api) eventOperations() {
	ask(a, operation{
		id: "events", method: http.MethodGet, path: "/api/v1/events", tag: tagEvents, role: RoleViewer,
		summary: "Events that are kept, newest first", errors: []int{http.StatusBadRequest},
		about: "Looks at 200,000 events at most; next then says where to go on, also when nothing was found.",
	}, exampleFound(), a.events)
	ask(a, operation{
		id: "event", method: http.MethodGet, path: "/api/v1/events/{id}", tag: tagEvents, role: RoleViewer,
		summary: "One event with what came over the wire, what was decided and what was tried", errors: []int{http.StatusNotFound},
	}, exampleEvent(), a.event)

	trail := func(op operation) operation {
		op.absent = a.noTrail()
		return op
	}
	ask(a, trail(operation{
		id: "decisions", method: http.MethodGet, path: "/api/v1/decisions", tag: tagEvents, role: RoleViewer,
		summary: "Decisions about before-callbacks, newest first", errors: []int{http.StatusBadRequest, http.StatusNotFound},
	}), exampleDecisions(), a.decisions)
	ask(a, trail(operation{
		id: "decision", method: http.MethodGet, path: "/api/v1/decisions/{id}", tag: tagEvents, role: RoleViewer,
		summary: "The story of one message: what was decided, and which events came after", errors: []int{http.StatusNotFound},
		about: "The id is that of an event or a message, or a link key.",
	}), exampleStory(), a.decision)
	ask(a, missing(a.Attempts != nil, operation{
		id: "attempts", method: http.MethodGet, path: "/api/v1/attempts", tag: tagEvents, role: RoleViewer,
		summary: "Attempts to deliver, newest first", errors: []int{http.StatusBadRequest},
		about: "Failures are kept, and some of those that delivered (journal.attempts).",
	}), exampleAttempts(), a.attempts)
	tell(a, missing(a.Rules != nil, operation{
		id: "testRule", method: http.MethodPost, path: "/api/v1/rules/test", tag: tagEvents, role: RoleViewer, steady: true,
		summary: "Which of the newest events a rule picks, and why", limit: maxRuleBody,
		about: "The rule is that of an endpoint, or one that is written out. For each event it says which clause it does not meet, and what the parts of the condition are.",
	}), ruleTest{Rule: Rule{Events: []string{"message.*"}, When: `event.message.kind == "text"`}, Limit: 20}, exampleTested(), a.testRule)
}

func (a *api) sourceOperations() {
	ask(a, operation{
		id: "sources", method: http.MethodGet, path: "/api/v1/sources", tag: tagSources, role: RoleViewer,
		summary: "Who may call, with the commands of the dialect and when secrets were used last",
	}, exampleSources(), a.sources)
	tell(a, operation{
		id: "trigger", method: http.MethodPost, path: "/api/v1/sources/{name}/trigger", tag: tagSources, role: RoleOperator,
		summary: "Have a source called as the vendor's server would, signed", errors: []int{http.StatusNotFound},
	}, wish{Command: "callbackAfterSendSingleMsgCommand", Count: 1, Seed: new(uint64(7))}, exampleTriggered(), a.trigger)
	tell(a, missing(a.Deliveries != nil, operation{
		id: "checkSource", method: http.MethodPost, path: "/api/v1/sources/{name}/check", tag: tagSources, role: RoleOperator,
		summary: "Send a harmless callback through a source, and follow it to every endpoint", errors: []int{http.StatusNotFound},
	}), patience{Timeout: 10}, exampleChecked(), a.check)
}

func (a *api) hookOperations() {
	ask(a, missing(a.Hooks != nil, operation{
		id: "hooks", method: http.MethodGet, path: "/api/v1/hooks", tag: tagHooks, role: RoleViewer,
		summary: "Who is asked before, in that order, and how they are doing",
	}), exampleHooks(), a.hooks)
	tell(a, missing(a.AskHook != nil, operation{
		id: "checkHook", method: http.MethodPost, path: "/api/v1/hooks/{app}/{name}/check", tag: tagHooks, role: RoleOperator,
		summary: "Ask a hook something harmless", errors: []int{http.StatusNotFound},
	}), none{}, exampleHookAnswer(), a.checkHook)
}

func (a *api) endpointOperations() {
	ask(a, operation{
		id: "endpoints", method: http.MethodGet, path: "/api/v1/endpoints", tag: tagEndpoints, role: RoleViewer,
		summary: "Who is told after, and how they are doing",
	}, exampleEndpoints(), a.endpoints)
	steers := func(id, verb, summary string, wish steering, example steered, do func(context.Context, string, *steering) (steered, error)) {
		op := operation{
			id: id, method: http.MethodPost, path: "/api/v1/endpoints/{app}/{name}/" + verb, tag: tagEndpoints, role: RoleOperator,
			summary: summary, errors: []int{http.StatusNotFound, http.StatusConflict}, loose: true, limit: maxSteering,
		}
		tell(a, op, wish, example, func(ctx context.Context, in *inApp, want *steering) (steered, error) { return do(ctx, in.id(), want) })
		tell(a, op.byName(), wish, example, func(ctx context.Context, in *byName, want *steering) (steered, error) { return do(ctx, in.Name, want) })
	}
	steers("pauseEndpoint", "pause", "Hold an endpoint, or one conversation of it: everything is kept, in order",
		steering{Until: "2h", Why: "the database is being moved"}, exampleSteered(true), a.pause)
	steers("resumeEndpoint", "resume", "Let a paused endpoint, or one conversation of it, go on",
		steering{Now: true}, exampleSteered(false), a.resume)
	op := missing(a.Runs != nil, operation{
		id: "replay", method: http.MethodPost, path: "/api/v1/endpoints/{app}/{name}/replay", tag: tagEndpoints, role: RoleOperator,
		summary: "Deliver history again, or count what that would be",
		errors:  []int{http.StatusNotFound, http.StatusTooManyRequests, http.StatusServiceUnavailable},
	})
	want := replayWish{SelectionWish: SelectionWish{Since: "24h", Types: []string{"message.*"}}, DryRun: true}
	tell(a, op, want, exampleReplayed(), func(ctx context.Context, in *inApp, want *replayWish) (replayed, error) {
		return a.replay(ctx, in.id(), want)
	})
	tell(a, op.byName(), want, exampleReplayed(), func(ctx context.Context, in *byName, want *replayWish) (replayed, error) {
		return a.replay(ctx, in.Name, want)
	})
}

// byName is the same operation for an endpoint that is named without its app.
func (op operation) byName() operation {
	op.id += "ByName"
	op.path = strings.Replace(op.path, "{app}/", "", 1)
	op.about = strings.TrimSpace("The app may be left out where one app alone has an endpoint of that name. " + op.about)
	if op.absent != "" {
		return missing(false, op)
	}
	return op
}

func (a *api) letterOperations() {
	ask(a, operation{
		id: "deadLetters", method: http.MethodGet, path: "/api/v1/deadletters", tag: tagDeadLetters, role: RoleViewer,
		summary: "What was set aside, newest first", errors: []int{http.StatusBadRequest},
	}, exampleLetters(), a.deadLetters)
	ask(a, operation{
		id: "deadLetter", method: http.MethodGet, path: "/api/v1/deadletters/{id}", tag: tagDeadLetters, role: RoleViewer,
		summary: "One dead letter with what came over the wire", errors: []int{http.StatusBadRequest, http.StatusNotFound},
	}, wholeLetter{exampleLetter(), exampleRaw()}, a.deadLetter)
	ask(a, operation{
		id: "exportDeadLetters", method: http.MethodGet, path: "/api/v1/deadletters/export", tag: tagDeadLetters, role: RoleViewer,
		summary: "Dead letters as CloudEvents, one a line, the oldest first", errors: []int{http.StatusBadRequest}, answers: lettersContentType,
		about: "However many they are: the answer is written while they are read. One that breaks off is not whole.",
	}, stream(nil), a.exportLetters)
	tell(a, operation{
		id: "purgeDeadLetters", method: http.MethodPost, path: "/api/v1/deadletters/purge", tag: tagDeadLetters, role: RoleOperator,
		summary: "Take dead letters away for good", about: "What takes too long for one answer goes on with from.",
	}, letterWish{Endpoint: "shop/backend", DryRun: true}, purged{Purged: 12, DryRun: true}, a.purge)
	tell(a, missing(a.Keep != nil, operation{
		id: "resendDeadLetter", method: http.MethodPost, path: "/api/v1/deadletters/{id}/resend", tag: tagDeadLetters, role: RoleOperator,
		summary: "Make a new event of a dead letter, as it was or edited",
		errors:  []int{http.StatusRequestEntityTooLarge, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}), resendWish{Body: new("{}"), DryRun: true}, exampleResent(), a.resend)
	tell(a, missing(a.Runs != nil, operation{
		id: "requeueDeadLetters", method: http.MethodPost, path: "/api/v1/deadletters/requeue", tag: tagDeadLetters, role: RoleOperator,
		summary: "Deliver dead letters again, a run for each of their endpoints",
		errors:  []int{http.StatusNotFound, http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}), letterWish{Endpoint: "shop/backend", Rate: 50}, exampleRequeued(), a.requeue)
}

func (a *api) runOperations() {
	ask(a, missing(a.Runs != nil, operation{
		id: "runs", method: http.MethodGet, path: "/api/v1/runs", tag: tagRuns, role: RoleViewer,
		summary: "Requeues and replays that are under way, and those that ended lately",
	}), runList{exampleRuns()}, a.runs)
	ask(a, missing(a.Runs != nil, operation{
		id: "run", method: http.MethodGet, path: "/api/v1/runs/{id}", tag: tagRuns, role: RoleViewer,
		summary: "One requeue or replay", errors: []int{http.StatusNotFound},
	}), exampleRuns()[0], a.run)
	ask(a, missing(a.Runs != nil, operation{
		id: "cancelRun", method: http.MethodPost, path: "/api/v1/runs/{id}/cancel", tag: tagRuns, role: RoleOperator,
		summary: "End a requeue or replay: what was not delivered stays a dead letter", errors: []int{http.StatusNotFound},
	}), exampleRuns()[0], a.cancelRun)
}

func (a *api) gatewayOperations() {
	alone := ""
	if a.Cluster == nil {
		alone = "this gateway has its journal alone; gateways share one with journal.url"
	}
	ask(a, operation{
		id: "cluster", method: http.MethodGet, path: "/api/v1/cluster", tag: tagGateway, role: RoleViewer, absent: alone,
		summary: "Which gateways share the journal, and who delivers what", errors: []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, exampleCluster(), a.cluster)
	ask(a, missing(a.Ledger != nil, operation{
		id: "ledger", method: http.MethodGet, path: "/api/v1/ledger", tag: tagGateway, role: RoleViewer,
		summary: "What came in and what became of it, account by account",
	}), exampleAccounts(), a.ledger)
	ask(a, missing(a.Status != nil, operation{
		id: "status", method: http.MethodGet, path: "/api/v1/status", tag: tagGateway, role: RoleViewer,
		summary: "How configuration and journal are doing",
	}), exampleStatus(), a.status)
	ask(a, operation{
		id: "compareConfig", method: http.MethodPost, path: "/api/v1/config/diff", tag: tagGateway, role: RoleAdmin, steady: true,
		summary: "What a configuration would change if it were the gateway's",
		about:   "Files and environment variables that it names are the gateway's own.",
		media:   mediaYAML, limit: maxConfig, errors: []int{http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusNotImplemented},
	}, exampleComparison(), a.compare)
}

// mediaYAML is what a configuration is.
const mediaYAML = "application/yaml"
