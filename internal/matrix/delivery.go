package matrix

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
)

// Tongue is the language of a table of [Deliveries].
type Tongue int

// The languages of the docs.
const (
	English Tongue = iota
	Chinese
)

// words are those of the table, in both languages.
func words() map[string][2]string {
	return map[string][2]string{
		"head":      {"| | waits | tries | in flight | success | pauses |", "| | 等待 | 尝试 | 在途 | 成功 | 停发 |"},
		"once":      {"once", "一次"},
		"times":     {"%d times, at once", "%d 次，立即重试"},
		"any":       {"`concurrency`", "`concurrency`"},
		"queue":     {"%d; %d more queue, the rest is dropped after %s", "%d；另有 %d 个排队，其余 %s 后丢弃"},
		"own":       {" (or `timeout`)", "（或 `timeout`）"},
		"2xx":       {"not looked at; any 2xx here", "不看；这里指任何 2xx"},
		"200":       {"200", "200"},
		"json":      {" and JSON", " 且为 JSON"},
		"long":      {"; more than %d characters count as a failure", "；超过 %d 个字符算一次失败"},
		"none":      {"none", "无"},
		"pause":     {"*%s* for %s after %s", "%[3]s之后 *%[1]s* %[2]s"},
		"within":    {"%d %s in %s", "%[3]s 内 %[1]d 次%[2]s"},
		"single":    {"a %s", "一次%s"},
		"over":      {", the n-th time in %s as listed", "，%s 内第 n 次按此列"},
		"keeps":     {"; kept and sent then", "；保留，之后发送"},
		"loses":     {"; lost meanwhile", "；期间的丢失"},
		"failures":  {"failures", "失败"},
		"timeout":   {string(dialect.FailedTimeout), "超时"},
		"network":   {string(dialect.FailedNetwork), "网络故障"},
		"refusal":   {string(dialect.FailedAnswer), "拒绝"},
		"tooLong":   {string(dialect.FailedLong), "过长的应答"},
		"separator": {", ", "、"},
	}
}

// Deliveries is a table of how the vendors' own servers deliver, as Markdown.
func Deliveries(r *dialect.Registry, in Tongue) []byte {
	table := words()
	say := func(word string, args ...any) string {
		if len(args) == 0 {
			return table[word][in]
		}
		return fmt.Sprintf(table[word][in], args...)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n|---|---|---|---|---|---|\n", say("head"))
	all := r.All()
	slices.SortFunc(all, func(x, y dialect.Dialect) int { return strings.Compare(x.Spec().Name, y.Spec().Name) })
	for _, d := range all {
		of := d.Spec().Delivery
		if of == nil {
			continue
		}
		waits, tries, flying, success := length(of.Timeout), say("once"), say("any"), say("2xx")
		if of.Adjustable {
			waits += say("own")
		}
		if of.Retries > 0 {
			tries = say("times", of.Attempts())
		}
		if of.Parallel > 0 {
			flying = fmt.Sprint(of.Parallel)
		}
		if of.Queue > 0 {
			flying = say("queue", of.Parallel, of.Queue, length(of.QueueWait))
		}
		if of.OnlyOK {
			success = say("200")
		}
		if of.JSON {
			success += say("json")
		}
		if of.MaxAnswer > 0 {
			success += say("long", of.MaxAnswer)
		}
		var pauses []string
		for _, p := range of.Pauses {
			pauses = append(pauses, pauseWords(say, p))
		}
		if len(pauses) == 0 {
			pauses = []string{say("none")}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", d.Spec().Name, waits, tries, flying, success, strings.Join(pauses, ". "))
	}
	return b.Bytes()
}

func pauseWords(say func(string, ...any) string, p dialect.Pause) string {
	kind := say("failures")
	if len(p.After) == 1 {
		kind = say(map[dialect.Failure]string{
			dialect.FailedTimeout: "timeout", dialect.FailedNetwork: "network", dialect.FailedAnswer: "refusal", dialect.FailedLong: "tooLong",
		}[p.After[0]])
	}
	after := say("single", strings.TrimSuffix(kind, "s"))
	if p.Count > 1 {
		after = say("within", p.Count, kind, length(p.Within))
	}
	var lasts []string
	for _, d := range p.Lasts {
		lasts = append(lasts, length(d))
	}
	text := say("pause", p.Word, strings.Join(lasts, say("separator")), after)
	if p.Over > 0 {
		text += say("over", length(p.Over))
	}
	if p.Keeps {
		return text + say("keeps")
	}
	return text + say("loses")
}

// length is a duration without the parts that are zero.
func length(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
