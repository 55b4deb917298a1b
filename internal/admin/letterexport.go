package admin

import (
	"bufio"
	"context"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/internal/gateway"
)

// lettersContentType is that of lines: what a cloudevents source takes as well.
const lettersContentType = "application/x-ndjson"

// exportLetters writes dead letters, the oldest first, one CloudEvent a line, with
// everything about why it is one in attributes of its own.
func (a *api) exportLetters(ctx context.Context, in *lettersQuery) (stream, error) {
	q, err := a.parseLetters(ctx, in)
	if err != nil {
		return nil, invalid(err)
	}
	return func(w http.ResponseWriter, r *http.Request) { a.writeLetters(w, r, q) }, nil
}

func (a *api) writeLetters(w http.ResponseWriter, r *http.Request, q *letterQuery) {
	h := w.Header()
	h.Set("Content-Type", lettersContentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	out := bufio.NewWriterSize(w, 64<<10)
	control := http.NewResponseController(w)
	err := a.eachLetter(r.Context(), q, 1, func(l *gateway.DeadLetter) error {
		// A download takes as long as it takes, if somebody reads it.
		_ = control.SetWriteDeadline(time.Now().Add(time.Minute))
		b, err := a.exported(r.Context(), l)
		if err == nil {
			_, err = out.Write(append(b, '\n'))
		}
		return err
	})
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		if r.Context().Err() == nil {
			a.Log.ErrorContext(r.Context(), "exporting dead letters failed", "err", err)
		}
		// What was sent looks whole but for this: the connection breaks.
		panic(http.ErrAbortHandler)
	}
}

// exported is a dead letter as a CloudEvent. Attributes hold plain values, as
// CloudEvents want it.
func (a *api) exported(ctx context.Context, l *gateway.DeadLetter) ([]byte, error) {
	loose := []json.Options{jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)}
	b, err := json.Marshal(a.whole(ctx, l.Event), loose...)
	if err != nil {
		return nil, err
	}
	x := l.Exchange
	if x == nil {
		x = &gateway.Exchange{}
	}
	more, err := json.Marshal(struct {
		DeadLetter string `json:"imdeadletter"`
		Endpoint   string `json:"imendpoint"`
		Reason     string `json:"imreason"`
		Detail     string `json:"imdetail,omitzero"`
		Attempts   int    `json:"imattempts"`
		FirstAt    string `json:"imfirstat,omitzero"`
		ParkedAt   string `json:"imparkedat"`
		URL        string `json:"imurl,omitzero"`
		Request    string `json:"imrequest,omitzero"`
		Status     int    `json:"imstatus,omitzero"`
		Head       string `json:"imresponsehead,omitzero"`
		Response   string `json:"imresponse,omitzero"`
		Error      string `json:"imerror,omitzero"`
		RawDialect string `json:"imrawdialect,omitzero"`
		RawPath    string `json:"imrawpath,omitzero"`
		RawQuery   string `json:"imrawquery,omitzero"`
		RawType    string `json:"imrawtype,omitzero"`
		RawBody    string `json:"imrawbody,omitzero"`
	}{
		number(l.Seq), l.Endpoint, string(l.Reason), l.Detail, l.Attempts, moment(l.FirstAt), moment(l.At),
		x.URL, x.Request, x.Status, x.Head, x.Response, x.Error,
		l.Event.Raw.Dialect, l.Event.Raw.Path, l.Event.Raw.Query, l.Event.Raw.ContentType, string(l.Event.Raw.Body),
	}, loose...)
	if err != nil {
		return nil, err
	}
	// Both are objects with members.
	return append(append(b[:len(b)-1], ','), more[1:]...), nil
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
