package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// The tests are the program, for a short while; .ci/nightly has it go on for longer.
var (
	forFlag  = flag.Duration("chaos.for", 8*time.Second, "how long there is trouble")
	seedFlag = flag.Uint64("chaos.seed", 0, "what happens; 0 draws one")
)

// TestMain plays a NATS server when the program under test runs itself as one.
func TestMain(m *testing.M) {
	if played, err := playNode(os.Stdin, os.Stdout); played {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	dir, err := os.MkdirTemp("", "imhook-chaos-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binaryDir = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// binaryDir holds the binary, which the first test that asks builds.
var binaryDir string

var binary = sync.OnceValues(func() (string, error) { return build(context.Background(), binaryDir) })

// testSettings are those of the command, for as long as the tests may take.
func testSettings(t *testing.T) settings {
	t.Helper()
	cfg := settings{For: *forFlag, Seed: *seedFlag, Gateways: 1, Rate: 120, Within: 8 * time.Minute, Order: "conversation"}
	if cfg.Seed == 0 {
		cfg.Seed = rand.Uint64()
	}
	return cfg
}

func wreakTest(t *testing.T, cfg settings) error {
	t.Helper()
	dir := t.TempDir()
	var err error
	if cfg.binary, err = binary(); err != nil {
		t.Fatal(err)
	}
	t.Logf("again: go test ./chaos -run '%s$' -chaos.seed %d -chaos.for %v", t.Name(), cfg.Seed, cfg.For)
	var progress bytes.Buffer
	rep, err := wreak(t.Context(), cfg, dir, &progress)
	if rep != nil {
		var text strings.Builder
		rep.write(&text)
		t.Log(text.String())
		if err != nil {
			t.Log(strings.Join(rep.lines, "\n"))
		}
	}
	return err
}

func TestChaos_OneGateway(t *testing.T) {
	if err := wreakTest(t, testSettings(t)); err != nil {
		t.Error(err)
	}
}

func TestChaos_ThreeGatewaysOnThreeNATSServers(t *testing.T) {
	cfg := testSettings(t)
	cfg.Gateways, cfg.Rate = 3, 60
	if err := wreakTest(t, cfg); err != nil {
		t.Error(err)
	}
}

// A program that finds nothing would be worth nothing: gateways that are told to keep
// no order must be found out.
func TestChaos_FindsDisorderWhereNoOrderIsKept(t *testing.T) {
	cfg := testSettings(t)
	cfg.Seed, cfg.For, cfg.Order = 1, 6*time.Second, "none"
	err := wreakTest(t, cfg)
	if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "out of order") {
		t.Errorf("wreak = %v, want messages out of order", err)
	}
}
