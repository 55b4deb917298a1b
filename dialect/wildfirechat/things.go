package wildfirechat

import (
	"errors"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// deviceMessage is ForwardDeviceMessageData: bytes that a device sent.
type deviceMessage struct {
	DeviceID string      `json:"deviceId"`
	Type     int32       `json:"type"`
	Data     signedBytes `json:"data,omitzero"`
	deviceRest
}

type deviceRest struct {
	Unknown jsontext.Value `json:",embed"`
}

// deviceVendor marks an event that had a device's body, so that it gets one back.
type deviceVendor struct {
	DeviceID string `json:"deviceId"`
	deviceRest
}

// signedBytes is a byte[] as Gson writes it: an array of numbers from -128 to 127.
type signedBytes []byte

var errNotByte = errors.New("not a number from -128 to 127")

// UnmarshalJSONFrom reads the array.
func (b *signedBytes) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var ns []int16
	if err := json.UnmarshalDecode(dec, &ns); err != nil {
		return err
	}
	*b = nil
	for _, n := range ns {
		if n < -128 || n > 127 {
			return errNotByte
		}
		*b = append(*b, byte(n))
	}
	return nil
}

// MarshalJSONTo writes the array.
func (b signedBytes) MarshalJSONTo(enc *jsontext.Encoder) error {
	out := []byte{'['}
	for i, c := range b {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(out, int64(int8(c)), 10)
	}
	return enc.WriteValue(append(out, ']'))
}

// decodeThings reads the two bodies of this path: a message, or a device's bytes.
func decodeThings(in input) (*event.Event, error) {
	var probe struct {
		DeviceID jsontext.Value `json:"deviceId"`
		Conv     jsontext.Value `json:"conv"`
	}
	if err := in.read(&probe); err != nil {
		return nil, err
	}
	if probe.DeviceID == nil || probe.Conv != nil {
		return decodeMessage(in)
	}
	w := deviceMessage{Type: absent}
	if err := in.read(&w); err != nil {
		return nil, err
	}
	switch {
	case w.DeviceID == "":
		return nil, in.missing("deviceId")
	case w.Type == absent:
		return nil, in.missing("type")
	}
	place, lane := placed(event.KindUser, w.DeviceID)
	ev := &event.Event{
		Type: event.MessageSend, Lane: lane, Actor: actor(w.DeviceID), Conversation: &place,
		Message: &event.Message{Kind: event.Custom, Code: codeText(w.Type)},
	}
	if len(w.Data) > 0 {
		ev.Message.Custom = &event.Payload{Base64: w.Data}
	}
	var err error
	ev.Vendor, err = vendor(in, &deviceVendor{DeviceID: w.DeviceID, deviceRest: w.deviceRest})
	return ev, err
}

// fromDevice reports whether ev can have had a device's body, which has no message
// id and one party. Its vendor fields then tell: a message may hold the key
// deviceId, too, with anything in it.
func fromDevice(ev *event.Event) bool {
	return ev.Message != nil && ev.Message.ID == "" && ev.Message.Kind == event.Custom &&
		ev.Actor != nil && ev.Conversation != nil && ev.Conversation.ID == ev.Actor.ID
}

func encodeThings(out *output) error {
	ev := out.ev
	var kept deviceVendor
	if !out.own || !fromDevice(ev) || out.kept(&kept) != nil || kept.DeviceID != ev.Actor.ID {
		return encodeMessage(out)
	}
	code, err := strconv.ParseInt(ev.Message.Code, 10, 32)
	if err != nil {
		return dialect.Untranslatable("message code %q is no number", ev.Message.Code)
	}
	w := deviceMessage{DeviceID: kept.DeviceID, Type: int32(code), deviceRest: kept.deviceRest}
	if ev.Message.Custom != nil {
		w.Data = ev.Message.Custom.Base64
	}
	return out.post("", &w)
}
