package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
)

// proxyEnv makes this program a reverse proxy to the hook that it names.
const proxyEnv = "IMHOOK_BENCH_PROXY_TO"

// proxyBuffer is the size of the buffers of net/http/httputil.
const proxyBuffer = 32 << 10

// proxy serves until stdin ends, after printing its address to stdout. It is the
// standard library's with what its documentation offers for speed: connections are
// kept, and so are the buffers that answers are copied through.
func proxy(stdin io.Reader, stdout io.Writer, hook string) error {
	to, err := url.Parse(hook)
	if err != nil {
		return fmt.Errorf("reading the address of the hook: %w", err)
	}
	return serve(stdin, stdout, &httputil.ReverseProxy{
		Rewrite:    func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport:  &http.Transport{MaxIdleConnsPerHost: 4096, DisableCompression: true},
		BufferPool: &buffers{sync.Pool{New: func() any { return new([proxyBuffer]byte) }}},
	})
}

// buffers implements [httputil.BufferPool].
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	buf, _ := b.pool.Get().(*[proxyBuffer]byte)
	return buf[:]
}

func (b *buffers) Put(buf []byte) { b.pool.Put((*[proxyBuffer]byte)(buf)) }
