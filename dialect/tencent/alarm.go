package tencent

import "github.com/imhook/imhook/event"

// decodeQuota reads how much of the day's groups is used up.
func decodeQuota(in *input) (*event.Event, error) {
	used, ok := in.o.int("QuotaUsed")
	if !ok {
		return nil, in.missing("QuotaUsed")
	}
	return &event.Event{
		Type: event.AlarmQuota, Lane: event.NewLane(event.KindSystem, ""), Report: &event.Report{Count: int(used)},
		Dedupe: in.dated(decimal(used), firstOf(string(in.o.peek("Quota")), "-")),
	}, nil
}

func encodeQuota(out *output) error {
	w := out.begin()
	used := int64(report(out.ev).Count)
	w.int("QuotaUsed", used)
	if !out.own {
		w.int("Quota", used) // the alarm comes when it is nearly or fully used
	}
	out.post()
	return nil
}

// decodeOverLimit reads that calls to a service came faster than allowed.
func decodeOverLimit(in *input) (*event.Event, error) {
	o := &in.o
	service, command := o.text("ServiceName"), o.text("Command")
	n, _ := o.int("Request")
	return &event.Event{
		Type: event.AlarmRate, Lane: event.NewLane(event.KindSystem, ""),
		Report: &event.Report{Code: command, Text: service, Count: int(n)},
		Dedupe: in.dated(firstOf(service, "-"), firstOf(command, "-"), decimal(n), firstOf(string(o.peek("Limit")), "-")),
	}, nil
}

func encodeOverLimit(out *output) error {
	r := report(out.ev)
	w := out.begin()
	w.text("ServiceName", r.Text)
	w.text("Command", r.Code)
	w.int("Request", int64(r.Count))
	if !out.own {
		w.int("Limit", int64(r.Count))
	}
	out.post()
	return nil
}
