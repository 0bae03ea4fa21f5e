package config

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Values are keys of a point by dotted path, such as prune.ratio. In a variant, nil takes a key away.
type Values map[string]any

// Variant is the text of a config of another name with the base of this one but for some values, without its sweep, figures, tables
// and expectations. Cases, if there are any, are further points: the base with other values still.
func (c *Config) Variant(name string, values Values, cases []Values) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(c.Frozen, &doc); err != nil || len(doc.Content) == 0 {
		return nil, fmt.Errorf("config: variant of what was not read: %w", err)
	}
	root := uncommented(doc.Content[0])
	for _, key := range []string{"sweep", "figures", "tables", "expect"} {
		remove(root, key)
	}
	all := Values{"name": name}
	maps.Copy(all, values)
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if err := put(root, strings.Split(path, "."), all[path]); err != nil {
			return nil, err
		}
	}
	if len(cases) > 0 {
		if err := put(root, []string{"sweep", "cases"}, cases); err != nil {
			return nil, err
		}
	}
	var text bytes.Buffer
	enc := yaml.NewEncoder(&text)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("config: variant: %w", err)
	}
	return text.Bytes(), nil
}

// Gives tells whether the file gives the point a value at a dotted path, rather than its being the default.
func (p Point) Gives(path string) bool { return p.settings[path] != nil }

// put sets what is at a path below a mapping, or takes it away.
func put(n *yaml.Node, path []string, value any) error {
	i := slices.IndexFunc(keysOf(n), func(key string) bool { return key == path[0] })
	if value == nil && (len(path) == 1 || i < 0) {
		remove(n, path[0])
		return nil
	}
	if i < 0 {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: path[0]}, &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle})
		i = len(n.Content)/2 - 1
	}
	if len(path) > 1 {
		return put(n.Content[2*i+1], path[1:], value)
	}
	var node yaml.Node
	if err := node.Encode(value); err != nil {
		return fmt.Errorf("config: %s: %w", path[0], err)
	}
	if node.Kind != yaml.ScalarNode {
		node.Style = yaml.FlowStyle
	}
	n.Content[2*i+1] = &node
	return nil
}

func remove(n *yaml.Node, key string) {
	if i := slices.Index(keysOf(n), key); i >= 0 {
		n.Content = slices.Delete(n.Content, 2*i, 2*i+2)
	}
}

// keysOf are the keys of a mapping, in order.
func keysOf(n *yaml.Node) []string {
	var keys []string
	for key := range pairs(n) {
		keys = append(keys, key.Value)
	}
	return keys
}
