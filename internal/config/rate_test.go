package config_test

import (
	"strings"
	"testing"

	"github.com/imhook/imhook/internal/config"
)

func endpointWith(keys string) (config.Endpoint, error) {
	c, err := config.Parse("f.yaml", []byte("apps: [{name: shop, sources: [{name: im, dialect: plain}], endpoints: [{name: b, builtin: inbox, "+keys+"}]}]\n"), options())
	if err != nil {
		return config.Endpoint{}, err
	}
	return c.Apps[0].Endpoints[0], nil
}

func TestParse_Rates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		rate    config.Rate
		printed string
	}{
		"500/s": {500, "500/s"}, "90/m": {1.5, "90/m"}, "10/h": {10.0 / 3600, "10/h"}, "7/m": {7.0 / 60, "7/m"},
		"60/m": {1, "1/s"}, "unlimited": {0, "unlimited"}, `"100 / s"`: {100, "100/s"}, "1000000/s": {1e6, "1000000/s"},
	} {
		e, err := endpointWith("rate: " + text)
		if err != nil || e.Rate != want.rate || e.Rate.String() != want.printed {
			t.Errorf("rate: %s is %v (%v), %v; want %v (%s)", text, float64(e.Rate), e.Rate, err, want.rate, want.printed)
		}
	}
	for text, want := range map[string]string{
		"500": "500/s", "0/s": "not a rate", "-1/s": "not a rate", "500/d": "not a rate", "5.5/s": "not a rate", "1000001/s": "write up to", "[1]": "must be a string",
	} {
		if _, err := endpointWith("rate: " + text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("rate: %s is %v, want %s", text, err, want)
		}
	}
}

func TestParse_EndpointBreakers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"breaker: {least: 0}":                      "at least 1",
		"breaker: {pause: {from: 2m, to: 1s}}":     "delays grow from one to the other",
		"breaker: {pause: 5s}":                     "must be a mapping",
		"breaker: {within: 5s}":                    "within",
		"on_poison: drop":                          "park, block",
		"bytes_in_flight: 0":                       "more than zero",
		"breaker: {pause: {from: 5m}}":             "",
		"breaker: {pause: {to: 500ms}}":            "",
		"breaker: {off: true}, on_poison: 'block'": "",
	} {
		e, err := endpointWith(text)
		switch {
		case want == "" && (err != nil || e.Breaker.To < e.Breaker.From):
			t.Errorf("%s: %v, %+v", text, err, e.Breaker)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
