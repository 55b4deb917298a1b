package matrix

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/imhook/imhook/dialect/cloudevents"
)

const head = `# What each dialect has for each type

Written by ` + "`go test ./internal/matrix -update`" + `; a test fails when it is not current.

Each cell names the vendor's commands that are read as the type, which are also those that it is written as. ` + "`~`" + ` is the
nearest equivalent, read as another type, as which it is written when it comes from another dialect. – cannot be expressed:
such an event is not sent to an endpoint of that dialect, is counted in ` + "`imhook_untranslatable_total`" + `, and the number
says why. A number beside a command says what of the type cannot be written. CloudEvents has every type.
Only ` + "`vendor.unknown`" + ` is in no table: it goes byte for byte to endpoints of its own dialect; for all others, CloudEvents
too, it is a –.

每格列出会被读作该类型的厂商命令，写出时用的也是它们。` + "`~`" + ` 表示只有最接近的对应（读回来是另一个类型）。– 表示该方言无法表达：
这样的事件不会发给该方言的端点，计入 ` + "`imhook_untranslatable_total`" + `，数字注明原因。命令旁的数字注明该类型中哪一部分写不出来。
CloudEvents 有全部类型。只有 ` + "`vendor.unknown`" + ` 不在表里：它逐字节转给同一方言的端点；对其他端点（包括 CloudEvents），与 – 相同。
`

// Markdown writes rows as a page: one table for each first word of the types, and
// the reasons below.
func Markdown(rows []Row) []byte {
	var names []string
	for _, r := range rows {
		for name := range r.Cells {
			if name != cloudevents.Name && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	b := bytes.NewBufferString(head)
	var notes []string
	family := ""
	for _, r := range rows {
		if first, _, _ := strings.Cut(string(r.Type), "."); first != family {
			family = first
			fmt.Fprintf(b, "\n## %s\n\n| type | phase | %s |\n|---|---|%s\n", family, strings.Join(names, " | "), strings.Repeat("---|", len(names)))
		}
		fmt.Fprintf(b, "| %s | %s |", r.Type, r.Phase)
		for _, name := range names {
			fmt.Fprintf(b, " %s |", r.Cells[name].text(r, &notes))
		}
		b.WriteByte('\n')
	}
	b.WriteString("\n## Why not\n\n")
	for i, note := range notes {
		fmt.Fprintf(b, "%d. %s\n", i+1, note)
	}
	return b.Bytes()
}

// text is the cell; reasons are added to notes, each once.
func (c Cell) text(r Row, notes *[]string) string {
	var parts []string
	seen := map[string]bool{}
	for _, name := range c.Commands {
		seen[name] = true
		parts = append(parts, "`"+escape(name)+"`")
	}
	for _, s := range c.Said {
		mark := ""
		if s.As != r.Type {
			mark = "~"
		}
		if !seen[s.Command] {
			seen[s.Command] = true
			parts = append(parts, mark+"`"+escape(s.Command)+"`")
		}
	}
	if len(parts) == 0 {
		parts = append(parts, "–")
	}
	for _, why := range c.Reasons {
		// One note for all types that are missing alike.
		if rest, ok := strings.CutSuffix(why, " "+string(r.Type)); ok {
			why = strings.TrimSuffix(rest, " "+string(r.Phase)) + " this"
		}
		i := slices.Index(*notes, why)
		if i < 0 {
			*notes = append(*notes, why)
			i = len(*notes) - 1
		}
		parts = append(parts, fmt.Sprintf("<sup>%d</sup>", i+1))
	}
	return strings.Join(parts, " ")
}

func escape(s string) string { return strings.ReplaceAll(s, "|", "\\|") }
