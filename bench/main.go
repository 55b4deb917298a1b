package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"
)

// config is what the flags say.
type config struct {
	Rounds   int           `json:"rounds"`
	Duration time.Duration `json:"-"`
	Warmup   time.Duration `json:"-"`
	// Conns is how many connections post; the flag may name several numbers, which are
	// measured one after the other.
	Conns    int    `json:"conns"`
	Size     int    `json:"size"`
	Lanes    int    `json:"lanes"`
	Dialects string `json:"endpointDialects"`
	Batch    int    `json:"batch"`
	Unsigned bool   `json:"unsigned"`
	// Before asks hooks through the sides, instead of handing messages on.
	Before bool `json:"before"`
	// Asks is the dialect of the server that asks; the flag may name several.
	Asks string `json:"asks,omitempty"`
	// Beside is how many endpoints that match nothing stand beside the one that
	// matches, one side for each number.
	Beside []int `json:"beside,omitempty"`

	// History is whether the gateway keeps its history: on, off, or both, one side each.
	History string `json:"history"`

	// Outage is how many events are kept for an endpoint that is down; zero runs the
	// comparison with the relay.
	Outage int `json:"outage,omitzero"`
	// LiveRate is how many live events come in a second, AnswerAfter how long the
	// endpoint takes for one, both during an outage's rounds.
	LiveRate    int           `json:"liveRate,omitzero"`
	AnswerAfter time.Duration `json:"-"`

	conns []int
	// Soak is how long there is a steady load; zero runs the rounds.
	Soak time.Duration `json:"-"`

	soakOut  string
	endpoint string // more of the gateway's endpoint
	// noHistory is what History says of one side.
	noHistory bool
	binary    string
	profiles  string
	json      bool
}

// Words of -history.
const (
	historyOn  = "on"
	historyOff = "off"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	played, err := child(os.Stdin, os.Stdout)
	if !played {
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
	conns := flags.String("conns", "64", "connections that post, each one request at a time; several numbers, separated by commas, are measured one after the other")
	flags.IntVar(&cfg.Size, "size", 1024, "bytes of a request's body")
	flags.IntVar(&cfg.Lanes, "lanes", 1000, "conversations")
	flags.StringVar(&cfg.Dialects, "endpoint-dialect", "wildfirechat", "dialects of the gateway's endpoint, one side each, separated by commas; empty runs the relay alone")
	flags.IntVar(&cfg.Batch, "batch", 0, "messages in a request to the gateway, and in one to its endpoint, as CloudEvents; up to 1 is singly. The relay always gets them singly")
	flags.BoolVar(&cfg.Unsigned, "unsigned", false, "give the endpoint no secret: what goes to it as CloudEvents is not signed, as WildfireChat never is")
	flags.BoolVar(&cfg.Before, "before", false, "ask a hook through a reverse proxy and through imhook, instead of handing messages on")
	flags.StringVar(&cfg.Asks, "asks", "openim,wildfirechat", "with -before: dialects of the server that asks, one after the other, separated by commas")
	beside := flags.String("beside", "0", "endpoints that match nothing beside the one that matches, one side each, separated by commas")
	flags.StringVar(&cfg.History, "history", historyOn, "whether the gateway keeps its history: on, off, or both separated by a comma, one side each")
	flags.IntVar(&cfg.Outage, "outage", 0, "take the endpoint down for that many events and bring it back, instead of the rounds")
	flags.IntVar(&cfg.LiveRate, "live-rate", 200, "with -outage: live events in a second, of conversations without a backlog; with -soak: all events")
	flags.DurationVar(&cfg.Soak, "soak", 0, "post steadily for that long to a gateway with endpoints that are well, moody, slow and dead, instead of the rounds")
	flags.StringVar(&cfg.soakOut, "soak-out", "soak", "with -soak: files to write, without .csv and .svg")
	flags.DurationVar(&cfg.AnswerAfter, "answer-after", 10*time.Millisecond, "with -outage: how long the endpoint takes for an event")
	flags.StringVar(&cfg.profiles, "profiles", "", "directory for a CPU profile of each gateway's last round")
	flags.StringVar(&cfg.binary, "imhook", "", "imhook binary to run; empty builds this tree's")
	flags.BoolVar(&cfg.json, "json", false, "print the report as JSON")
	if err := flags.Parse(args); err != nil {
		return cfg, err
	}
	var err error
	if cfg.Beside, err = numbers(*beside, 0); err != nil {
		return cfg, fmt.Errorf("beside: %w", err)
	}
	if cfg.conns, err = numbers(*conns, 1); err != nil {
		return cfg, fmt.Errorf("conns: %w", err)
	}
	if !cfg.Before {
		cfg.Asks = ""
	}
	for h := range strings.SplitSeq(cfg.History, ",") {
		if h != historyOn && h != historyOff {
			return cfg, fmt.Errorf("history: %q is neither %s nor %s", h, historyOn, historyOff)
		}
	}
	if cfg.Batch > 1 && cfg.Dialects == "wildfirechat" {
		cfg.Dialects = "cloudevents"
	}
	switch {
	case flags.NArg() > 0:
		return cfg, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case cfg.Rounds < 1, cfg.Duration <= 0, cfg.Lanes < slices.Max(cfg.conns):
		return cfg, errors.New("rounds and duration must be positive, lanes at least conns")
	case cfg.Before && (cfg.Batch > 1 || len(cfg.Beside) > 1):
		return cfg, errors.New("what is asked before comes singly, and has no endpoints beside it")
	case cfg.Before && cfg.Asks == "":
		return cfg, errors.New("with -before somebody must ask")
	case cfg.Outage < 0, cfg.Outage > 0 && (cfg.LiveRate < 1 || cfg.AnswerAfter < 0 || cfg.Duration < time.Second):
		return cfg, errors.New("outage: events and live-rate must be positive, duration at least 1s")
	case cfg.Outage > 0 && (cfg.Before || len(cfg.conns) > 1):
		return cfg, errors.New("an outage is measured by itself, with one number of connections")
	case cfg.Soak < 0, cfg.Soak > 0 && (cfg.Before || cfg.Outage > 0 || len(cfg.conns) > 1 || cfg.LiveRate < 1 || cfg.soakOut == ""):
		return cfg, errors.New("a soak runs by itself, with one number of connections, a live-rate and somewhere to write")
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

	if cfg.binary == "" && (cfg.Dialects != "" || cfg.Before || cfg.Soak > 0) {
		if cfg.binary, err = build(ctx, dir); err != nil {
			return err
		}
	}
	if cfg.Outage > 0 {
		cfg.Conns = cfg.conns[0]
		return outage(ctx, cfg, dir, stdout, stderr)
	}
	if cfg.Soak > 0 {
		return soak(ctx, cfg, dir, stdout, stderr)
	}
	for _, n := range cfg.conns {
		cfg.Conns = n
		compare := compareAfter
		if cfg.Before {
			compare = compareBefore
		}
		reports, err := compare(ctx, cfg, dir, stderr)
		if err != nil {
			return err
		}
		for _, rep := range reports {
			write := rep.writeText
			if cfg.json {
				write = rep.writeJSON
			}
			if err := write(stdout); err != nil {
				return err
			}
		}
	}
	return nil
}

// compareAfter measures what is handed on by the relay and by gateways.
func compareAfter(ctx context.Context, cfg config, dir string, progress io.Writer) (_ []*report, err error) {
	var sides []*side
	defer func() { err = errors.Join(err, stopAll(sides)) }()
	s, err := startRelay(ctx)
	if err != nil {
		return nil, err
	}
	sides = append(sides, s)
	for d := range strings.FieldsFuncSeq(cfg.Dialects, func(r rune) bool { return r == ',' }) {
		for _, beside := range cfg.Beside {
			for h := range strings.SplitSeq(cfg.History, ",") {
				one := cfg
				one.noHistory = h == historyOff
				if s, err = startGateway(ctx, one, dir, d, beside); err != nil {
					return nil, err
				}
				sides = append(sides, s)
			}
		}
	}
	rep, err := measure(ctx, cfg, sides, progress)
	return []*report{rep}, err
}

func stopAll(sides []*side) (err error) {
	for _, s := range sides {
		err = errors.Join(err, s.stop())
	}
	return err
}

// numbers reads a list with commas of numbers that are at least so large.
func numbers(list string, least int) ([]int, error) {
	var all []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < least {
			return nil, fmt.Errorf("%q is no number of at least %d", text, least)
		}
		all = append(all, n)
	}
	return all, nil
}
