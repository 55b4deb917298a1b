package natstest

import (
	"os"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	RunChild()
	os.Exit(m.Run())
}

// A test binary that was killed, by its time limit for one, left its servers behind
// for good.
func TestStartProcess_EndsWithItsParent(t *testing.T) {
	t.Parallel()
	n := newCluster(t, 1, nil)[0]
	n.StartProcess()
	cmd := n.cmd
	n.cmd = nil // nobody stops it
	ended := make(chan error, 1)
	if err := n.in.Close(); err != nil { // as the system does when this process ends
		t.Fatal(err)
	}
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		t.Logf("it ended: %v", err)
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		t.Error("the server goes on without its parent")
	}
}
