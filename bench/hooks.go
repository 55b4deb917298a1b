package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
)

// hooks is the server of the hooks, which all sides ask.
type hooks struct {
	url    string
	server *http.Server
	served chan error
}

func startHooks(ctx context.Context, h http.Handler) (*hooks, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for questions: %w", err)
	}
	s := &hooks{
		url: "http://" + ln.Addr().String(), served: make(chan error, 1),
		// No time for headers: a proxy dials connections that it does not need yet, and
		// one that is closed just when it does would be its failure.
		server: &http.Server{Handler: h},
	}
	go func() { s.served <- s.server.Serve(ln) }()
	return s, nil
}

// Close ends it.
func (s *hooks) Close() error {
	err := s.server.Close()
	if serr := <-s.served; !errors.Is(serr, http.ErrServerClosed) {
		err = errors.Join(err, serr)
	}
	return err
}
