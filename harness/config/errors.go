package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Error is one thing wrong with a config file.
type Error struct {
	File         string
	Line, Column int    // from 1; 0 if the file could not be read
	Message      string // what is wrong; what is allowed
}

func (e Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// Errors is everything wrong with a config and the files that it extends, sorted by position.
type Errors []Error

// Sorted is the errors by file and position, each once.
func (es Errors) Sorted() Errors {
	sorted := slices.SortedFunc(slices.Values(es), func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(sorted)
}

// Error has one line for each error.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// reader collects the errors of a config, each once: the points of a sweep share most of their nodes.
type reader struct {
	file  string                // the one that is being parsed
	files map[*yaml.Node]string // where each node is from
	errs  map[Error]bool
	found map[string]finding // in files of one's own
	idle  Errors             // Config.Idle

	models models
}

func newReader(file string) *reader {
	return &reader{file: file, files: map[*yaml.Node]string{}, errs: map[Error]bool{}, found: map[string]finding{}, models: models{}}
}

// fault is something wrong with the value at a node.
type fault struct {
	node *yaml.Node
	text string
}

// errorf reports an error at n, unless the node was found unusable before (see wellFormed).
func (r *reader) errorf(n *yaml.Node, format string, args ...any) {
	if n.Kind != unusable {
		r.errs[Error{r.files[n], n.Line, n.Column, fmt.Sprintf(format, args...)}] = true
	}
}

// at reports an error in the file that is being parsed.
func (r *reader) at(line, column int, format string, args ...any) {
	r.errs[Error{r.file, line, column, fmt.Sprintf(format, args...)}] = true
}

// own notes that n and all below it are from the file that is being parsed.
func (r *reader) own(n *yaml.Node) {
	r.files[n] = r.file
	for _, child := range n.Content {
		r.own(child)
	}
}

// like makes n a node in the place of another one, for errors about it.
func (r *reader) like(place, n *yaml.Node) *yaml.Node {
	r.files[n], n.Line, n.Column = r.files[place], place.Line, place.Column
	return n
}

// sorted returns nil if there are no errors.
func (r *reader) sorted() Errors {
	if len(r.errs) == 0 {
		return nil
	}
	return Errors(slices.Collect(maps.Keys(r.errs))).Sorted()
}

// unknown reports a key that is not one of allowed, in the mapping called where.
func (r *reader) unknown(where string, key *yaml.Node, allowed []string) {
	hint := "want " + either(allowed)
	if near := nearest(key.Value, allowed); near != "" {
		hint = "did you mean " + near + "?"
	}
	r.errorf(key, "%sunknown key %q; %s", prefix(where), clip(key.Value), hint)
}

// prefix starts a message about the thing at path; the document itself has the path "".
func prefix(path string) string {
	if path == "" {
		return ""
	}
	return path + ": "
}

// either lists names as "a, b or c".
func either(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// nearest is the name that s was probably meant to be, or "".
func nearest(s string, names []string) string {
	best, limit := "", 2+len(s)/6
	if len(s) > 100 {
		return ""
	}
	for _, name := range names {
		if d := distance(strings.ToLower(s), name); d <= limit && d < len(name) {
			best, limit = name, d-1
		}
	}
	return best
}

// distance is the number of inserted, deleted and replaced bytes between a and b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d++
			}
			diagonal = row[j+1]
			row[j+1] = min(d, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
