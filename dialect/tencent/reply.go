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
	res, err := d.say(ev, v)
	if err != nil {
		return rules[ev.Command].refuse(ev, dialect.Denial(v))
	}
	return res
}

// Carries takes what the command's rule has: allow and deny always, a drop and a
// rewrite of messages alone, refused members of those commands that name them.
func (d *Dialect) Carries(ev *event.Event, v event.Verdict) error {
	_, err := d.say(ev, v)
	return err
}

// say is the answer that tells exactly v.
func (d *Dialect) say(ev *event.Event, v event.Verdict) (res dialect.Response, err error) {
	r := rules[ev.Command]
	if v, err = dialect.Settle(ev, v); err != nil {
		return res, err
	}
	switch {
	case v.Action == event.Deny:
		return r.refuse(ev, v), nil
	case v.Action == event.Drop && r.drops:
		return answered(http.StatusOK, envelope("OK", codeDrop, "").end()), nil
	case v.Action == event.Drop:
		return res, dialect.Uncarried("tencent %s always tells that it was refused", ev.Command)
	case v.Action == event.Allow && v.Changes != nil:
		return res, dialect.Uncarried("tencent has no vendor fields in an allow")
	case len(v.Refused) > 0 && !r.each && r.partly == "":
		return res, dialect.Uncarried("tencent %s names no refused members", ev.Command)
	case v.Action == event.Rewrite && !r.rewrites:
		return res, dialect.Uncarried("tencent %s takes no rewrite", ev.Command)
	case v.Action == event.Rewrite:
		return d.replace(ev, v.Changes)
	case r.each:
		return answered(http.StatusOK, results(r, ev, v)), nil
	case len(v.Refused) == 0:
		return answered(http.StatusOK, []byte(ok)), nil
	}
	w := envelope("OK", codeAllow, "")
	w.texts(r.partly, refusedIDs(v.Refused))
	return answered(http.StatusOK, w.end()), nil
}

// refuse is the refusal of all.
func (r rule) refuse(ev *event.Event, v event.Verdict) dialect.Response {
	code := r.deny(v.Code)
	switch {
	case r.each:
		return answered(http.StatusOK, results(r, ev, v))
	case r.whole && len(ev.Members) > 0:
		w := envelope("OK", codeAllow, v.Reason)
		w.texts(r.partly, memberIDs(ev.Members))
		return answered(http.StatusOK, w.end())
	}
	return answered(http.StatusOK, envelope("OK", code, v.Reason).end())
}

// maxMessage is how many bytes a message may have (vendor page 34381).
const maxMessage = 12 * 1024

// replace is the answer that puts another message in place of the proposal's.
func (d *Dialect) replace(ev *event.Event, c *event.Changes) (res dialect.Response, err error) {
	body, want, err := rewrite(ev, c)
	if err != nil {
		return res, err
	}
	res = answered(http.StatusOK, body)
	if n := len(body) - len(ok); n > maxMessage {
		return res, dialect.Oversize(Name, "a message", "bytes", n, maxMessage)
	}
	if want == nil {
		return res, nil
	}
	// Read it again: what does not come through cannot be said here.
	back, err := d.Verdict(ev, &res, dialect.Target{})
	if err != nil {
		return res, dialect.Uncarried("tencent has no element for a %s like this", want.Kind)
	}
	got := *ev.Message
	if back.Changes != nil && back.Changes.Message != nil {
		got = *back.Changes.Message
		// What is not in the answer stays.
		got.Push, got.Options, got.Mentions = ev.Message.Push, ev.Message.Options, ev.Message.Mentions
	}
	if field := dialect.Lost(want, &got); field != "" {
		return res, dialect.Uncarried("tencent cannot replace a message's %s with this", field)
	}
	return res, nil
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

// rewrite puts a changed message in place of the proposal's, and returns the one that
// the answer is to say; nil when nothing changes. What a hook leaves out, since its
// dialect has no word for it, stays.
func rewrite(ev *event.Event, c *event.Changes) ([]byte, *event.Message, error) {
	if c == nil || c.Message == nil && c.Group == nil && c.User == nil && c.Friend == nil && c.Push == nil && c.Vendor == nil {
		return []byte(ok), nil, nil
	}
	if c.Group != nil || c.User != nil || c.Friend != nil || c.Push != nil || ev.Message == nil || c.Message == nil {
		return nil, nil, dialect.Uncarried("tencent takes a new MsgBody and CloudCustomData and nothing else")
	}
	if err := dialect.OnlyWords(Name, c.Vendor, "MsgBody"); err != nil {
		return nil, nil, err
	}
	out := output{ev: ev, own: ev.Dialect == Name, w: *envelope("OK", codeAllow, "")}
	m := merge(ev.Message, c.Message)
	if out.own && len(c.Vendor) > 0 {
		m = *c.Message
		// Words of ours, which Verdict left beside the canonical message.
		if err := out.kept.parse(c.Vendor); err != nil {
			return nil, nil, dialect.Uncarried("the vendor fields of the rewrite are no JSON object")
		}
	} else if out.own && len(ev.Vendor) > 0 {
		if err := out.kept.parse(ev.Vendor); err != nil {
			return nil, nil, dialect.Uncarried("the message came in with vendor fields that cannot be read again")
		}
	}
	if m.Kind != ev.Message.Kind && len(c.Vendor) == 0 && len(m.Parts) == 0 {
		out.kept.drop("MsgBody")
	}
	if err := out.writeBody(&m); err != nil {
		return nil, nil, dialect.Uncarried("tencent has no element for a %s", m.Kind)
	}
	if m.Extra != "" || ev.Message.Extra != "" {
		out.w.text("CloudCustomData", m.Extra)
	}
	if m.Push == nil {
		m.Push = ev.Message.Push
	}
	if m.Options == nil {
		m.Options = ev.Message.Options
	}
	if m.Mentions == nil {
		m.Mentions = ev.Message.Mentions
	}
	return out.w.end(), &m, nil
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
