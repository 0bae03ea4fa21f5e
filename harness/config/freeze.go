package config

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

// freeze writes a merged config as one file that stands for all of them. Only what counts is in it, no comments, so that
// another text means another experiment. files are named in its head; pins are values beside those of the files.
func freeze(merged *yaml.Node, files []string, pins Values) []byte {
	root := uncommented(merged)
	for path, value := range pins {
		if err := put(root, strings.Split(path, "."), value); err != nil {
			panic(fmt.Sprintf("config: freezing: %v", err)) // pins are texts
		}
	}
	type entry struct{ key, value *yaml.Node }
	var entries []entry
	for key, value := range pairs(root) {
		entries = append(entries, entry{key, value})
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		return cmp.Compare(slices.Index(topKeys, a.key.Value), slices.Index(topKeys, b.key.Value))
	})
	root.Content = nil
	for _, e := range entries {
		root.Content = append(root.Content, e.key, e.value)
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "# Frozen with the results, from %s. To change the experiment, edit there.\n", strings.Map(printable, strings.Join(files, ", ")))
	enc := yaml.NewEncoder(&text)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		panic(fmt.Sprintf("config: freezing what was read: %v", err)) // its nodes are from YAML
	}
	return text.Bytes()
}

// pins are what the files of one's own that all points share were found to hold, so that results can be shown where the files are
// missing, and nothing runs on others under the same name.
func (c *Config) pins() Values {
	own := c.Points[0].Spec.Data.Own
	for _, p := range c.Points {
		if !p.Spec.Data.IsOwn() || !reflect.DeepEqual(p.Spec.Data.Own, own) {
			return nil
		}
	}
	return Values{pinned: own.Found.String()}
}

// printable keeps a comment on one line, whatever files are called.
func printable(c rune) rune {
	if unicode.IsPrint(c) {
		return c
	}
	return '?'
}

// uncommented is a copy of n without comments and places.
func uncommented(n *yaml.Node) *yaml.Node {
	plain := &yaml.Node{Kind: n.Kind, Style: n.Style, Tag: n.Tag, Value: n.Value}
	for _, child := range n.Content {
		plain.Content = append(plain.Content, uncommented(child))
	}
	return plain
}
