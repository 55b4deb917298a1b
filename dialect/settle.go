package dialect

import (
	"reflect"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
)

// Settle brings a verdict on ev into the form in which dialects say it, so that
// each of them has to look at what is its own alone:
//
//	allow     with refused members, of whom at least one is not refused, or without;
//	          its changes are vendor fields alone, or nil
//	deny      with code and reason and nothing else; it also stands for refusing
//	          every member
//	drop      with nothing
//	rewrite   with changes, and refused members as with allow
//
// A rewrite into what is proposed anyway, as some backends always answer, is an allow:
// where the command takes no rewrite it would be a refusal.
//
// What contradicts itself is an error that wraps [ErrUncarried]: no action, an allow
// that changes a body, the refusal of somebody who is no member.
func Settle(ev *event.Event, v event.Verdict) (event.Verdict, error) {
	switch v.Action {
	case event.Deny, event.Drop:
		return ending(v), nil
	case event.Allow:
		if c := v.Changes; c != nil && (c.Message != nil || c.Group != nil || c.User != nil || c.Friend != nil || c.Push != nil) {
			return v, Uncarried("an allow changes nothing, and this one does")
		} else if c != nil && len(c.Vendor) == 0 {
			v.Changes = nil
		}
	case event.Rewrite:
		if again(ev, v.Changes) {
			v.Action, v.Changes = event.Allow, nil
		}
	default:
		return v, Uncarried("%.32q is no verdict", v.Action)
	}
	v.Code, v.Reason = 0, ""
	if len(v.Refused) == 0 {
		return v, nil
	}
	var members []event.Member
	if ev != nil {
		members = ev.Members
	}
	is := make(map[string]bool, len(members))
	for i := range members {
		is[members[i].ID] = false
	}
	left := len(is)
	for i := range v.Refused {
		id := v.Refused[i].ID
		refused, member := is[id]
		if !member {
			return v, Uncarried("it refuses %.64q, who is no member here", id)
		}
		if !refused {
			is[id] = true
			left--
		}
	}
	if left == 0 {
		return Denial(v), nil
	}
	return v, nil
}

// again reports whether changes only say once more what ev proposes.
func again(ev *event.Event, c *event.Changes) bool {
	if ev == nil || c == nil || len(c.Vendor) > 0 {
		return false
	}
	if c.Message == nil && c.Group == nil && c.User == nil && c.Friend == nil && c.Push == nil {
		return false
	}
	var push *event.Push
	if ev.Message != nil {
		push = ev.Message.Push
	}
	return (c.Message == nil || ev.Message != nil && sameMessage(ev.Message, c.Message)) &&
		repeats(ev.Group, c.Group) && repeats(ev.User, c.User) && repeats(ev.Friend, c.Friend) && repeats(push, c.Push)
}

// repeats reports whether there is nothing new, or nothing else than there was.
func repeats[T any](was, now *T) bool { return now == nil || was != nil && reflect.DeepEqual(was, now) }

// sameMessage reports whether now is the content of was: what it leaves out whole
// stays, and what it has is all there. What names the message plays no part.
func sameMessage(was, now *event.Message) bool {
	same := (now.Kind == "" || now.Kind == was.Kind) && (now.Code == "" || now.Code == was.Code) &&
		(now.Text == was.Text || now.Text == "" && was.Kind != event.Text) &&
		(now.Extra == "" || now.Extra == was.Extra) && (now.Edits == "" || now.Edits == was.Edits) &&
		repeats(was.Media, now.Media) && repeats(was.Location, now.Location) && repeats(was.Custom, now.Custom) &&
		repeats(was.Push, now.Push) && repeats(was.Options, now.Options) && (now.Mentions == nil || sameMentions(was.Mentions, now.Mentions))
	if !same || len(now.Parts) == 0 {
		return same // the fields above are those of the first part
	}
	return slices.EqualFunc(was.Parts, now.Parts, func(a, b event.Message) bool { return sameMessage(&a, &b) })
}

// Denial is the refusal that is nearest to a verdict: with its own code and reason,
// else with those of the first refused member. Of a drop nobody is told.
func Denial(v event.Verdict) event.Verdict {
	d := event.Verdict{Action: event.Deny, Code: v.Code, Reason: v.Reason}
	if v.Action == event.Drop {
		d.Code, d.Reason = 0, ""
	}
	for _, r := range v.Refused {
		if d.Code == 0 {
			d.Code = r.Code
		}
		if d.Reason == "" {
			d.Reason = r.Reason
		}
	}
	return d
}

// ending is a deny or drop without what does not belong to it.
func ending(v event.Verdict) event.Verdict {
	if v.Action == event.Deny {
		return Denial(v)
	}
	return event.Verdict{Action: v.Action}
}

// Oversize is the error for what is longer than a vendor takes:
// "text of 1,204 bytes is over easemob's 1,024".
func Oversize(dialect, what, unit string, n, limit int) error {
	return Uncarried("%s of %s %s is over %s's %s", what, thousands(n), unit, dialect, thousands(limit))
}

// thousands writes a number that is not negative in groups of three digits.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// OnlyWords reports an error that wraps [ErrUncarried] when the vendor fields of a
// rewrite have others than the answers of a dialect know, or are no JSON object. No
// fields are right.
func OnlyWords(dialect string, vendor jsontext.Value, words ...string) error {
	if len(vendor) == 0 {
		return nil
	}
	var all map[string]jsontext.Value
	if err := Unmarshal(dialect, "", vendor, &all); err != nil || all == nil {
		return Uncarried("the vendor fields of the rewrite are no JSON object")
	}
	var unknown []string
	for name := range all {
		if !slices.Contains(words, name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return Uncarried("%s has no vendor field %.64q in this answer", dialect, slices.Min(unknown))
	}
	return nil
}
