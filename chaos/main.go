package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"
)

// settings are what the flags say.
type settings struct {
	// For is how long there is trouble; starting, and settling in the end, come on
	// top of it.
	For  time.Duration
	Seed uint64
	// Gateways is 1, or more on as many NATS servers.
	Gateways int
	// Rate is how many messages a second are posted, by all servers together.
	Rate float64
	// Within is how long everything may take to arrive in the end.
	Within time.Duration
	// Order is that of the endpoints that keep conversations in order; a test sets
	// another one, to see that it is found out.
	Order string

	binary  string
	verbose bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	played, err := playNode(os.Stdin, os.Stdout)
	if !played {
		err = command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func parse(args []string, stderr io.Writer) (settings, error) {
	cfg := settings{Order: "conversation"}
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&cfg.For, "for", time.Minute, "how long there is trouble")
	flags.Uint64Var(&cfg.Seed, "seed", 0, "what happens; 0 draws one")
	flags.IntVar(&cfg.Gateways, "gateways", 1, "1, or 3 on three NATS servers")
	flags.Float64Var(&cfg.Rate, "rate", 300, "messages a second, of all servers together")
	flags.DurationVar(&cfg.Within, "within", 5*time.Minute, "how long everything may take to arrive in the end")
	flags.StringVar(&cfg.binary, "imhook", "", "imhook binary to run; empty builds this tree's")
	flags.BoolVar(&cfg.verbose, "v", false, "print everything that is done")
	if err := flags.Parse(args); err != nil {
		return cfg, err
	}
	if cfg.Seed == 0 {
		cfg.Seed = rand.Uint64()
	}
	switch {
	case flags.NArg() > 0:
		return cfg, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case cfg.Gateways != 1 && cfg.Gateways != 3:
		return cfg, fmt.Errorf("gateways is %d, want 1 or 3", cfg.Gateways)
	case cfg.For <= 0, cfg.Rate <= 0, cfg.Within <= 0:
		return cfg, errors.New("for, rate and within must be positive")
	}
	return cfg, nil
}

func command(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	cfg, err := parse(args, stderr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "imhook-chaos-")
	if err != nil {
		return fmt.Errorf("making a place for data: %w", err)
	}
	fmt.Fprintf(stdout, "seed %d, %d gateway(s), trouble for %v at %v messages/s\n", cfg.Seed, cfg.Gateways, cfg.For, cfg.Rate)
	if cfg.binary == "" {
		if cfg.binary, err = build(ctx, dir); err != nil {
			return err
		}
	}
	rep, err := wreak(ctx, cfg, dir, stderr)
	if rep != nil {
		rep.write(stdout)
	}
	if err != nil {
		return fmt.Errorf("seed %d (logs and data are in %s): %w", cfg.Seed, dir, err)
	}
	return os.RemoveAll(dir)
}

// build makes an imhook of this tree.
func build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "imhook")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/imhook/imhook/cmd/imhook")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building imhook: %w\n%s", err, out)
	}
	return binary, nil
}
