package matrix

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/imhook/imhook/dialect/cloudevents"
)

const verdictsHead = `# What the answer to each before-command can tell

Written by ` + "`go test ./internal/matrix -update`" + `; a test fails when it is not current.

A hook may answer any verdict. What reaches the IM server depends on the command that it asked with: yes – exactly that;
→ deny – the server cannot be told so and gets the nearest safe answer, a denial, unless ` + "`downgrade`" + ` on the hook says
otherwise. Rewrite names what can be replaced; of a message it depends on its kind as well (` + "`kind`" + `: it may become one of
another kind), and the vendor's limits on length hold. Of everything else that a hook rewrites the rule is the same: → deny.
Fields of the vendor's own stand on the dialect's page. Some members: those that a verdict names are refused and the others
are not; – where a proposal never has several. Refusing all of them is a denial, which every command knows. CloudEvents
tells every verdict.

钩子可以给出任何裁决；IM 服务器收到什么，取决于它用哪个命令来问：yes 表示原样收到；→ deny 表示无法告诉服务器，改为最接近的安全
回答，即拒绝，除非钩子上的 ` + "`downgrade`" + ` 另有规定。rewrite 一列写明能替换哪些字段；消息还要看内容类型（` + "`kind`" + ` 表示可以变成别的
类型），并受厂商的长度限制；改写其他内容同样按拒绝处理。厂商自有的字段见各方言的页面。some members 表示只拒绝裁决点名的成员、放行
其余成员；– 表示提案里从不会有多个成员。拒绝全部成员就是 deny，每个命令都支持。CloudEvents 能表达所有裁决。
`

// VerdictsMarkdown writes answers as a page: one table for each dialect. Generations
// of a command that take the same share a row.
func VerdictsMarkdown(all []Answers) []byte {
	b := bytes.NewBufferString(verdictsHead)
	section := ""
	for i := range all {
		a := &all[i]
		if a.Dialect == cloudevents.Name {
			continue
		}
		var generations []string
		first := true
		for k := range all {
			if o := &all[k]; o.Dialect == a.Dialect && o.Command == a.Command && o.same(a) {
				first = first && k >= i
				if o.Generation != "" {
					generations = append(generations, o.Generation)
				}
			}
		}
		if !first {
			continue
		}
		if a.Dialect != section {
			section = a.Dialect
			fmt.Fprintf(b, "\n## %s\n\n| command | generation | allow | deny | drop | rewrite | some members |\n|---|---|---|---|---|---|---|\n", section)
		}
		if len(generations) == 0 {
			generations = []string{"–"}
		}
		rewrite := bodies(a.Rewrites)
		if rewrite == "" {
			rewrite = told(false)
		}
		some := told(a.Members)
		if a.Few {
			some = "–"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s | %s | %s |\n", escape(a.Command), strings.Join(generations, ", "),
			told(a.Allow), told(a.Deny), told(a.Drop), rewrite, some)
	}
	return b.Bytes()
}

// same reports whether two take the same.
func (a *Answers) same(o *Answers) bool {
	return a.Allow == o.Allow && a.Deny == o.Deny && a.Drop == o.Drop && a.Members == o.Members && a.Few == o.Few &&
		slices.Equal(a.Rewrites, o.Rewrites)
}

func told(yes bool) string {
	if yes {
		return "yes"
	}
	return "→ deny"
}
