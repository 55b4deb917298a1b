package imfake

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/imhook/imhook/dialect"
)

// Ask sends a sample of the before-command, edited, then signed, and judges the answer
// as the vendor's server does, within the time that it waits. The error is about the
// building of the request or about ctx; an answer that is missing or none is part of
// the judgement.
func (s *Server) Ask(ctx context.Context, command string, edits ...Edit) (Judgement, error) {
	req, err := s.Sample(command, edits...)
	if err != nil {
		return Judgement{}, err
	}
	return s.AskRequest(ctx, req)
}

// AskRequest signs req and asks it, again where the vendor's server does so.
func (s *Server) AskRequest(ctx context.Context, req dialect.Request) (Judgement, error) {
	req.Header = req.Header.Clone()
	req.Body = bytes.Clone(req.Body)
	if err := s.dialect.Sign(&req, s.cfg.Credentials, s.id(&req), s.cfg.Now()); err != nil {
		return Judgement{}, fmt.Errorf("signing: %w", err)
	}
	q := Question{Dialect: s.dialect.Spec().Name, Generation: s.generation(&req), Request: &req, Settings: s.cfg.Settings}
	wait, attempts := patience(q.Dialect, q.Generation)
	if s.cfg.Wait > 0 {
		wait = s.cfg.Wait
	}
	var a Answer
	for a.Attempts < attempts {
		a.Attempts++
		if a.Response, a.Err = s.attempt(ctx, &req, wait); a.Err == nil {
			break
		}
		if err := ctx.Err(); err != nil {
			return Judgement{Answer: a}, fmt.Errorf("asking: %w", err)
		}
	}
	res := &a.Response
	if a.Err != nil {
		res = nil
	}
	j := Judge(q, res)
	a.Taken = j.Failed == ""
	j.Answer = a
	return j, nil
}

// generation is that of the server, or where it was not said that of the request.
func (s *Server) generation(req *dialect.Request) string {
	if s.cfg.Generation != "" {
		return s.cfg.Generation
	}
	if evs, err := s.dialect.Decode(req); err == nil && len(evs) > 0 {
		return evs[0].Generation
	}
	return ""
}

// patience is how long a vendor's server waits for the answer to a before-callback,
// and how many times it asks.
func patience(vendor, generation string) (wait time.Duration, attempts int) {
	switch vendor {
	case "wildfirechat":
		return 10 * time.Second, 1
	case "rongcloud":
		if generation == nexconn {
			return 5 * time.Second, 3
		}
		return 3 * time.Second, 1
	case "tencent":
		return 2 * time.Second, 1
	case "easemob":
		return 200 * time.Millisecond, 1
	}
	return 5 * time.Second, 1
}
