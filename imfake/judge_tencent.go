package imfake

import (
	"net/url"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
)

// tencentAnswer is every field that an answer may have.
type tencentAnswer struct {
	ActionStatus       string           `json:"ActionStatus"`
	ErrorCode          *int             `json:"ErrorCode"`
	ErrorInfo          string           `json:"ErrorInfo"`
	MsgBody            []tencentElement `json:"MsgBody"`
	CloudCustomData    *string          `json:"CloudCustomData"`
	RefusedMembers     []string         `json:"RefusedMembers_Account"`
	RefusedSubscribers []string         `json:"RefusedSubscribers_Account"`
	ResultItem         []tencentResult  `json:"ResultItem"`
}

type tencentElement struct {
	MsgType    string         `json:"MsgType"`
	MsgContent jsontext.Value `json:"MsgContent"`
}

type tencentResult struct {
	To   string `json:"To_Account"`
	Code int    `json:"ResultCode"`
	Info string `json:"ResultInfo"`
}

// tencentCodes is what the ErrorCodes of a command mean.
type tencentCodes struct {
	// seen is what a client sees of ErrorCode 1; zero where there is no 1.
	seen int
	// from and to are the app's own. wide: those of messages between two users are
	// known besides.
	from, to int
	wide     bool
	// silent: 2 drops. body: the message may be replaced.
	silent, body bool
}

var tencentCommands = map[string]tencentCodes{
	"C2C.CallbackBeforeSendMsg":                           {seen: 20006, from: 120001, to: 130000, silent: true, body: true},
	"Group.CallbackBeforeSendMsg":                         {seen: 10016, from: 10100, to: 10200, silent: true, body: true},
	"OfficialAccount.CallbackBeforeSendMsg":               {seen: 10016, from: 10100, to: 10200, wide: true, silent: true, body: true},
	"Group.CallbackBeforeCreateGroup":                     {seen: 10016, from: 10100, to: 10200},
	"Group.CallbackBeforeApplyJoinGroup":                  {seen: 10016, from: 10100, to: 10200},
	"Group.CallbackBeforeCreateTopic":                     {seen: 10016, from: 10100, to: 10200},
	"Group.CallbackBeforeInviteJoinGroup":                 {seen: 10016},
	"OfficialAccount.CallbackBeforeCreateOfficialAccount": {seen: 1, from: 120001, to: 130000},
	"OfficialAccount.CallbackBeforeAddSubscriber":         {},
	"Sns.CallbackPrevFriendAdd":                           {},
	"Sns.CallbackPrevFriendResponse":                      {},
}

// own reports whether a code is one that the app may refuse with.
func (c tencentCodes) own(code int) bool {
	return c.to != 0 && code >= c.from && code <= c.to || c.wide && code >= 120001 && code <= 130000
}

// tencentElements are the message elements that there are.
var tencentElements = []string{
	"TIMTextElem", "TIMLocationElem", "TIMFaceElem", "TIMCustomElem", "TIMSoundElem", "TIMImageElem", "TIMFileElem",
	"TIMVideoFileElem", "TIMRelayElem",
}

// tencent takes any status but 200, and anything but a JSON object of the documented
// form, for a failed callback, and so any code that the command does not know.
func (b *bench) tencent() {
	query, _ := url.ParseQuery(b.Request.Query)
	codes, known := tencentCommands[query.Get("CallbackCommand")]
	var a tencentAnswer
	if b.answer.Status != 200 {
		b.failed("status %d is not 200", b.answer.Status)
		return
	}
	if err := json.Unmarshal(b.answer.Body, &a); err != nil {
		b.failed("the answer is not of the form: %v", err)
		return
	}
	switch {
	case !known:
		b.failed("%q is not a command that is asked before", query.Get("CallbackCommand"))
	case a.ErrorCode == nil, a.ActionStatus != "OK":
		b.failed("ErrorCode is missing or ActionStatus is %q", a.ActionStatus)
	case *a.ErrorCode == 0:
		b.tencentAllowed(&a, codes)
	case *a.ErrorCode == 1 && codes.seen != 0:
		b.refuse(codes.seen, a.ErrorInfo)
	case *a.ErrorCode == 2 && codes.silent:
		b.dropped = true
	case codes.own(*a.ErrorCode):
		b.refuse(*a.ErrorCode, a.ErrorInfo)
	default:
		b.failed("ErrorCode %d is none of the command's", *a.ErrorCode)
	}
}

// tencentAllowed reads what stands beside ErrorCode 0.
func (b *bench) tencentAllowed(a *tencentAnswer, codes tencentCodes) {
	asked := object(b.Request.Body)
	if codes.body {
		b.tencentMessage(a, asked)
	}
	switch {
	case asked["FriendItem"] != nil:
		b.tencentResults(a, texts(asked["FriendItem"], "To_Account"))
	case asked["ResponseFriendItem"] != nil:
		b.tencentResults(a, texts(asked["ResponseFriendItem"], "To_Account"))
	case asked["DestinationMembers"] != nil:
		b.tencentList(a.RefusedMembers, texts(asked["DestinationMembers"], "Member_Account"), a.ErrorInfo)
	case asked["SubscribeAccountList"] != nil:
		b.tencentList(a.RefusedSubscribers, texts(asked["SubscribeAccountList"], "Subscriber_Account"), a.ErrorInfo)
	}
}

func (b *bench) tencentMessage(a *tencentAnswer, asked map[string]jsontext.Value) {
	for _, e := range a.MsgBody {
		content := object(e.MsgContent)
		if !slices.Contains(tencentElements, e.MsgType) || content == nil || e.MsgType == "TIMTextElem" && content["Text"].Kind() != '"' {
			b.failed("MsgBody has an element that is none: %s %s", e.MsgType, e.MsgContent)
			return
		}
	}
	answered := object(b.answer.Body)
	switch {
	case a.MsgBody != nil && len(a.MsgBody) == 0:
		b.failed("MsgBody is empty")
	case a.MsgBody != nil:
		b.set("MsgBody", asked["MsgBody"], answered["MsgBody"])
	}
	if a.CloudCustomData != nil {
		b.set("CloudCustomData", asked["CloudCustomData"], *a.CloudCustomData)
	}
}

// tencentResults wants a result for every target.
func (b *bench) tencentResults(a *tencentAnswer, targets []string) {
	by := map[string]tencentResult{}
	for _, r := range a.ResultItem {
		by[r.To] = r
		if r.Code != 0 && (r.Code < 38000 || r.Code > 39000) {
			b.failed("ResultCode %d is none of the app's", r.Code)
			return
		}
	}
	for _, id := range targets {
		r, ok := by[id]
		if !ok {
			b.failed("ResultItem says nothing of %s", id)
			return
		}
		if r.Code != 0 {
			b.without(event.Refusal{ID: id, Code: r.Code, Reason: r.Info})
		}
	}
	b.everybody(len(targets))
}

// tencentList takes those out who were asked about.
func (b *bench) tencentList(refused, asked []string, info string) {
	for _, id := range refused {
		if slices.Contains(asked, id) {
			b.without(event.Refusal{ID: id, Reason: info})
		}
	}
	b.everybody(len(asked))
}

// everybody turns the refusal of all into one.
func (b *bench) everybody(of int) {
	if first := b.out.Members; len(first) > 0 && len(first) == of {
		b.refuse(first[0].Code, first[0].Reason)
		b.out.Members = nil
	}
}
