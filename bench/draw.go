package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// The picture of a soak: panels below each other over the same time.
const (
	panelWidth  = 760
	panelHeight = 110
	panelLeft   = 90
	panelGap    = 34
)

// curve is one line of a panel.
type curve struct {
	name, color string
	value       func(sample) float64
}

// panel is one scale.
type panel struct {
	title  string
	curves []curve
}

const (
	blue  = "#2563eb"
	gray  = "#9ca3af"
	red   = "#dc2626"
	amber = "#d97706"
)

// panels are what is drawn of a soak.
var panels = []panel{
	{"events a second", []curve{
		{"answered 200", gray, func(s sample) float64 { return s.in }},
		{"at the endpoint that is well", blue, func(s sample) float64 { return s.out }},
	}},
	{"from the post until it is there, ms", []curve{
		{"p99", red, func(s sample) float64 { return micros(s.p99) / 1000 }},
		{"p50", blue, func(s sample) float64 { return micros(s.p50) / 1000 }},
	}},
	{"memory of the gateway, MiB", []curve{{"RSS", blue, func(s sample) float64 { return float64(s.rss) / (1 << 20) }}}},
	{"data directory, MiB", []curve{{"files", blue, func(s sample) float64 { return float64(s.disk) / (1 << 20) }}}},
	{"backlog, events", []curve{
		{"dead", red, func(s sample) float64 { return s.dead }},
		{"failing every other half minute", amber, func(s sample) float64 { return s.moody }},
		{"slow", blue, func(s sample) float64 { return s.slow }},
	}},
}

// drawSamples draws them as SVG.
func drawSamples(w io.Writer, cfg config, samples []sample) error {
	last := samples[len(samples)-1].at
	height := 30 + len(panels)*(panelHeight+panelGap)
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`+"\n", panelLeft+panelWidth+20, height)
	out.WriteString(`<rect width="100%" height="100%" fill="white"/>` + "\n")
	fmt.Fprintf(&out, `<text x="%d" y="16" font-size="13">%v at %d events/s</text>`+"\n", panelLeft, cfg.Soak, cfg.LiveRate)
	for i, p := range panels {
		p.draw(&out, 30+i*(panelHeight+panelGap), last, samples)
	}
	out.WriteString("</svg>\n")
	_, err := io.WriteString(w, out.String())
	return err
}

// draw draws a panel whose upper end is at top.
func (p panel) draw(out *strings.Builder, top int, last time.Duration, samples []sample) {
	most := 0.0
	for _, s := range samples {
		for _, c := range p.curves {
			most = max(most, c.value(s))
		}
	}
	most = roundUp(most)
	fmt.Fprintf(out, `<text x="%d" y="%d" font-weight="bold">%s</text>`+"\n", panelLeft, top+8, p.title)
	x := panelLeft + 300
	for _, c := range p.curves {
		fmt.Fprintf(out, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", x, top+8, c.color, c.name)
		x += 20 + 7*len(c.name)
	}
	top += 14
	for _, part := range []float64{0, 0.5, 1} {
		y := float64(top+panelHeight) - part*panelHeight
		fmt.Fprintf(out, `<path d="M%d %.1fh%d" stroke="#e5e7eb"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			panelLeft, y, panelWidth, panelLeft-6, y+4, label(part*most))
	}
	for _, c := range p.curves {
		fmt.Fprintf(out, `<polyline fill="none" stroke="%s" stroke-width="1.3" points="`, c.color)
		for _, s := range samples {
			fmt.Fprintf(out, "%.1f,%.1f ", panelLeft+panelWidth*s.at.Seconds()/last.Seconds(), float64(top+panelHeight)-panelHeight*c.value(s)/most)
		}
		out.WriteString(`"/>` + "\n")
	}
	for i := range 7 {
		fmt.Fprintf(out, `<text x="%d" y="%d" text-anchor="middle" fill="#6b7280">%v</text>`+"\n",
			panelLeft+panelWidth*i/6, top+panelHeight+13, (last * time.Duration(i) / 6).Round(time.Second))
	}
}

// roundUp is the end of an axis that has room for v: 1, 2 or 5 and zeros.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 5} {
		if n*unit >= v {
			return n * unit
		}
	}
	return 10 * unit
}

// label is a value of an axis.
func label(v float64) string {
	switch {
	case v >= 10_000:
		return fmt.Sprintf("%gk", v/1000)
	default:
		return fmt.Sprintf("%g", v)
	}
}
