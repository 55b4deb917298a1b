package cloudevents

import (
	"bytes"
	"errors"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
)

// binaryPrefix begins the headers of binary mode.
const binaryPrefix = "Ce-"

// isBinary reports whether the event's attributes are in the headers.
func isBinary(req *dialect.Request) bool {
	if req.Header.Get(binaryPrefix+"specversion") == "" {
		return false
	}
	media, _, err := mime.ParseMediaType(req.ContentType)
	return err != nil || binary(req, media)
}

// binary is isBinary for a media type that was parsed.
func binary(req *dialect.Request, media string) bool {
	return media != singleType && media != batchType && req.Header.Get(binaryPrefix+"specversion") != ""
}

// fromBinary says a request of binary mode in structured mode: what is kept has
// no headers. The data goes in byte for byte.
func fromBinary(req *dialect.Request) ([]byte, error) {
	attributes := map[string]string{}
	for name, values := range req.Header {
		attribute, ok := strings.CutPrefix(name, binaryPrefix)
		if !ok || len(values) == 0 {
			continue
		}
		value, err := url.PathUnescape(values[0])
		if err != nil {
			value = values[0]
		}
		attributes[strings.ToLower(attribute)] = value
	}
	for _, reserved := range []string{"data", "data_base64", "datacontenttype"} {
		delete(attributes, reserved)
	}

	var out bytes.Buffer
	enc := jsontext.NewEncoder(&out, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true), jsontext.PreserveRawStrings(true))
	write := func(tokens ...jsontext.Token) (err error) {
		for _, t := range tokens {
			err = errors.Join(err, enc.WriteToken(t))
		}
		return err
	}
	err := write(jsontext.BeginObject)
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		value := jsontext.String(attributes[name])
		if name == "imecho" { // the one attribute that is no string
			value = jsontext.Bool(attributes[name] == "true")
		}
		err = errors.Join(err, write(jsontext.String(name), value))
	}
	if req.ContentType != "" {
		err = errors.Join(err, write(jsontext.String("datacontenttype"), jsontext.String(req.ContentType)))
	}
	switch {
	case isJSON(req.ContentType), isObject(req.Body):
		err = errors.Join(err, write(jsontext.String("data")), enc.WriteValue(jsontext.Value(req.Body)))
	case len(req.Body) > 0:
		quoted, qerr := dialect.Marshal(req.Body) // bytes are written as base64
		err = errors.Join(err, qerr, write(jsontext.String("data_base64")), enc.WriteValue(quoted))
	}
	if err = errors.Join(err, write(jsontext.EndObject)); err != nil {
		return nil, errors.New("the data is not JSON")
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// isObject reports whether the body is a JSON object, whatever it is called: curl
// calls everything a form. Kept as bytes its conversation would be lost, and with
// it the order.
func isObject(body []byte) bool {
	v := jsontext.Value(bytes.TrimSpace(body))
	return len(v) > 0 && v[0] == '{' && v.IsValid(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
}

// isJSON reports whether the data of binary mode is JSON.
func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == jsonType || strings.HasSuffix(media, "+json"))
}
