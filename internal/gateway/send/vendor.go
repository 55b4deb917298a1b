package send

import (
	"context"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/internal/gateway"
)

// judgeAsVendor turns an answer into an outcome as the vendor of the dialect would:
// nobody is asked to wait or taken for gone, and success is what the vendor takes for
// it. An answer that is a success and too long has that for its reason.
func (s *Sender) judgeAsVendor(ctx context.Context, hreq *http.Request, unsigned []byte, ans answer) gateway.Outcome {
	v := s.cfg.Vendor
	c := classifyStatus(ans.status)
	c.pause = false
	if c.kind != gateway.Delivered {
		return s.failed(c, hreq, unsigned, ans, s.statusDetail(ans), nil)
	}
	refused := class{kind: gateway.Refused, reason: gateway.ReasonVendor}
	switch {
	case v.OnlyOK && ans.status != http.StatusOK:
		return s.failed(refused, hreq, unsigned, ans, s.statusDetail(ans)+", and "+v.Vendor+" takes 200 alone for success", nil)
	case v.OnlyOK && ans.err != nil:
		return s.failed(classifyError(ctx, ans.err), hreq, unsigned, ans, "reading the answer: "+ans.err.Error(), ans.err)
	case v.JSON && (ans.more || !isJSON(ans.body)):
		return s.failed(refused, hreq, unsigned, ans, "the answer is not JSON, which "+v.Vendor+" takes for a failure", nil)
	}
	c, detail := s.judgeBody(ctx, ans)
	if v.MaxAnswer > 0 && (ans.more || utf8.RuneCount(ans.body) > v.MaxAnswer) {
		c.reason = gateway.ReasonTooLarge
		detail = fmt.Sprintf("the answer is longer than %d characters, which %s counts as a failure", v.MaxAnswer, v.Vendor)
	}
	return gateway.Outcome{Kind: gateway.Delivered, Reason: c.reason, Status: ans.status, Detail: s.redact.line(detail)}
}

// isJSON takes for JSON what usual readers do.
func isJSON(body []byte) bool {
	return jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}
