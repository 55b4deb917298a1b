package config

import (
	"net/url"
)

// Tracing is where traces go. Its zero value, and no endpoint in the environment
// (OTEL_EXPORTER_OTLP_ENDPOINT), means nowhere.
type Tracing struct {
	// URL is the collector's, OTLP over HTTP; empty means what the environment says.
	URL string `key:"url"`
	// Sample is the share of traces begun here that are kept, from 0 to 1. Zero means
	// what OTEL_TRACES_SAMPLER says.
	Sample float64 `key:"sample"`
}

// defaultTraceSample is kept where nothing is said: a gateway that takes thousands of events
// a second has enough of them.
const defaultTraceSample = 0.01

// samplerVariable decides in place of a sample that is not written.
const samplerVariable = "OTEL_TRACES_SAMPLER"

// tracing reads where traces go.
func (l *loader) tracing(o *object) {
	t := &l.config.Tracing
	v, ok := o.get("url")
	if !ok {
		o.missing("url", "write the collector's, such as http://127.0.0.1:4318")
	} else if s, ok := v.text(); ok {
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || !isPort(u.Port()):
			v.wrong("is not a URL; write http://host:4318 or https://…")
		case u.User != nil:
			v.wrong("holds a user or password, which would be printed; write them into OTEL_EXPORTER_OTLP_HEADERS")
		case u.RawQuery != "" || u.Fragment != "":
			v.wrong("has a query or fragment, which is not sent; remove it")
		default:
			t.URL = s
		}
	}
	if v, ok := o.get("sample"); ok {
		v.share(&t.Sample, "%q is not a share of traces; write a number above 0 and up to 1, such as 0.05 or 5%%")
	} else if by, ok := l.LookupEnv(samplerVariable); ok && by != "" {
		t.Sample = 0
	}
	o.done()
}
