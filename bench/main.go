package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"
)

// config is what the flags say.
type config struct {
	Rounds   int           `json:"rounds"`
	Duration time.Duration `json:"-"`
	Warmup   time.Duration `json:"-"`
	Conns    int           `json:"conns"`
	Size     int           `json:"size"`
	Lanes    int           `json:"lanes"`
	Dialects string        `json:"endpointDialects"`
	Batch    int           `json:"batch"`
	Unsigned bool          `json:"unsigned"`
	// Beside is how many endpoints that match nothing stand beside the one that
	// matches, one side for each number.
	Beside []int `json:"beside,omitempty"`

	binary   string
	profiles string
	json     bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if sink, ok := os.LookupEnv(relayEnv); ok {
		err = relay(os.Stdin, os.Stdout, sink)
	} else {
		err = run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string, stderr io.Writer) (config, error) {
	var cfg config
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&cfg.Rounds, "rounds", 5, "rounds of each side")
	flags.DurationVar(&cfg.Duration, "duration", 3*time.Second, "how long a round posts")
	flags.DurationVar(&cfg.Warmup, "warmup", time.Second, "how long each side is posted to before the first round")
	flags.IntVar(&cfg.Conns, "conns", 64, "connections that post, each one request at a time")
	flags.IntVar(&cfg.Size, "size", 1024, "bytes of a request's body")
	flags.IntVar(&cfg.Lanes, "lanes", 1000, "conversations")
	flags.StringVar(&cfg.Dialects, "endpoint-dialect", "wildfirechat", "dialects of the gateway's endpoint, one side each, separated by commas; empty runs the relay alone")
	flags.IntVar(&cfg.Batch, "batch", 0, "messages in a request to the gateway, and in one to its endpoint, as CloudEvents; up to 1 is singly. The relay always gets them singly")
	flags.BoolVar(&cfg.Unsigned, "unsigned", false, "give the endpoint no secret: what goes to it as CloudEvents is not signed, as WildfireChat never is")
	beside := flags.String("beside", "0", "endpoints that match nothing beside the one that matches, one side each, separated by commas")
	flags.StringVar(&cfg.profiles, "profiles", "", "directory for a CPU profile of each gateway's last round")
	flags.StringVar(&cfg.binary, "imhook", "", "imhook binary to run; empty builds this tree's")
	flags.BoolVar(&cfg.json, "json", false, "print the report as JSON")
	if err := flags.Parse(args); err != nil {
		return cfg, err
	}
	for text := range strings.SplitSeq(*beside, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return cfg, fmt.Errorf("beside: %q is no number of endpoints", text)
		}
		cfg.Beside = append(cfg.Beside, n)
	}
	if cfg.Batch > 1 && cfg.Dialects == "wildfirechat" {
		cfg.Dialects = "cloudevents"
	}
	switch {
	case flags.NArg() > 0:
		return cfg, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case cfg.Rounds < 1, cfg.Duration <= 0, cfg.Conns < 1, cfg.Lanes < cfg.Conns:
		return cfg, errors.New("rounds, duration and conns must be positive, lanes at least conns")
	case cfg.Batch > 1 && cfg.Dialects != "cloudevents" && cfg.Dialects != "":
		return cfg, errors.New("of the dialects here only cloudevents has batches")
	}
	return cfg, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	cfg, err := parse(args, stderr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "imhook-bench-")
	if err != nil {
		return fmt.Errorf("making a place for data: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	if cfg.binary == "" && cfg.Dialects != "" {
		if cfg.binary, err = build(ctx, dir); err != nil {
			return err
		}
	}
	var sides []*side
	defer func() {
		for _, s := range sides {
			err = errors.Join(err, s.stop())
		}
	}()
	s, err := startRelay(ctx)
	if err != nil {
		return err
	}
	sides = append(sides, s)
	for d := range strings.FieldsFuncSeq(cfg.Dialects, func(r rune) bool { return r == ',' }) {
		for _, beside := range cfg.Beside {
			if s, err = startGateway(ctx, cfg, dir, d, beside); err != nil {
				return err
			}
			sides = append(sides, s)
		}
	}
	rep, err := measure(ctx, cfg, sides, stderr)
	if err != nil {
		return err
	}
	if cfg.json {
		return rep.writeJSON(stdout)
	}
	return rep.writeText(stdout)
}
