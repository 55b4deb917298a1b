// Package vacant finds addresses of loopback for servers that run in other processes,
// or that come back where they were.
package vacant

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports below those that systems give to connections that go out: one of these must
// not take the place of a server that was stopped for a moment.
const (
	first = 10000
	end   = 32000
	tries = 1000
)

// Addr returns an address that nobody listens at and that nobody else is given before
// ctx is done, by whichever process: a UDP socket of the same port says that it is
// taken. A ctx that is never done keeps nothing. It is safe for concurrent use.
func Addr(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	var last error
	for range tries {
		if err := ctx.Err(); err != nil {
			return "", fmt.Errorf("finding a free port: %w", err)
		}
		addr := fmt.Sprintf("127.0.0.1:%d", first+rand.IntN(end-first))
		taken, err := lc.ListenPacket(ctx, "udp", addr)
		if err != nil {
			last = err
			continue
		}
		l, err := lc.Listen(ctx, "tcp", addr)
		if err != nil {
			last = errors.Join(err, taken.Close())
			continue
		}
		context.AfterFunc(ctx, func() { _ = taken.Close() })
		return addr, l.Close()
	}
	return "", fmt.Errorf("finding a free port: %w", last)
}
