package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/imfake"
)

// Whoever listens with imhook listen --from gets everything that was answered 200, in
// the order of each conversation, however often the gateway dies.
func TestListen_KillsOfTheGatewayLoseAndReorderNothing(t *testing.T) {
	t.Parallel()
	backend := imfake.NewBackend(wildfirechat.New(), imfake.Keep(0))
	t.Cleanup(backend.Close)
	gateway := newCrashGateway(t, "conversation", "listen", "50ms")
	// It must be there when somebody begins to listen, and not afterwards.
	gateway.start(t)
	log := filepath.Join(t.TempDir(), "listen.log")
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	listen := exec.CommandContext(context.Background(), binary(t), "listen", "--from", "http://"+gateway.addr,
		"--endpoint", "backend", "--forward", backend.URL(), "--deaf", "2m", "--json")
	listen.Stderr = out
	if err := listen.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = listen.Process.Kill()
		_ = listen.Wait()
		_ = out.Close()
	})
	said := func() string {
		text, err := os.ReadFile(log)
		return fmt.Sprint(string(text), err)
	}
	err = eventually(t.Context(), 30*time.Second, func() error {
		if s := said(); len(s) < len("imhook: listening to") {
			return fmt.Errorf("nobody listens yet: %s", s)
		}
		return nil
	})
	if err == nil {
		err = gateway.stop()
	}
	if err == nil {
		err = crash(t, gateway, backend, 4, 2*time.Minute)
	}
	if err != nil {
		t.Errorf("%v\n%s\n%s", err, said(), gateway.tail())
	}
}
