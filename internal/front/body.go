package front

import (
	"io"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// body reads a request's body. fasthttp takes a connection that ends early for the
// end of a body: here it is an error.
type body struct {
	ctx *fasthttp.RequestCtx
	// left is how much is announced and not read yet; -1 when the body comes in
	// chunks.
	left  int64
	ended bool
	// broken is set once reading failed: in which chunk the engine was is not known
	// any more, and it would take what is left of one for the size of another.
	broken bool
}

func newBody(ctx *fasthttp.RequestCtx) body {
	b := body{ctx: ctx, left: int64(ctx.Request.Header.ContentLength())}
	if b.left < -1 {
		b.left = 0 // neither a length nor chunks: there is no body
	}
	return b
}

func (b *body) Read(p []byte) (int, error) {
	if b.ended || b.left == 0 {
		b.ended = true
		return 0, io.EOF
	}
	stream := b.ctx.RequestBodyStream()
	if stream == nil {
		b.ended = true
		return 0, io.EOF
	}
	n, err := stream.Read(p)
	if b.left > 0 {
		b.left -= int64(n)
	}
	if err == io.EOF {
		b.ended = true
		if b.left > 0 || b.left < 0 && ended(b.ctx.Conn()) {
			err = io.ErrUnexpectedEOF
		}
	}
	b.broken = b.broken || err != nil && err != io.EOF
	return n, err
}

// Bounds of what is thrown away so that the answer arrives before the connection
// is cut.
const (
	maxSpare = 256 << 10
	restTime = 2 * time.Second
)

// rest throws away what nobody read. What is too long for that, or could not be
// read, costs the connection: its next request could not be found.
func (b *body) rest() {
	if !b.broken && (b.ended || b.left == 0) {
		return
	}
	_ = b.ctx.Conn().SetReadDeadline(time.Now().Add(restTime))
	_, _ = io.CopyN(io.Discard, b, maxSpare)
	if b.broken || !b.ended && b.left != 0 || b.left > 0 {
		b.ctx.SetConnectionClose()
		if tc, ok := b.ctx.Conn().(*trackedConn); ok {
			tc.lingers()
		}
	}
}

// ended reports whether the connection's end was read, which comes after a body of
// chunks only when its last chunk did not.
func ended(c net.Conn) bool {
	tc, ok := c.(*trackedConn)
	return ok && tc.ended
}
