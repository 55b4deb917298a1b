package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// A bound on the size of files makes the engine's writes fail as a full disk
// does, and can be lifted again, without privileges. It holds for the process, so
// that a child plays this; what it finds wrong is its error.
func TestMend_FailedWritesHealWhenThereIsSpaceAgain(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childEnv+"="+modeFull, childDir+"="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func runFull(dir string) error {
	signal.Ignore(syscall.SIGXFSZ) // writes fail with EFBIG instead
	ctx := context.Background()
	j, err := Open(ctx, Config{Dir: dir, Reserve: 1})
	if err != nil {
		return err
	}
	j.commitWithin = 500 * time.Millisecond // nothing was appended yet
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &lim); err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 2 << 20, Max: lim.Max}); err != nil {
		return err
	}
	var answered []string
	n := 0
	for ; ; n++ {
		if n == 1000 {
			return errors.New("writing never failed: the bound does nothing")
		}
		a := large(n)
		if _, err = j.Append(ctx, a); err != nil {
			break
		}
		answered = append(answered, a.Events[0].ID)
	}
	if !errors.Is(err, gateway.ErrUnavailable) {
		return fmt.Errorf("append without space = %w, want ErrUnavailable", err)
	}
	if err := j.Healthy(); !errors.Is(err, gateway.ErrUnavailable) {
		return fmt.Errorf("healthy without space = %w, want ErrUnavailable", err)
	}
	if p, err := j.Page(ctx, 1); err != nil && !errors.Is(err, gateway.ErrUnavailable) || err == nil && len(p.Events) != 1 {
		return fmt.Errorf("reading without space: %v, %w", p, err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &lim); err != nil {
		return err
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	retry := large(n) // what failed comes again, as its sender would
	for deadline := time.Now().Add(20 * time.Second); ; <-tick.C {
		if _, err = j.Append(ctx, retry); err == nil {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("append with space again: %w", err)
		}
	}
	answered = append(answered, retry.Events[0].ID)
	if err := j.Save(ctx, "k", []byte("v")); err != nil {
		return fmt.Errorf("saving with space again: %w", err)
	}
	if err := j.Close(ctx); err != nil {
		return err
	}
	if j, err = Open(ctx, Config{Dir: dir, Reserve: 1}); err != nil {
		return err
	}
	defer func() { _ = j.Close(ctx) }()
	stored := map[string]int{}
	for seq := uint64(1); ; {
		p, err := j.Page(ctx, seq)
		if errors.Is(err, gateway.ErrNoPage) {
			break
		}
		if err != nil {
			return err
		}
		for _, ev := range p.Events {
			stored[ev.ID]++
		}
		seq = p.Seq + 1
	}
	for _, id := range answered {
		if stored[id] != 1 {
			return fmt.Errorf("event %s was answered and is stored %d times", id, stored[id])
		}
	}
	return nil
}

// A page whose acknowledgement was lost is stored all the same. Its events come
// again and used to be stored a second time.
func TestMend_PageWithoutAnswerIsKnownAfterwards(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	if _, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(0)}}); err != nil {
		t.Fatal(err)
	}
	ev := sample(1)
	key := event.Hash(ev.App, ev.Source, ev.Command, ev.Dedupe)
	if _, err := j.engine.Load().js.Publish(t.Context(), pageSubject, pageOf(record{ev: ev, key: key})); err != nil {
		t.Fatal(err)
	}
	j.broke()
	if _, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{ev}}); err != nil && !errors.Is(err, gateway.ErrUnavailable) {
		t.Fatalf("Append while mending = %v", err)
	}
	waitFor(t, "mending", func() bool { return j.Healthy() == nil })
	if kept, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{ev}}); kept != (gateway.Kept{Duplicates: 1}) || err != nil {
		t.Errorf("Append after mending = %+v, %v; want a duplicate", kept, err)
	}
}

// Positions that could not be saved used to leave the engine broken: only a failed
// page brought it to be mended.
func TestSave_SilentEngineIsMended(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	j.engine.Load().nc.Close()
	if err := j.Save(t.Context(), "k", []byte("v")); !errors.Is(err, gateway.ErrUnavailable) {
		t.Errorf("Save = %v, want ErrUnavailable", err)
	}
	waitFor(t, "mending", func() bool { return j.Healthy() == nil && j.Save(t.Context(), "k", []byte("v")) == nil })
}
