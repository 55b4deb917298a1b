package admin

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/imhook/imhook/internal/gateway"
)

// byID names something by its id.
type byID struct {
	ID string `path:"id" example:"01JDH3Z0V4"`
}

// sourceName names a source: its name is unique in the gateway.
type sourceName struct {
	Name string `path:"name" doc:"The name of a source." example:"openim-prod"`
}

// inApp names something of an app.
type inApp struct {
	App  string `path:"app" example:"shop"`
	Name string `path:"name" example:"backend"`
}

func (p *inApp) id() string { return p.App + "/" + p.Name }

// byName names an endpoint without its app, where one app alone has one of that name.
type byName struct {
	Name string `path:"name" doc:"The name of an endpoint that one app alone has." example:"backend"`
}

// What parameters are, as the document has it: they come as texts, and what is wrong
// with one is said in our words.
type (
	limitParam   string
	momentParam  string
	cursorParam  string
	reasonParam  string
	outcomeParam string
	verdictParam string
	causeParam   string
)

func (p limitParam) parse() (int, error) {
	if p == "" {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(string(p))
	if err != nil || n < 1 || n > maxLimit {
		return 0, fmt.Errorf("limit is %q; write 1 to %d", string(p), maxLimit)
	}
	return n, nil
}

// Stretch is the part of a log that is asked for. It has a capital letter because huma
// sees no other embedded parameters.
type Stretch struct {
	Since  momentParam `query:"since"`
	Until  momentParam `query:"until"`
	Before cursorParam `query:"before"`
	After  cursorParam `query:"after"`
}

func (s *Stretch) parse(now time.Time, since, until *time.Time, before, after *gateway.Pos) error {
	if err := s.Since.parse("since", now, since); err != nil {
		return err
	}
	if err := s.Until.parse("until", now, until); err != nil {
		return err
	}
	if err := s.Before.parse("before", before); err != nil {
		return err
	}
	return s.After.parse("after", after)
}

// parse reads a moment, or how long ago it was.
func (p momentParam) parse(key string, now time.Time, to *time.Time) (err error) {
	if p != "" {
		*to, err = parseMoment(key, string(p), now)
	}
	return err
}

func parseMoment(key, s string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	if d, err := parseSpan(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%s is %q; write 2026-11-20T08:00:00Z, 2026-11-20 (midnight UTC) or how long ago, 1h or 2d", key, s)
}

// parseSpan reads a duration; days are words of it as in the configuration.
func parseSpan(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(s)
}

func (p cursorParam) parse(key string, to *gateway.Pos) error {
	var n uint64
	err := p.number(key, &n)
	*to = gateway.Pos(n)
	return err
}

func (p cursorParam) number(key string, to *uint64) error {
	if p == "" {
		return nil
	}
	n, err := strconv.ParseUint(string(p), 10, 64)
	if err != nil {
		return fmt.Errorf("%s is %q; it is a cursor from an earlier answer", key, string(p))
	}
	*to = n
	return nil
}

// Schema is that of the parameter.
func (limitParam) Schema(huma.Registry) *huma.Schema {
	least, most := 1.0, float64(maxLimit)
	return &huma.Schema{Type: huma.TypeInteger, Minimum: &least, Maximum: &most, Default: defaultLimit, Description: "How many at most."}
}

// Schema is that of the parameter.
func (momentParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: "A time, or how long ago it was.", Examples: []any{"1h", "2026-11-20T08:00:00Z"}}
}

// Schema is that of the parameter.
func (cursorParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: "A cursor of an earlier answer: before goes on with what is older (next), after with what is newer (newest)."}
}

// Schema is that of the parameter.
func (flagParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeBoolean, Description: "Say what it would do, and do nothing."}
}

// Schema is that of the parameter.
func (reasonParam) Schema(huma.Registry) *huma.Schema {
	return words("Why an attempt failed.", gateway.Reasons())
}

// Schema is that of the parameter.
func (outcomeParam) Schema(huma.Registry) *huma.Schema {
	return words("What became of an attempt.", outcomes())
}

// Schema is that of the parameter.
func (verdictParam) Schema(huma.Registry) *huma.Schema {
	return words("What was answered.", verdicts())
}

// Schema is that of the parameter.
func (causeParam) Schema(huma.Registry) *huma.Schema {
	return words("How it was decided.", gateway.Causes())
}

func words[W ~string](about string, all []W) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString, Description: about}
	for _, w := range all {
		s.Enum = append(s.Enum, string(w))
	}
	return s
}
