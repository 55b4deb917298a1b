package tencent

import (
	"net/http"
	"slices"
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// The ErrorCodes that every before-command knows.
const (
	codeAllow = 0
	codeDeny  = 1
	// codeDrop is for messages alone: the sender sees success.
	codeDrop = 2
)

// rule is what may stand in the answer to a before-command (vendor pages 1632,
// 1671, 1619, 1621, 34372, 34373 …).
type rule struct {
	// from and to are the codes of the app's own; both zero where there are none.
	// wide: those of messages between two users are known besides.
	from, to int
	wide     bool
	// drops and rewrites: only messages can be.
	drops, rewrites bool
	// partly is the key of the members who are refused while the others are not.
	partly string
	// each: every target has a result of its own, and a code other than 0 outside
	// of them counts as a failed callback, which lets all through.
	each bool
	// whole: all are refused by name, there is no code for it.
	whole bool
}

// rules are the before-commands' rules.
var rules = map[string]rule{
	"C2C.CallbackBeforeSendMsg":                           {from: wideFrom, to: wideTo, drops: true, rewrites: true},
	"Group.CallbackBeforeSendMsg":                         {from: 10100, to: 10200, drops: true, rewrites: true},
	"OfficialAccount.CallbackBeforeSendMsg":               {from: 10100, to: 10200, wide: true, drops: true, rewrites: true}, // page 60803 has the wide ones
	"Group.CallbackBeforeCreateGroup":                     {from: 10100, to: 10200},
	"Group.CallbackBeforeApplyJoinGroup":                  {from: 10100, to: 10200},
	"Group.CallbackBeforeCreateTopic":                     {from: 10100, to: 10200},
	"Group.CallbackBeforeInviteJoinGroup":                 {partly: "RefusedMembers_Account"},
	"OfficialAccount.CallbackBeforeCreateOfficialAccount": {from: wideFrom, to: wideTo},
	"OfficialAccount.CallbackBeforeAddSubscriber":         {partly: "RefusedSubscribers_Account", whole: true},
	"Sns.CallbackPrevFriendAdd":                           {from: 38000, to: 39000, each: true},
	"Sns.CallbackPrevFriendResponse":                      {from: 38000, to: 39000, each: true},
}

// own reports whether a code is one that the app may refuse with.
func (r rule) own(code int) bool {
	return r.to != 0 && code >= r.from && code <= r.to || r.wide && code >= wideFrom && code <= wideTo
}

// The codes that an app may refuse messages between two users with.
const (
	wideFrom = 120001
	wideTo   = 130000
)

// deny is the code that a refusal is written with: the verdict's own where the
// command may carry it.
func (r rule) deny(code int) int {
	if r.own(code) {
		return code
	}
	if r.each {
		return r.from
	}
	return codeDeny
}

// ok is the answer that changes nothing.
const ok = `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`

func answered(status int, body []byte) dialect.Response {
	return dialect.Response{Status: status, ContentType: jsonType, Body: body}
}

// Ack is the answer to after-events; the vendor's server only looks for JSON. Of a
// signal to a chatbot it sends RspData back to the bot (page 59057), for which there
// is nobody here to ask: the key is there, and empty.
func (d *Dialect) Ack(_ *dialect.Request, evs []*event.Event) dialect.Response {
	if len(evs) == 1 && evs[0].Type == event.BotMessageSignal {
		w := envelope("OK", codeAllow, "")
		w.text("RspData", "")
		return answered(http.StatusOK, w.end())
	}
	return answered(http.StatusOK, []byte(ok))
}

// Refuse says what is wrong with a status that the vendor's server takes as a
// failure, and in the vendor's form. What then happens to a proposal is a setting of
// the console; by default it is let through.
func (d *Dialect) Refuse(_ *dialect.Request, status int, err error) dialect.Response {
	text := http.StatusText(status)
	if err != nil {
		text = strings.Join(strings.Fields(err.Error()), " ")
	}
	return answered(status, envelope("FAIL", codeDeny, text).end())
}

// envelope begins an answer.
func envelope(action string, code int, info string) *writer {
	w := &writer{b: make([]byte, 0, 128)}
	w.text("ActionStatus", action)
	w.int("ErrorCode", int64(code))
	w.text("ErrorInfo", info)
	return w
}

// Answer tells the verdict in the command's form and within its codes. ActionStatus
// is OK in all of them: it says that the webhook worked, ErrorCode what it decided.
func (d *Dialect) Answer(ev *event.Event, v event.Verdict) dialect.Response {
	r := rules[ev.Command]
	if r.each {
		return answered(http.StatusOK, results(r, ev, v))
	}
	refuse := func(code int, reason string) dialect.Response {
		if r.whole {
			w := envelope("OK", codeAllow, reason)
			w.texts(r.partly, memberIDs(ev.Members))
			return answered(http.StatusOK, w.end())
		}
		return answered(http.StatusOK, envelope("OK", code, reason).end())
	}
	switch v.Action {
	case event.Allow:
		if len(v.Refused) == 0 {
			return answered(http.StatusOK, []byte(ok))
		}
		if r.partly == "" || everybody(ev, v.Refused) {
			return refuse(r.deny(v.Refused[0].Code), firstOf(v.Reason, v.Refused[0].Reason))
		}
		w := envelope("OK", codeAllow, v.Reason)
		w.texts(r.partly, refusedIDs(v.Refused))
		return answered(http.StatusOK, w.end())
	case event.Drop:
		if r.drops {
			return answered(http.StatusOK, envelope("OK", codeDrop, "").end())
		}
	case event.Rewrite:
		if r.rewrites && len(v.Refused) == 0 {
			if body, err := rewrite(ev, v.Changes); err == nil {
				return answered(http.StatusOK, body)
			}
		}
	}
	return refuse(r.deny(v.Code), v.Reason)
}

func refusedIDs(all []event.Refusal) []string {
	ids := make([]string, len(all))
	for i := range all {
		ids[i] = all[i].ID
	}
	return ids
}

// refusals are the verdicts on members by their ids: both lists may be long.
func refusals(all []event.Refusal) map[string]event.Refusal {
	by := make(map[string]event.Refusal, len(all))
	for _, r := range all {
		by[r.ID] = r
	}
	return by
}

// everybody reports whether no member is left.
func everybody(ev *event.Event, all []event.Refusal) bool {
	by := refusals(all)
	for _, m := range ev.Members {
		if _, ok := by[m.ID]; !ok {
			return false
		}
	}
	return true
}

// results answers for each target; none may be missing.
func results(r rule, ev *event.Event, v event.Verdict) []byte {
	w := envelope("OK", codeAllow, "")
	by := refusals(v.Refused)
	w.begin("ResultItem")
	for _, m := range ev.Members {
		code, info := codeAllow, ""
		if v.Action != event.Allow {
			code, info = r.deny(v.Code), v.Reason
		}
		if one, ok := by[m.ID]; ok {
			code, info = r.deny(one.Code), firstOf(one.Reason, v.Reason)
		}
		w.item()
		w.text("To_Account", m.ID)
		w.int("ResultCode", int64(code))
		w.text("ResultInfo", info)
		w.endItem()
	}
	w.close()
	return w.end()
}

// rewrite puts a changed message in place of the proposal's. What a hook leaves
// out, since its dialect has no word for it, stays.
func rewrite(ev *event.Event, c *event.Changes) ([]byte, error) {
	if c == nil || c.Message == nil && c.Group == nil && c.User == nil && c.Friend == nil && c.Push == nil && c.Vendor == nil {
		return []byte(ok), nil
	}
	if c.Group != nil || c.User != nil || c.Friend != nil || c.Push != nil || ev.Message == nil || c.Message == nil {
		return nil, dialect.Untranslatable("Tencent takes a new MsgBody and CloudCustomData and nothing else")
	}
	out := output{ev: ev, own: ev.Dialect == Name, w: *envelope("OK", codeAllow, "")}
	m := merge(ev.Message, c.Message)
	if out.own && len(c.Vendor) > 0 {
		m = *c.Message
		// Words of ours, which Verdict left beside the canonical message.
		if err := out.kept.parse(c.Vendor); err != nil {
			return nil, err
		}
	} else if out.own && len(ev.Vendor) > 0 {
		if err := out.kept.parse(ev.Vendor); err != nil {
			return nil, err
		}
	}
	if m.Kind != ev.Message.Kind && len(c.Vendor) == 0 && len(m.Parts) == 0 {
		out.kept.drop("MsgBody")
	}
	if err := out.writeBody(&m); err != nil {
		return nil, err
	}
	if m.Extra != "" || ev.Message.Extra != "" {
		out.w.text("CloudCustomData", m.Extra)
	}
	return out.w.end(), nil
}

// merge lays the changed message over the original. Of a message of several
// elements a hook that knows one changes the first.
func merge(was, now *event.Message) event.Message {
	m := *now
	if m.Kind == "" {
		m.Kind = was.Kind
	}
	if m.Kind == was.Kind {
		m.Code = was.Code
		if m.Media == nil {
			m.Media = was.Media
		}
		if m.Location == nil {
			m.Location = was.Location
		}
		if m.Custom == nil {
			m.Custom = was.Custom
		}
		if m.Text == "" && m.Kind != event.Text {
			m.Text = was.Text
		}
	} else if i := contentFor(m.Kind); i >= 0 {
		m.Code = contents[i].code
	}
	if m.Extra == "" {
		m.Extra = was.Extra
	}
	if len(m.Parts) == 0 && len(was.Parts) > 0 {
		first := m
		first.Parts, first.Extra, first.Options, first.Mentions = nil, "", nil, nil
		m.Parts = slices.Clone(was.Parts)
		describe(&m.Parts[0], &first)
		if first.Text != was.Text {
			// What was taken out of the first must not stand in the others.
			for i := range m.Parts[1:] {
				p := &m.Parts[1+i]
				if was.Text != "" {
					p.Text = strings.ReplaceAll(p.Text, was.Text, first.Text)
				}
			}
		}
	}
	return m
}
