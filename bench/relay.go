package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// relayEnv makes this program a bare relay to the sink that it names.
const relayEnv = "IMHOOK_BENCH_RELAY_TO"

// child plays the relay or the proxy when this program was started as one.
func child(stdin io.Reader, stdout io.Writer) (played bool, err error) {
	if sink, ok := os.LookupEnv(relayEnv); ok {
		return true, relay(stdin, stdout, sink)
	}
	if hook, ok := os.LookupEnv(proxyEnv); ok {
		return true, proxy(stdin, stdout, hook)
	}
	return false, nil
}

const (
	// relayWorkers post to the sink, as many as connections post by default.
	relayWorkers = 64
	// relayQueue is what the channel holds: enough that a worker never waits for
	// a post, little enough that memory says something.
	relayQueue = 4096
)

// letter is what the relay hands through its channel.
type letter struct {
	path, contentType string
	body              []byte
}

// relay serves until stdin ends, after printing its address to stdout.
func relay(stdin io.Reader, stdout io.Writer, sink string) error {
	queue := make(chan letter, relayQueue)
	// No time-out and no sniffing of types: nothing that would slow it down.
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: relayWorkers, DisableCompression: true}}
	for range relayWorkers {
		go func() {
			for l := range queue {
				if err := forward(client, sink, l); err != nil {
					fmt.Fprintln(stdout, "lost a message:", err)
				}
			}
		}()
	}
	return serve(stdin, stdout, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		queue <- letter{path: r.URL.Path, contentType: r.Header.Get("Content-Type"), body: body}
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", "2")
		_, _ = io.WriteString(w, "ok")
	}))
}

// serve answers until stdin ends, after printing the address to stdout.
func serve(stdin io.Reader, stdout io.Writer, h http.Handler) error {
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: h}
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		_ = server.Close()
	}()
	fmt.Fprintln(stdout, ln.Addr())
	if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}

func forward(client *http.Client, sink string, l letter) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, sink+l.path, bytes.NewReader(l.body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", l.contentType)
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}
