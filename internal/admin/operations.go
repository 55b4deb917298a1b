package admin

import (
	"context"
	"net/http"
	"strings"

	"github.com/imhook/imhook/internal/config"
)

// operations is the API: every route of it, who may, and what it takes and answers.
func (a *api) operations() {
	a.eventOperations()
	a.historyOperations()
	a.sourceOperations()
	a.hookOperations()
	a.endpointOperations()
	a.letterOperations()
	a.runOperations()
	a.gatewayOperations()
	a.accessOperations()
	a.definitionOperations()
	a.liveOperations()
	a.listenOperations()
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
	ask(a, operation{
		id: "sample", method: http.MethodGet, path: "/api/v1/samples/{name}", tag: tagSources, role: RoleOperator,
		summary: "What trigger would send, signed", errors: []int{http.StatusBadRequest, http.StatusNotFound},
	}, shownSample{Request: exampleTriggered().Exchanges[0].Request, Seed: 7}, a.sample)
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
	tell(a, missing(a.Reach != nil, operation{
		id: "checkEndpoint", method: http.MethodPost, path: "/api/v1/endpoints/{app}/{name}/check", tag: tagEndpoints, role: RoleOperator,
		summary: "Connect to an endpoint, and send nothing", errors: []int{http.StatusNotFound},
	}), none{}, exampleReached(), a.checkEndpoint)
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
		id: "deadLetterGroups", method: http.MethodGet, path: "/api/v1/deadletters/groups", tag: tagDeadLetters, role: RoleViewer,
		summary: "How many were set aside, by endpoint and reason, the oldest first", errors: []int{http.StatusBadRequest},
		about: "Counts for three seconds at most; more says that there are others then.",
	}, exampleLetterGroups(), a.groupLetters)
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

// loginPath is where a session begins.
const loginPath = "/api/v1/login"

func (a *api) accessOperations() {
	kept := func(op operation) operation {
		if a.Settings == nil {
			op.absent = "this gateway keeps no tokens and sessions; use admin.token"
		}
		return op
	}
	tell(a, kept(operation{
		id: "login", method: http.MethodPost, path: loginPath, tag: tagAccess, limit: 4 << 10,
		summary: "Begin a session of the console",
		about: "The answer sets a cookie that no script can read and no other site sends. It ends with its token, with logout, and after twelve hours. " +
			"What a session changes must come from a page of the gateway: Sec-Fetch-Site or Origin say so. Wrong tokens are held up.",
		errors: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}), loginWish{Token: "imt_k7f3c2m5qa_6mYw…"}, exampleMe(), a.login)
	ask(a, kept(operation{
		id: "logout", method: http.MethodPost, path: "/api/v1/logout", tag: tagAccess, role: RoleViewer,
		summary: "End the session", errors: []int{http.StatusServiceUnavailable},
	}), none{}, a.logout)
	ask(a, operation{
		id: "me", method: http.MethodGet, path: "/api/v1/me", tag: tagAccess, role: RoleViewer,
		summary: "Who asks, and what he may",
	}, exampleMe(), a.me)
	ask(a, kept(operation{
		id: "tokens", method: http.MethodGet, path: "/api/v1/tokens", tag: tagAccess, role: RoleAdmin,
		summary: "Who may use the API",
	}), tokenList{[]Token{exampleToken()}}, a.tokens)
	tell(a, kept(operation{
		id: "createToken", method: http.MethodPost, path: "/api/v1/tokens", tag: tagAccess, role: RoleAdmin,
		summary: "Make a token; it is shown this once", errors: []int{http.StatusConflict, http.StatusServiceUnavailable},
	}), tokenWish{Name: "night shift", Role: RoleOperator, Expires: "90d"}, newToken{exampleToken(), "imt_k7f3c2m5qa_6mYw…"}, a.createToken)
	ask(a, kept(operation{
		id: "revokeToken", method: http.MethodDelete, path: "/api/v1/tokens/{id}", tag: tagAccess, role: RoleAdmin,
		summary: "Revoke a token, and end the sessions that were begun with it", about: "The id may be the token's name.",
		errors: []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}), revokedToken{"k7f3c2m5qa", "night shift"}, a.revokeToken)
	ask(a, missing(a.Audit != nil, operation{
		id: "audit", method: http.MethodGet, path: "/api/v1/audit", tag: tagAccess, role: RoleViewer,
		summary: "Who did what, newest first", errors: []int{http.StatusBadRequest},
		about: "Everything that changed something, and what was refused for lack of a role. Without secrets.",
	}), exampleAudit(), a.audit)
}

// changing marks an operation that needs somebody who keeps definitions.
func (a *api) changing(op operation) operation {
	if a.Definitions == nil {
		op.absent = "this gateway keeps no definitions; change its configuration file"
	}
	return op
}

func (a *api) definitionOperations() {
	for _, d := range []struct {
		section config.Section
		tag     string
		wish    definedWish
	}{
		{config.SectionSources, tagSources, exampleSourceWish()},
		{config.SectionHooks, tagHooks, exampleHookWish()},
		{config.SectionEndpoints, tagEndpoints, exampleEndpointWish()},
	} {
		one, what := "a "+d.section.One(), upper(d.section.One())
		if d.section == config.SectionEndpoints {
			one = "an " + d.section.One()
		}
		path := "/api/v1/" + string(d.section) + "/{app}/{name}"
		ask(a, operation{
			id: "get" + what, method: http.MethodGet, path: path, tag: d.tag, role: RoleViewer,
			summary: "How " + one + " is defined, by whom, and what is in force", errors: []int{http.StatusNotFound},
		}, exampleDefinition(), func(ctx context.Context, in *inApp) (shownDefinition, error) {
			return a.showDefinition(ctx, d.section, in)
		})

		change := func(op operation) operation {
			op.path, op.tag, op.role = path+op.path, d.tag, RoleAdmin
			op.errors = append(op.errors, http.StatusBadRequest, http.StatusConflict, http.StatusServiceUnavailable)
			return a.changing(op)
		}
		const about = "The keys are those of the configuration file, and so are the words about what is wrong with them. What the file defines is changed there: the file wins. " +
			"Files and environment variables of the gateway's machine cannot be named, and private addresses are called only where egress.allow of the file says so. " +
			"A secret that is <redacted> stays as it is. YAML is taken as well."
		put := change(operation{
			id: "put" + what, method: http.MethodPut, summary: "Define " + one + ", or replace its definition", about: about,
			errors: []int{http.StatusUnprocessableEntity},
		})
		put.wish = d.wish
		ask(a, put, exampleDefined(), func(ctx context.Context, in *definedIn) (definedAnswer, error) { return a.put(ctx, d.section, in) })
		patch := change(operation{
			id: "patch" + what, method: http.MethodPatch, summary: "Change some keys of " + one + " that the API defined",
			about: "A merge patch: null takes a key away. " + about, errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity},
		})
		patch.wish = definedWish{"timeout": "10s"}
		ask(a, patch, exampleDefined(), func(ctx context.Context, in *definedIn) (definedAnswer, error) { return a.patch(ctx, d.section, in) })
		ask(a, change(operation{
			id: "delete" + what, method: http.MethodDelete, summary: "Take away " + one + " that the API defined",
			errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity},
		}), exampleDefined(), func(ctx context.Context, in *definedIn) (definedAnswer, error) { return a.remove(ctx, d.section, in) })
		tell(a, change(operation{
			id: "rotate" + what, method: http.MethodPost, path: "/rotate", summary: "Replace the secret of " + one + ", with an overlap", loose: true,
			about:  "The new secret stands behind the present one, which stays valid for the overlap: what is verified may have either, what is signed has the present one until it ends.",
			errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity},
		}), rotation{Overlap: "7d"}, exampleDefined(), func(ctx context.Context, in *definedIn, want *rotation) (definedAnswer, error) {
			return a.rotate(ctx, d.section, in, want)
		})
	}
	ask(a, a.changing(operation{
		id: "exportConfig", method: http.MethodGet, path: "/api/v1/config/export", tag: tagGateway, role: RoleViewer, answers: mediaYAML,
		summary: "What the API defined, as a configuration file", about: "Secrets are not in it: it names an environment variable for each.",
	}), stream(nil), a.export)
}

// definedWish is a definition as somebody writes it: the keys of the configuration file.
type definedWish map[string]any
