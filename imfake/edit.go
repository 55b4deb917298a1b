package imfake

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
)

// Edit changes a request before it is signed.
type Edit func(*dialect.Request) error

// Set puts value at a place in the body. In a JSON body the place is a path in
// dots, "conv.target" or "0.users.1"; objects that are missing on the way are
// made, the order of the other members stays. A jsontext.Value is put in as it
// is, everything else is marshaled. In a form body the place is a key and the
// value is printed.
func Set(path string, value any) Edit {
	return func(req *dialect.Request) error {
		if isForm(req) {
			form, err := url.ParseQuery(string(req.Body))
			if err != nil {
				return fmt.Errorf("setting %s: reading the form: %w", path, err)
			}
			form.Set(path, fmt.Sprint(value))
			req.Body = []byte(form.Encode())
			return nil
		}
		v, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("setting %s: %w", path, err)
		}
		body, err := setJSON(req.Body, strings.Split(path, "."), v)
		if err != nil {
			return fmt.Errorf("setting %s: %w", path, err)
		}
		req.Body = body
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

// substitute puts the app's own key where the sample wrote another. Keys are plain
// words: none needs escaping in JSON.
func substitute(req *dialect.Request, from, to string) {
	escapedFrom, escapedTo := url.QueryEscape(from), url.QueryEscape(to)
	req.Query = strings.ReplaceAll(req.Query, escapedFrom, escapedTo)
	if isForm(req) {
		from, to = escapedFrom, escapedTo
	}
	req.Body = bytes.ReplaceAll(req.Body, []byte(from), []byte(to))
}

func isForm(req *dialect.Request) bool {
	return strings.HasPrefix(req.ContentType, "application/x-www-form-urlencoded")
}

// setJSON returns doc with v at path. It copies tokens, so that numbers that a
// float cannot hold stay as they are.
func setJSON(doc jsontext.Value, path []string, v jsontext.Value) (jsontext.Value, error) {
	if len(path) == 0 {
		return v, nil
	}
	if len(doc) == 0 {
		doc = jsontext.Value("{}")
	}
	var out bytes.Buffer
	enc := jsontext.NewEncoder(&out, jsontext.AllowInvalidUTF8(true))
	dec := jsontext.NewDecoder(bytes.NewReader(doc), jsontext.AllowInvalidUTF8(true))
	open, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	kind := open.Kind()
	if kind != '{' && kind != '[' {
		return nil, fmt.Errorf("%q would be a member of a %s", path[0], kind)
	}
	if err := enc.WriteToken(open); err != nil {
		return nil, err
	}

	found := false
	for i := 0; dec.PeekKind() != '}' && dec.PeekKind() != ']'; i++ {
		name := strconv.Itoa(i)
		if kind == '{' {
			token, err := dec.ReadToken()
			if err != nil {
				return nil, err
			}
			name = token.String()
			if err := enc.WriteToken(jsontext.String(name)); err != nil {
				return nil, err
			}
		}
		member, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		if name == path[0] {
			found = true
			if member, err = setJSON(member.Clone(), path[1:], v); err != nil {
				return nil, err
			}
		}
		if err := enc.WriteValue(member); err != nil {
			return nil, err
		}
	}
	if !found {
		if err := appendMember(enc, kind, path, v); err != nil {
			return nil, err
		}
	}
	end, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	if err := enc.WriteToken(end); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

func appendMember(enc *jsontext.Encoder, kind jsontext.Kind, path []string, v jsontext.Value) error {
	if kind == '[' {
		return fmt.Errorf("there is no element %s", path[0])
	}
	member, err := setJSON(nil, path[1:], v)
	if err != nil {
		return err
	}
	if err := enc.WriteToken(jsontext.String(path[0])); err != nil {
		return err
	}
	return enc.WriteValue(member)
}
