package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// unusable marks a node that was reported already and must not be reported again for what it lacks.
const unusable yaml.Kind = 0

// document parses src into the node of its one document, or reports why not and returns nil.
func (r *reader) document(src []byte) *yaml.Node {
	if len(src) > maxSize {
		r.at(1, 1, "the file has more than %d bytes; want at most %[1]d", maxSize)
		return nil
	}
	if !utf8.Valid(src) || bytes.ContainsFunc(src, isControl) {
		r.at(1, 1, "not a text file; want YAML in UTF-8")
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	root, err := next(dec)
	if err == io.EOF {
		r.at(1, 1, "the file is empty; want a config, which starts with version: 1")
		return nil
	}
	if err != nil {
		r.syntax(src, err)
		return nil
	}
	switch second, err := next(dec); {
	case err == nil:
		r.at(second.Line, second.Column, "a second document; want one config per file")
	case err != io.EOF:
		r.syntax(src, err)
		return nil
	}
	r.own(root)
	r.wellFormed(root)
	return root
}

// next is the content of the next document. A panic of the YAML parser counts as a syntax error.
func next(dec *yaml.Decoder) (n *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("yaml: the text confuses the YAML parser")
		}
	}()
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	if len(doc.Content) != 1 {
		return nil, io.EOF
	}
	return doc.Content[0], nil
}

func isControl(c rune) bool { return c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f }

var syntaxError = regexp.MustCompile(`(?s)^yaml: (?:line (\d+): )?(.*)$`)

// unknownAnchor is what the YAML parser says of an alias without an anchor; it does not say where that is.
var unknownAnchor = regexp.MustCompile(`unknown anchor '(.*)' referenced`)

func (r *reader) syntax(src []byte, err error) {
	line, text := 1, err.Error()
	if m := unknownAnchor.FindStringSubmatch(text); m != nil {
		for i, words := range strings.Split(string(src), "\n") {
			if at := aliasAt(words, m[1]); at >= 0 {
				r.at(i+1, at+1, "alias *%s; want the value itself, as configs have no anchors and aliases", clip(m[1]))
				return
			}
		}
	}
	if m := syntaxError.FindStringSubmatch(text); m != nil {
		text = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
			text += "; look at indentation, brackets and quotes near this line"
		}
	}
	r.at(line, 1, "not YAML: %s", text)
}

// aliasAt finds an alias in a line, outside of quotes and comments, in characters from its start; −1 if it is not there.
func aliasAt(line, name string) int {
	text, alias := []rune(line), []rune("*"+name)
	quote, before := rune(0), ' '
	for i, c := range text {
		switch end := i + len(alias); {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '#' && before == ' ':
			return -1
		case c == '*' && strings.ContainsRune(" \t[{,:-", before):
			if end <= len(text) && slices.Equal(text[i:end], alias) && (end == len(text) || strings.ContainsRune(" \t\r,]}#", text[end])) {
				return i
			}
		}
		before = c
	}
	return -1
}

// wellFormed reports what YAML allows and a config does not: aliases, tags, and keys that are lists, mappings
// or repeated. It marks aliases and tagged nodes unusable.
func (r *reader) wellFormed(n *yaml.Node) {
	switch {
	case n.Kind == yaml.AliasNode:
		r.errorf(n, "alias *%s; want the value itself, as configs have no anchors and aliases", clip(n.Value))
		n.Kind = unusable
		return
	case n.Anchor != "":
		r.errorf(n, "anchor &%s; want the plain value, as configs have no anchors and aliases", clip(n.Anchor))
	case n.Style&yaml.TaggedStyle != 0:
		r.errorf(n, "tag %q; want the plain value, as configs have no tags", clip(n.Tag))
		n.Kind = unusable
		return
	}
	if n.Kind != yaml.MappingNode {
		for _, child := range n.Content {
			r.wellFormed(child)
		}
		return
	}
	first := map[string]*yaml.Node{}
	for key, value := range pairs(n) {
		r.wellFormed(value)
		switch before := first[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			r.errorf(key, "got %s as a key; want a name", describe(key))
		case before != nil:
			r.errorf(key, "key %q is already in line %d; want it once", clip(key.Value), before.Line)
		default:
			first[key.Value] = key
		}
	}
}

// pairs iterates over the keys and values of a mapping, in order.
func pairs(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, value *yaml.Node) bool) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// mapping returns the values of the mapping n by key, and reports any key that is not allowed.
func (r *reader) mapping(path string, n *yaml.Node, allowed []string) map[string]*yaml.Node {
	if n.Kind != yaml.MappingNode {
		r.errorf(n, "%sgot %s; want a mapping with the keys %s", prefix(path), describe(n), either(allowed))
		return nil
	}
	values := map[string]*yaml.Node{}
	for key, value := range pairs(n) {
		switch {
		case key.Kind != yaml.ScalarNode: // reported by wellFormed
		case !slices.Contains(allowed, key.Value):
			r.unknown(path, key, allowed)
		case values[key.Value] == nil:
			values[key.Value] = value
		}
	}
	return values
}

// require reports the keys that the mapping n lacks. It is silent where mapping was not: values is nil then.
func (r *reader) require(path string, n *yaml.Node, values map[string]*yaml.Node, keys ...string) {
	for _, key := range keys {
		if values != nil && values[key] == nil {
			r.errorf(n, "%s%s: missing; want all of %s", prefix(path), key, strings.Join(keys, ", "))
		}
	}
}

// list returns the elements of the list n, of which there must be one at least; none if the key is absent (n is nil).
func (r *reader) list(path string, n *yaml.Node, elements string) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		r.errorf(n, "%s: got %s; want a list of %s", path, describe(n), elements)
		return nil
	}
	return n.Content
}

// bare is what needs no quotes in a message: numbers, well written or not.
var bare = regexp.MustCompile(`^[-+]?\.?[0-9][-+.\w]{0,30}$`)

// describe says what n is, for a message that starts with "got".
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode && len(n.Content) == 0:
		return "an empty mapping"
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode && len(n.Content) == 0:
		return "an empty list"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	case n.Style == 0 && bare.MatchString(n.Value):
		return n.Value
	}
	return fmt.Sprintf("%q", clip(n.Value))
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style == 0 && slices.Contains([]string{"", "~", "null", "Null", "NULL"}, n.Value)
}

// clip shortens what is quoted in a message.
func clip(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
