package wildfirechat

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// feed is FeedPojo: a post.
type feed struct {
	FeedID    int64    `json:"feedId"`
	Sender    string   `json:"sender"`
	Timestamp int64    `json:"timestamp"`
	Text      string   `json:"text,omitzero"`
	To        []string `json:"to,omitzero"`
	Ex        []string `json:"ex,omitzero"`
	Mu        []string `json:"mu,omitzero"`
	Extra     string   `json:"extra,omitzero"`
	feedRest
}

// feedRest is what has no canonical place: of medias only what a medium there does
// not hold, or all where they are not of the documented form.
type feedRest struct {
	Timestamp int64          `json:"timestamp,omitzero"`
	Type      int32          `json:"type"`
	Medias    jsontext.Value `json:"medias,omitzero"`
	Comments  jsontext.Value `json:"comments,omitzero"`
	Unknown   jsontext.Value `json:",embed"`
}

func decodeFeed(in input) (*event.Event, error) {
	var w feed
	if err := in.read(&w); err != nil {
		return nil, err
	}
	switch {
	case w.FeedID == 0:
		return nil, in.missing("feedId")
	case w.Sender == "":
		return nil, in.missing("sender")
	}
	id := idText(w.FeedID)
	ev := &event.Event{
		Type: event.MomentCreate, Lane: userLane(w.Sender), Dedupe: id, Generation: current,
		Actor: actor(w.Sender), Members: members(w.To),
		Moment: &event.Moment{ID: id, Text: w.Text, Mentioned: nonEmpty(w.Mu), Hidden: nonEmpty(w.Ex), Extra: w.Extra},
	}
	ev.Time, w.feedRest.Timestamp = fromMillis(w.Timestamp)
	var err error
	if ev.Moment.Media, w.Medias, err = readMedias(w.Medias); err != nil {
		return nil, &dialect.DecodeError{Dialect: Name, Command: in.command.spec.Name, Field: "medias", Err: err}
	}
	ev.Vendor, err = vendor(in, &w.feedRest)
	return ev, err
}

func encodeFeed(out *output) error {
	ev, m := out.ev, out.ev.Moment
	var kept feedRest
	if err := out.kept(&kept); err != nil {
		return err
	}
	if m == nil || m.ID == "" || actorID(ev) == "" {
		return dialect.Untranslatable("it does not name post and author")
	}
	var err error
	if kept.Medias, err = writeMedias(m.Media, kept.Medias); err != nil {
		return dialect.Untranslatable("writing medias: %v", err)
	}
	id, _ := idNumber(m.ID)
	return out.post("", &feed{
		FeedID: id, Sender: actorID(ev), Timestamp: toMillis(ev.Time, kept.Timestamp), Text: m.Text,
		To: memberIDs(ev.Members), Ex: m.Hidden, Mu: m.Mentioned, Extra: m.Extra, feedRest: kept,
	})
}

// comment is CommentPojo: a comment on a post, or an answer to a comment.
type comment struct {
	CommentID int64  `json:"commentId"`
	ReplyID   int64  `json:"replyId"`
	Sender    string `json:"sender"`
	Timestamp int64  `json:"timestamp"`
	FeedID    int64  `json:"feedId"`
	Text      string `json:"text,omitzero"`
	ReplyTo   string `json:"replyTo,omitzero"`
	Extra     string `json:"extra,omitzero"`
	commentRest
}

type commentRest struct {
	Timestamp int64          `json:"timestamp,omitzero"`
	Type      int32          `json:"type"`
	Unknown   jsontext.Value `json:",embed"`
}

func decodeComment(in input) (*event.Event, error) {
	var w comment
	if err := in.read(&w); err != nil {
		return nil, err
	}
	switch {
	case w.CommentID == 0:
		return nil, in.missing("commentId")
	case w.Sender == "":
		return nil, in.missing("sender")
	}
	id := idText(w.CommentID)
	ev := &event.Event{
		Type: event.MomentCommentCreate, Lane: userLane(w.Sender), Dedupe: id, Generation: current, Actor: actor(w.Sender),
		Moment: &event.Moment{ID: idText(w.FeedID), Comment: id, ReplyTo: idText(w.ReplyID), Text: w.Text, Extra: w.Extra},
	}
	if w.ReplyTo != "" {
		ev.Members = members([]string{w.ReplyTo})
	}
	ev.Time, w.commentRest.Timestamp = fromMillis(w.Timestamp)
	var err error
	ev.Vendor, err = vendor(in, &w.commentRest)
	return ev, err
}

func encodeComment(out *output) error {
	ev, m := out.ev, out.ev.Moment
	var kept commentRest
	if err := out.kept(&kept); err != nil {
		return err
	}
	if m == nil || m.Comment == "" || actorID(ev) == "" {
		return dialect.Untranslatable("it does not name comment and author")
	}
	w := comment{
		Sender: actorID(ev), Timestamp: toMillis(ev.Time, kept.Timestamp), Text: m.Text, Extra: m.Extra, commentRest: kept,
	}
	w.CommentID, _ = idNumber(m.Comment)
	w.ReplyID, _ = idNumber(m.ReplyTo)
	w.FeedID, _ = idNumber(m.ID)
	if len(ev.Members) > 0 {
		w.ReplyTo = ev.Members[0].ID
	}
	return out.post("", &w)
}

// momentRecall is IdPojo. Of a post, id is the post. Of a comment it is not
// documented which of the two numbers is the comment: both are kept as they are.
type momentRecall struct {
	ID  *int64 `json:"id"`
	ID2 int64  `json:"id2"`
	momentRecallRest
}

type momentRecallRest struct {
	ID      int64          `json:"id,omitzero"`
	ID2     int64          `json:"id2,omitzero"`
	Unknown jsontext.Value `json:",embed"`
}

func decodeMomentRecall(in input) (*event.Event, error) {
	var w momentRecall
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if or(w.ID, 0) == 0 {
		return nil, in.missing("id")
	}
	ev := &event.Event{
		Type: in.command.spec.Types[0], Lane: systemLane(), Dedupe: idText(*w.ID), Generation: current,
	}
	w.momentRecallRest.ID2 = w.ID2
	if ev.Type == event.MomentRecall {
		ev.Moment = &event.Moment{ID: ev.Dedupe}
	} else {
		ev.Dedupe += "|" + strconv.FormatInt(w.ID2, 10)
		w.momentRecallRest.ID = *w.ID
	}
	var err error
	ev.Vendor, err = vendor(in, &w.momentRecallRest)
	return ev, err
}

func encodeMomentRecall(out *output) error {
	ev, m := out.ev, out.ev.Moment
	w := momentRecall{ID: new(int64(0))}
	if err := out.kept(&w.momentRecallRest); err != nil {
		return err
	}
	if m == nil {
		m = &event.Moment{}
	}
	switch {
	case ev.Type == event.MomentRecall:
		*w.ID, _ = idNumber(m.ID)
		w.ID2 = w.momentRecallRest.ID2
	case w.momentRecallRest.ID != 0:
		*w.ID, w.ID2 = w.momentRecallRest.ID, w.momentRecallRest.ID2
	default:
		*w.ID, _ = idNumber(m.Comment)
		w.ID2, _ = idNumber(m.ID)
	}
	if *w.ID == 0 {
		return dialect.Untranslatable("it names no post or comment")
	}
	return out.post("", &w)
}
