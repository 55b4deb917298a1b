package app_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/client/admin"
	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/imfake"
	"github.com/imhook/imhook/internal/natstest"
)

// Whoever listens to one gateway gets what any of them delivers, and whoever looks at one
// sees what comes of events at all of them.
func TestCluster_ListenAndLookAtAnyGateway(t *testing.T) {
	n := natstest.Server(t)
	c := newClustered(t, 1, "      - {name: backend, dialect: wildfirechat, url: listen, spread: 2, retry: {fast: [50ms], slow: {from: 100ms, to: 200ms}}}\n")
	for range 2 {
		c.join(n.URL())
	}
	c.settled(2)
	ctx, cancel := context.WithTimeout(t.Context(), eventual)
	defer cancel()
	at := func(i int) *admin.Client { return asking(t, c.gateways[i].App, "") }

	var mu sync.Mutex
	got, delivered := map[string]bool{}, map[string]bool{}
	var following sync.WaitGroup
	defer following.Wait()
	defer cancel()
	begun := make(chan string, 2)
	following.Go(func() {
		a := at(0)
		_ = a.Tail(ctx, admin.TailQuery{Phase: "after"}, "", func(e admin.StreamEvent) error {
			var tried struct {
				Event   string `json:"event"`
				Outcome string `json:"outcome"`
			}
			switch e.Name {
			case "begin":
				begun <- "tail"
			case "attempt":
				if err := json.Unmarshal(e.Data, &tried); err != nil {
					return err
				}
				if tried.Outcome == "delivered" {
					mu.Lock()
					delivered[tried.Event] = true
					mu.Unlock()
				}
			}
			return nil
		})
	})
	following.Go(func() {
		a, session := at(1), ""
		_ = a.Listen(ctx, admin.Listening{Endpoint: "backend"}, nil, func(e admin.StreamEvent) error {
			var b admin.ListenBegin
			var r admin.ListenRequest
			switch e.Name {
			case "begin":
				err := json.Unmarshal(e.Data, &b)
				session = b.Session
				begun <- "listen"
				return err
			case "request":
				if err := json.Unmarshal(e.Data, &r); err != nil {
					return err
				}
				mu.Lock()
				got[r.Header.Get("Imhook-Event-Id")] = true
				mu.Unlock()
				_, err := a.AnswerListen(ctx, session, admin.ListenAnswer{ID: r.ID, Status: http.StatusOK})
				return err
			}
			return nil
		})
	})
	<-begun
	<-begun

	const events = 60
	s := imfake.NewServer(wildfirechat.New(), "http://"+c.gateways[0].Addr()+"/in/wfc", imfake.ServerConfig{})
	defer s.Close()
	run := s.Start(ctx, imfake.Load{Lanes: events, FirstID: 1 << 50, Workers: 4, Count: events})
	if err := run.Wait(); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, func() error {
		mu.Lock()
		defer mu.Unlock()
		if len(got) != events || len(delivered) != events {
			return fmt.Errorf("%d of %d came to who listens, and of %d a delivery was seen", len(got), events, len(delivered))
		}
		return nil
	})
	// Both delivered some of them: what one gateway did was seen at the other.
	for i, g := range c.gateways {
		l := loaded{App: g.App}
		if v := l.metric(t, `imhook_delivered_total{app="shop",endpoint="backend"}`); v < 1 || v >= events {
			t.Errorf("gateway %d delivered %v of %d: nothing was passed on", i, v, events)
		}
	}
	errEnough := errors.New("that is enough")
	err := at(0).Live(ctx, func(o *admin.Overview) error {
		if len(o.Gateways) != 2 || len(o.Endpoints) != 1 || o.Endpoints[0].Problem != "" {
			t.Errorf("the overview is %+v", o)
		}
		return errEnough
	})
	if !errors.Is(err, errEnough) {
		t.Error(err)
	}
}
