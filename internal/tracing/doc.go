// Package tracing follows events through other systems: a span for what is received,
// decided, asked, kept and attempted, sent with OTLP over HTTP to a collector.
//
//	receive ─┬ decide ─── ask (each hook)              what the hook does
//	         └ keep                                        ▲
//	         └ attempt (each, also after a restart) ───── what the endpoint does
//
// A trace begins with the traceparent that a request brings, or here. An event carries
// its receive span's traceparent, in the journal too, so that an attempt long after
// finds it; an attempt of an event that is older than [LinkAfter], or that is delivered
// once more, begins a trace of its own with a link to it, for collectors close traces
// after minutes.
//
// It stands beside the stages: Receiver is asked by receive, and the others wrap what
// the stages take as an interface. Without it the stages do nothing more than pass a
// traceparent on that came in. Of a request that is not sampled no span is made beyond
// the first, and its events carry what they carried.
//
// Spans are a gift: what the collector does not take, or is not there to take, is
// dropped and counted (imhook_trace_spans_total), and nobody waits for it.
package tracing
