package imfake

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/sample"
)

// Edit changes a request before it is signed.
type Edit func(*dialect.Request) error

// Set puts value at a place in the body, as imhook trigger --set does. In a JSON
// body the place is a path in dots, "conv.target" or "0.users.1"; objects that
// are missing on the way are made, the order of the other members stays. The
// value is marshaled; a jsontext.Value is put in as it is. In a form body the
// place is a key and the value is printed.
func Set(path string, value any) Edit {
	return func(req *dialect.Request) error {
		text := fmt.Sprint(value)
		if !sample.IsForm(req) {
			v, err := json.Marshal(value)
			if err != nil {
				return fmt.Errorf("setting %s: %w", path, err)
			}
			text = string(v)
		}
		if err := (sample.Edit{Path: path, Value: text}).Apply(req); err != nil {
			return fmt.Errorf("setting %s: %w", path, err)
		}
		return nil
	}
}

// Header sets a header.
func Header(name, value string) Edit {
	return func(req *dialect.Request) error {
		if req.Header == nil {
			req.Header = make(http.Header)
		}
		req.Header.Set(name, value)
		return nil
	}
}

// Query sets a query parameter.
func Query(name, value string) Edit {
	return func(req *dialect.Request) error {
		q, err := url.ParseQuery(req.Query)
		if err != nil {
			return fmt.Errorf("setting query parameter %s: %w", name, err)
		}
		q.Set(name, value)
		req.Query = q.Encode()
		return nil
	}
}

// Body replaces the body.
func Body(body []byte) Edit {
	return func(req *dialect.Request) error {
		req.Body = bytes.Clone(body)
		return nil
	}
}
