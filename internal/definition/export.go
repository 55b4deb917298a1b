package definition

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Part is one definition of an export.
type Part struct {
	Section, App, Name string
	Doc                Doc
	// Public are the keys of its dialect's credentials that are no secrets.
	Public []string
}

// Export writes definitions as a configuration file would have them. Secrets are not in
// it: each is read from an environment variable, of which vars are the names.
func Export(all []Part) (text string, vars []string) {
	apps := &yaml.Node{Kind: yaml.SequenceNode}
	at := map[string]*yaml.Node{}
	for _, p := range all {
		app := at[p.App]
		if app == nil {
			app = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar("name"), scalar(p.App)}}
			at[p.App] = app
			apps.Content = append(apps.Content, app)
		}
		list := child(app, p.Section)
		if list == nil {
			list = &yaml.Node{Kind: yaml.SequenceNode}
			set(app, p.Section, list)
		}
		item := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar("name"), scalar(p.Name)}}
		doc := Doc{clone(p.Doc.root)}
		vars = append(vars, doc.variables(p)...)
		item.Content = append(item.Content, doc.root.Content...)
		list.Content = append(list.Content, item)
	}
	var b strings.Builder
	b.WriteString("# Defined through the API. Put it into the configuration file, and delete it there:\n# the file wins.\n")
	if len(vars) > 0 {
		b.WriteString("# Secrets are not exported: set these before the gateway starts.\n")
		for _, v := range vars {
			b.WriteString("#   " + v + "\n")
		}
	}
	if len(apps.Content) == 0 {
		return b.String() + "apps: []\n", nil
	}
	root := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar("apps"), apps}}
	return b.String() + Doc{root}.String(), vars
}

// variables puts the name of an environment variable in place of every secret.
func (d Doc) variables(p Part) (names []string) {
	d.secrets(p.Public, func(owner *yaml.Node, key string, v *yaml.Node) {
		if key == "" {
			return // a list of plain texts is none that the file knows
		}
		word := key
		if word == keyValue {
			word = keySecret
		}
		name := variable("IMHOOK", p.App, p.Name, word)
		for n := 2; slices.Contains(names, name); n++ {
			name = variable("IMHOOK", p.App, p.Name, word, fmt.Sprint(n))
		}
		names = append(names, name)
		*v = *scalar(name)
		for i := 0; i+1 < len(owner.Content); i += 2 {
			if owner.Content[i+1] == v {
				owner.Content[i] = scalar(key + "_env")
			}
		}
	})
	return names
}

// variable joins words to the name of an environment variable.
func variable(words ...string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '_'
	}, strings.Join(words, "_"))
}
