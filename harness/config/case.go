package config

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"gopkg.in/yaml.v3"
)

// Case is what to write under sweep.cases, on one line, to have the config without the rest of its sweep make this point: the label,
// and what the sweep gave it, or the scheme, if that is nothing.
func (p Point) Case() string {
	entry := &yaml.Node{Kind: yaml.MappingNode}
	add := func(key string, value *yaml.Node) {
		entry.Content = append(entry.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, uncommented(value))
	}
	if p.Label != "" {
		add("label", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: p.Label})
	}
	var given []string
	for _, path := range slices.Sorted(maps.Keys(p.settings)) { // sections come before what is in them
		if p.settings[path] != p.base[path] && !covered(path, given) {
			given = append(given, path)
			add(path, p.settings[path])
		}
	}
	if len(given) == 0 {
		add("prune.scheme", &yaml.Node{Kind: yaml.ScalarNode, Value: p.Spec.Prune.Scheme})
	}
	onOneLine(entry)
	text, err := yaml.Marshal([]*yaml.Node{entry})
	if err != nil {
		panic(fmt.Sprintf("config: writing what was read: %v", err)) // its nodes are from YAML
	}
	return string(bytes.TrimSpace(text))
}

func onOneLine(n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		n.Style = yaml.FlowStyle
	}
	for _, child := range n.Content {
		onOneLine(child)
	}
}
