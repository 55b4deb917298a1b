package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Rate is how often something may happen in a second; zero is as often as it likes.
type Rate float64

// unlimited is how no rate is written.
const unlimited = "unlimited"

// units of rates, the one that is written first before the others.
var units = [...]struct {
	name string
	of   time.Duration
}{{"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}}

// String writes it as a file does, in the first unit in which it is a whole number.
func (r Rate) String() string {
	if r == 0 {
		return unlimited
	}
	for _, u := range units {
		n := float64(r) * u.of.Seconds()
		if whole := math.Round(n); whole >= 1 && math.Abs(n-whole) < 1e-6*n {
			return fmt.Sprintf("%.0f/%s", whole, u.name)
		}
	}
	return strconv.FormatFloat(float64(r), 'g', -1, 64) + "/s"
}

// maxRate is more than anybody takes.
const maxRate = 1_000_000

// rate reads "500/s".
func (v value) rate(to *Rate) {
	s, ok := v.text()
	if !ok {
		return
	}
	if s == unlimited {
		*to = 0
		return
	}
	number, unit, _ := strings.Cut(s, "/")
	n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 32)
	for _, u := range units {
		if err == nil && n > 0 && strings.TrimSpace(unit) == u.name {
			if *to = Rate(float64(n) / u.of.Seconds()); *to > maxRate {
				v.wrong("is %s; write up to %d/s, or %s", s, maxRate, unlimited)
			}
			return
		}
	}
	v.wrong("%q is not a rate; write how many in a second, a minute or an hour: 500/s, 90/m, 10/h; or %s", s, unlimited)
}
