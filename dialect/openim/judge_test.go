package openim_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/openim"
)

func TestJudge_FindsTheRefusalInAnAnswer(t *testing.T) {
	t.Parallel()
	for body, words := range map[string]string{
		`{"actionCode":0,"errCode":0,"errMsg":"","errDlt":"","nextCode":0}`:         "",
		`{"actionCode":0,"errCode":5001,"errMsg":"database is down","nextCode":1}`:  "errCode 5001: database is down",
		`{"actionCode":1,"errCode":201,"errMsg":"no"}`:                              "errCode 201: no",
		`{"actionCode":0,"errCode":0,"nextCode":1}`:                                 "errCode 0",
		`{"actionCode":1,"errCode":0,"nextCode":0}`:                                 "", // lets through since v3.7
		`{"actionCode":0,"errCode":7,"errMsg":"` + strings.Repeat("x", 5000) + `"}`: "errCode 7: xxx",
		`{"errCode":"7"}`: "", // not of the form
		`{}`:              "",
		`ok`:              "",
		``:                "",
		`{"nextCode":1}`:  "",
	} {
		err := openim.New().Judge(&dialect.Response{Status: 200, Body: []byte(body)})
		if words == "" && err == nil {
			continue
		}
		if words == "" || !errors.Is(err, dialect.ErrRefused) || !strings.Contains(err.Error(), words) || len(err.Error()) > 400 {
			t.Errorf("Judge(%.80s) = %v, want %q", body, err, words)
		}
	}
}
