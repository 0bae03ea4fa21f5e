package config

import (
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

const (
	maxDepth = 16 // of files that extend each other
	maxFiles = 64 // of one experiment: links in folders could make any number of names
)

// loader reads a config and what it extends, each file once, and collects their errors in its reader.
type loader struct {
	*reader
	content func(path string) ([]byte, error)
	sources map[string]*source
	order   []string // the paths of all configs, each after those that it extends
	chain   []string // the paths that are being read, each extended by the one before
}

// source is a file with everything that it extends merged into it.
type source struct {
	own    *yaml.Node // the file alone; nil if it is no config at all
	merged *yaml.Node // nil if it, or something that it extends, is no config at all
	depth  int        // of files, itself included
}

// load reads the config at path, getting the content of files from content.
func load(path string, content func(path string) ([]byte, error)) (*Config, error) {
	path = filepath.Clean(path) // as the paths of bases are, so that a cycle is seen
	text, err := content(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	l := &loader{reader: newReader(path), content: content, sources: map[string]*source{}}
	c := &Config{}
	leaf := l.read(path, text)
	if leaf.merged != nil {
		l.config(leaf.merged, c)
	}
	for _, path := range l.order {
		l.incomplete(l.sources[path].own) // what the merged config has of it is reported already, and counts once
	}
	if errs := l.sorted(); errs != nil {
		return nil, errs
	}
	c.Frozen = freeze(leaf.merged, l.names(path), c.pins())
	return c, nil
}

// names are the files that were read, relative to the folder of the config.
func (l *loader) names(path string) []string {
	var names []string
	for _, file := range l.order {
		name, err := filepath.Rel(filepath.Dir(path), file)
		if err != nil {
			name = filepath.Base(file)
		}
		names = append(names, filepath.ToSlash(name))
	}
	return names
}

// read parses text, the content of the file at path, and merges it with what it extends.
func (l *loader) read(path string, text []byte) *source {
	l.chain = append(l.chain, path)
	defer func() { l.chain = l.chain[:len(l.chain)-1] }()
	s := &source{depth: 1}
	l.sources[path] = s
	l.file = path
	s.own = l.document(text)
	if s.own == nil {
		return s
	}
	whole := true
	for _, entry := range l.extended(s.own) {
		base := l.base(path, entry)
		if base == nil || base.merged == nil {
			whole = false
			continue
		}
		s.depth = max(s.depth, 1+base.depth)
		s.merged = l.merge("", s.merged, base.merged)
	}
	l.order = append(l.order, path)
	if s.merged = l.merge("", s.merged, s.own); !whole {
		s.merged = nil
	}
	return s
}

// extended are the entries of the list of files that a document extends.
func (l *loader) extended(root *yaml.Node) []*yaml.Node {
	var list *yaml.Node
	if root.Kind == yaml.MappingNode {
		for key, value := range pairs(root) {
			if key.Value == "extends" && list == nil {
				list = value
			}
		}
	}
	entries := l.list("extends", list, "files such as base/mlp.yaml")
	if len(entries) > maxDepth {
		l.errorf(list, "extends: got a list of %d; want at most %d files", len(entries), maxDepth)
		return nil
	}
	return entries
}

var fileName = line("the path of a file, relative to the folder of this one, such as base/mlp.yaml", 200)

// base is the file that an entry of the list in the file at path names, or nil if there is no such config.
func (l *loader) base(path string, entry *yaml.Node) *source {
	name := read(l.reader, "extends", entry, fileName)
	if name == "" {
		return nil
	}
	if filepath.IsAbs(name) {
		l.errorf(entry, "extends: got %q; want %s", clip(name), fileName.want)
		return nil
	}
	name = filepath.Join(filepath.Dir(path), filepath.FromSlash(name))
	if i := slices.Index(l.chain, name); i >= 0 {
		cycle := append(slices.Clone(l.chain[i:]), name)
		l.errorf(entry, "extends: %s is a cycle; want files that do not extend themselves", strings.Join(cycle, " → "))
		return nil
	}
	s, known := l.sources[name]
	switch depth := len(l.chain); {
	case known && depth+s.depth > maxDepth || !known && depth == maxDepth:
		l.errorf(entry, "extends: more than %d files, each extended by the next; want at most %[1]d", maxDepth)
		return nil
	case known:
		return s
	case len(l.sources) == maxFiles:
		l.errorf(entry, "extends: more than %d files in all; want at most %[1]d", maxFiles)
		return nil
	}
	text, err := l.content(name)
	if err != nil {
		l.errorf(entry, "extends: %s cannot be read: %v; want a config file, relative to the folder of this one", name, cause(err))
		return nil
	}
	return l.read(name, text)
}

// merge lays over upon under, which may be nil. Sections merge key by key; anything else is replaced. Keys stay in the
// order in which they first appear. The list of files and the name of under are left out.
func (r *reader) merge(path string, under, over *yaml.Node) *yaml.Node {
	section := len(children[path]) > 0 || path == "limits"
	if over.Kind != yaml.MappingNode || !section {
		return over
	}
	merged := r.like(over, &yaml.Node{Kind: yaml.MappingNode, Style: over.Style})
	place := map[string]int{}
	add := func(key, value *yaml.Node) {
		place[key.Value] = len(merged.Content) + 1
		merged.Content = append(merged.Content, key, value)
	}
	if under != nil && under.Kind == yaml.MappingNode {
		for key, value := range pairs(under) {
			if path != "" || key.Value != "name" {
				add(key, value)
			}
		}
	}
	below := len(merged.Content)
	for key, value := range pairs(over) {
		switch i, known := place[key.Value]; {
		case key.Kind != yaml.ScalarNode, path == "" && key.Value == "extends", i > below: // refused or read already
		case known:
			merged.Content[i-1], merged.Content[i] = key, r.merge(join(path, key.Value), merged.Content[i], value)
		default:
			add(key, value)
		}
	}
	return merged
}
