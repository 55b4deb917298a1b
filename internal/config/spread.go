package config

// maxSpread is into how many parts an endpoint can be cut.
const maxSpread = 32

// spread reads into how many parts an endpoint is cut.
func (l *loader) spread(o *object, e *Endpoint) {
	o.integer("spread", 1, &e.Spread)
	v, ok := o.get("spread")
	switch {
	case !ok || e.Spread <= 1:
	case e.Spread > maxSpread:
		v.wrong("is %d; an endpoint can be cut into up to %d parts", e.Spread, maxSpread)
	case e.Order == OrderStrict:
		v.wrong("is %d, and order: strict delivers one event after the other; remove one of the two", e.Spread)
	case l.config.Journal.URL == "":
		v.wrong("is %d, and one gateway alone has nobody to share with; set journal.url, or remove it", e.Spread)
	}
}
