package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/imhook/imhook/internal/natstest"
	"github.com/imhook/imhook/internal/vacant"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"imhook": main})
}

// TestScript runs the real program. Besides the commands of testscript there are
//
//	port VAR                 a free loopback port
//	start NAME PROGRAM ARG…  runs in the background, into NAME.out and NAME.err
//	ready URL                waits until URL answers 200
//	listening HOST:PORT      waits until somebody listens there
//	waitfor FILE REGEXP      waits until FILE matches
//	end NAME                 asks it to end and fails unless it ends well
//	crash NAME               ends it without asking
//	nats VAR USER PASSWORD   a NATS server with JetStream, its URL into VAR
//	tokenof VAR FILE         the token in a file
//	audited REGEXP           waits until imhook audit says so
//	url FILE URL DIALECT     writes an endpoint's definition
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Values[processesKey{}] = processes{}
			// Loopback needs no proxy, and the developer's gateway is none of ours.
			e.Setenv("NO_PROXY", "*")
			e.Setenv("IMHOOK_TOKEN", "")
			e.Setenv("IMHOOK_GATEWAY", "http://127.0.0.1:1")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"port":      cmdPort,
			"start":     cmdStart,
			"ready":     cmdReady,
			"listening": cmdListening,
			"waitfor":   cmdWaitFor,
			"end":       cmdEnd,
			"crash":     cmdCrash,
			"fails":     cmdFails,
			"tokenof":   cmdTokenOf,
			"audited":   cmdAudited,
			"url":       cmdURL,
			"nats": func(ts *testscript.TestScript, neg bool, args []string) {
				want(ts, neg, args, 3, "nats VAR USER PASSWORD")
				ts.Setenv(args[0], natstest.Server(t, natstest.Password(args[1], args[2])).URL())
			},
		},
	})
}

// The stop of testscript itself ends the script: what stands behind it is never
// run, and the script passes.
func TestScript_NoneStopsBeforeItsEnd(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, name := range scripts {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(text), "\n") {
			if line == "stop" || strings.HasPrefix(line, "stop ") {
				t.Errorf("%s:%d stops there; write end to end a process", name, n+1)
			}
		}
	}
}

// processes are those that a script started, by name.
type processes map[string]*exec.Cmd

// processesKey is where a script's values have them.
type processesKey struct{}

func running(ts *testscript.TestScript) processes { return ts.Value(processesKey{}).(processes) }

func cmdPort(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "port VAR")
	ctx, done := context.WithCancel(context.Background())
	ts.Defer(done)
	addr, err := vacant.Addr(ctx)
	ts.Check(err)
	_, port, err := net.SplitHostPort(addr)
	ts.Check(err)
	ts.Setenv(args[0], port)
}

func cmdStart(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME PROGRAM ARG…")
	}
	name := args[0]
	out, err := os.Create(ts.MkAbs(name + ".out"))
	ts.Check(err)
	log, err := os.Create(ts.MkAbs(name + ".err"))
	ts.Check(err)
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), out, log
	cmd.Env = append(os.Environ(), "IMHOOK_TOKEN="+ts.Getenv("IMHOOK_TOKEN"), "IMHOOK_GATEWAY="+ts.Getenv("IMHOOK_GATEWAY"), "SECRET="+ts.Getenv("SECRET"))
	ts.Check(cmd.Start())
	ts.Check(errors.Join(out.Close(), log.Close()))
	running(ts)[name] = cmd
	ts.Defer(func() {
		if running(ts)[name] == cmd {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			ts.Logf("%s was running until the end; its stderr:\n%s", name, ts.ReadFile(name+".err"))
		}
	})
}

func cmdEnd(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "end NAME")
	cmd := running(ts)[args[0]]
	if cmd == nil {
		ts.Fatalf("%s does not run", args[0])
	}
	delete(running(ts), args[0])
	ts.Check(cmd.Process.Signal(syscall.SIGTERM))
	late := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	if err := cmd.Wait(); err != nil {
		ts.Fatalf("%s ended with %v\n%s", args[0], err, ts.ReadFile(args[0]+".err"))
	}
}

func cmdCrash(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "crash NAME")
	cmd := running(ts)[args[0]]
	if cmd == nil {
		ts.Fatalf("%s does not run", args[0])
	}
	delete(running(ts), args[0])
	ts.Check(cmd.Process.Kill())
	_ = cmd.Wait()
}

// cmdFails waits for a process that ends by itself, with an error.
func cmdFails(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "fails NAME")
	cmd := running(ts)[args[0]]
	if cmd == nil {
		ts.Fatalf("%s does not run", args[0])
	}
	delete(running(ts), args[0])
	late := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 1 {
		ts.Fatalf("%s ended with %v, want exit status 1\n%s", args[0], err, ts.ReadFile(args[0]+".err"))
	}
}

func cmdTokenOf(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "tokenof VAR FILE")
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// cmdAudited waits: nobody who does something waits until it is written down.
func cmdAudited(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "audited REGEXP")
	re, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	eventually(ts, func() error {
		ts.Check(ts.Exec("imhook", "audit"))
		if text := ts.ReadFile("stdout"); !re.MatchString(text) {
			return fmt.Errorf("imhook audit does not match %s:\n%s", args[0], text)
		}
		return nil
	})
}

func cmdURL(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 3, "url FILE URL DIALECT")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), fmt.Appendf(nil, "url: %s\ndialect: %s\n", args[1], args[2]), 0o600))
}

func cmdReady(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "ready URL")
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	eventually(ts, func() error {
		res, err := client.Get(args[0])
		if err != nil {
			return err
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", args[0], res.Status)
		}
		return nil
	})
}

func cmdListening(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "listening HOST:PORT")
	eventually(ts, func() error {
		conn, err := net.DialTimeout("tcp", args[0], time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
}

func cmdWaitFor(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "waitfor FILE REGEXP")
	re, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	eventually(ts, func() error {
		text := ts.ReadFile(args[0])
		if re.MatchString(text) {
			return nil
		}
		return fmt.Errorf("%s does not match %s:\n%s", args[0], args[1], text)
	})
}

func want(ts *testscript.TestScript, neg bool, args []string, n int, usage string) {
	if neg || len(args) != n {
		ts.Fatalf("usage: %s", usage)
	}
}

// eventually asks until the answer is nil, and fails with the last one when that
// takes too long.
func eventually(ts *testscript.TestScript, ask func() error) {
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			ts.Fatalf("after 30 s: %v", err)
		}
	}
}
