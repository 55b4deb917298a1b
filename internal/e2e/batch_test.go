package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/imfake"
)

const batchSecret = "whsec_ZTJlLXRlc3Qtc2VjcmV0LWZvci1iYXRjaGVz"

// newBatchBackend takes signed CloudEvents, and records whether any request did not
// fit its signature.
func newBatchBackend(t *testing.T, options ...imfake.BackendOption) *imfake.Backend {
	t.Helper()
	cred := dialect.Credentials{Secrets: []dialect.DatedSecret{{Value: batchSecret}}}
	b := imfake.NewBackend(cloudevents.New(), append(options, imfake.Credentials(cred))...)
	t.Cleanup(b.Close)
	return b
}

// newBatchGateway translates WildfireChat to CloudEvents and sends them in batches.
func newBatchGateway(t *testing.T, url, batch string) *process {
	t.Helper()
	return newGateway(t, func(listen, data string) string {
		return fmt.Sprintf(`listen: %s
data_dir: %s
apps:
  - name: shop
    sources:
      - {name: wfc, dialect: wildfirechat}
    endpoints:
      - name: backend
        dialect: cloudevents
        url: %s
        credentials: {secret: %q}
        batch: %s
        retry: {fast: [20ms, 100ms], slow: {from: 200ms, to: 500ms}, max_age: 1h}
`, listen, data, url, batchSecret, batch)
	})
}

func TestCrash_BatchesLoseNothingAndKeepOrder(t *testing.T) {
	t.Parallel()
	backend := newBatchBackend(t, imfake.Keep(0))
	gateway := newBatchGateway(t, backend.URL(), "{count: 100, linger: 5ms}")
	if err := crash(t, gateway, backend, kills(t)/2, 2*time.Minute); err != nil {
		t.Errorf("%v\n%s", err, gateway.tail())
	}
}

func TestBatch_ArrivesSignedWithItsItemsAndParksPoisonAlone(t *testing.T) {
	t.Parallel()
	backend := newBatchBackend(t)
	poison := []byte(imfake.Mark{Lane: 7, Seq: 3}.String())
	backend.Answer(func(_ int, r *imfake.Received) imfake.Reply {
		if bytes.Contains(r.Request.Body, poison) {
			return imfake.Status(422)
		}
		return imfake.Reply{Delay: 20 * time.Millisecond} // so that batches form
	})
	gateway := newBatchGateway(t, backend.URL(), "{count: 40}")
	gateway.start(t)
	server := imfake.NewServer(wildfirechat.New(), "http://"+gateway.addr+"/in/wfc", imfake.ServerConfig{})
	t.Cleanup(server.Close)
	const count, lanes = 800, 20
	run := server.Start(t.Context(), imfake.Load{Lanes: lanes, Workers: 16, Count: count, TextBytes: 200})
	if err := run.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, gateway.tail())
	}
	want := run.Accepted()
	if len(want) != count {
		t.Fatalf("%d of %d were accepted", len(want), count)
	}
	want = slices.DeleteFunc(want, func(m imfake.Mark) bool { return m.String() == string(poison) })
	if err := eventually(t.Context(), time.Minute, func() error { return backend.Tally().Check(want) }); err != nil {
		t.Fatalf("%v\n%s", err, gateway.tail())
	}
	largest := 0
	for _, r := range backend.Received() {
		if r.VerifyErr != nil || r.DecodeErr != nil {
			t.Errorf("request %d: %v, %v", r.N, r.VerifyErr, r.DecodeErr)
		}
		largest = max(largest, len(r.Events))
	}
	if largest < 2 || largest > 40 {
		t.Errorf("the largest batch has %d events, want several and up to 40", largest)
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	if err := eventually(t.Context(), time.Minute, func() error {
		res, err := client.Get("http://" + gateway.addr + "/api/v1/deadletters")
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		var list struct {
			Letters []struct {
				Event json.RawMessage `json:"event"`
			} `json:"deadletters"`
		}
		if err := json.NewDecoder(res.Body).Decode(&list); err != nil {
			return err
		}
		if len(list.Letters) != 1 || !bytes.Contains(list.Letters[0].Event, poison) {
			return fmt.Errorf("%d dead letters, want the poisonous event alone: %s", len(list.Letters), list.Letters)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
