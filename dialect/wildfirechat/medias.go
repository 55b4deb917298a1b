package wildfirechat

import (
	"math"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// mediaFilm is the type of a film among a moment's media; a picture's is 0.
const mediaFilm = 1

// feedMedia is a medium of a post, as the page of the moments API has it.
type feedMedia struct {
	URL          string `json:"url"`
	ThumbnailURL string `json:"thumbnailUrl,omitzero"`
	Width        int32  `json:"width"`
	Height       int32  `json:"height"`
	Duration     int32  `json:"duration"`
	mediaRest
}

type mediaRest struct {
	Type    int32          `json:"type"`
	Unknown jsontext.Value `json:",embed"`
}

// readMedias reads the list. rest holds what the media do not, in their order; it
// is the list itself where that is not of the documented form.
func readMedias(list jsontext.Value) (ms []event.Media, rest jsontext.Value, err error) {
	var wire []feedMedia
	if list.Kind() != '[' {
		return nil, list, nil
	}
	if list, err = dialect.Tidy(list); err != nil { // as it would be kept
		return nil, nil, err
	}
	documented := dialect.Unmarshal(Name, "", list, &wire) == nil
	if !documented {
		return nil, list, nil
	}
	left, some := make([]mediaRest, len(wire)), false
	for i := range wire {
		w := &wire[i]
		ms = append(ms, event.Media{
			URL: w.URL, Thumbnail: w.ThumbnailURL, Width: int(w.Width), Height: int(w.Height), Seconds: float64(w.Duration),
		})
		left[i] = w.mediaRest
		some = some || !isZero(&left[i])
	}
	if !some {
		return ms, nil, nil
	}
	rest, err = dialect.Marshal(left)
	return ms, rest, err
}

// writeMedias is the inverse.
func writeMedias(ms []event.Media, rest jsontext.Value) (jsontext.Value, error) {
	if len(ms) == 0 {
		return rest, nil
	}
	var left []mediaRest
	if len(rest) > 0 && dialect.Unmarshal(Name, "", rest, &left) != nil {
		left = nil
	}
	wire := make([]feedMedia, len(ms))
	for i, m := range ms {
		wire[i] = feedMedia{
			URL: m.URL, ThumbnailURL: m.Thumbnail, Width: narrow(m.Width), Height: narrow(m.Height),
			Duration: int32(max(0, min(math.MaxInt32, math.Round(m.Seconds)))),
		}
		if i < len(left) {
			wire[i].mediaRest = left[i]
		} else if m.Seconds > 0 || strings.HasPrefix(m.MIME, "video/") {
			wire[i].Type = mediaFilm
		}
	}
	return dialect.Marshal(wire)
}
