package config

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files")

// base is a config with one top-level key per line.
const base = `version: 1
name: test
data: {name: digits}
network: {type: mlp, hidden: [128]}
prune: {scheme: p4e, ratio: 0.8}
tile: 16x16x32
`

// edited is base with lines in the place of those that start with the same key, or else appended.
func edited(edits string) string {
	lines := strings.Split(strings.TrimSuffix(base, "\n"), "\n")
	for edit := range strings.SplitSeq(strings.TrimSuffix(edits, "\n"), "\n") {
		key, _, found := strings.Cut(edit, ":")
		i := slices.IndexFunc(lines, func(line string) bool { return found && strings.HasPrefix(line, key+":") })
		if i >= 0 {
			lines[i] = edit
		} else {
			lines = append(lines, edit)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// tree has the content of files by path.
type tree map[string]string

func (m tree) content(path string) ([]byte, error) {
	text, ok := m[path]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return []byte(text), nil
}

var fileMark = regexp.MustCompile(`(?m)^-- (.*) --\n`)

// files are edits of base, which gives the file f, and further files, each after a line -- name --.
func files(text string, whole bool) tree {
	marks := append(fileMark.FindAllStringSubmatchIndex(text, -1), []int{len(text)})
	m := tree{"f": text[:marks[0][0]]}
	if !whole {
		m["f"] = edited(m["f"])
	}
	for i, mark := range marks[:len(marks)-1] {
		m[text[mark[2]:mark[3]]] = text[mark[1]:marks[i+1][0]]
	}
	return m
}

// badCase is a section of testdata/bad.txt: "# name", lines as of files, "=>" and the errors. If the name
// ends in "(whole file)", the first lines are not edits.
type badCase struct{ name, edits, want string }

func (c badCase) files() tree { return files(c.edits, strings.HasSuffix(c.name, "(whole file)")) }

var positioned = regexp.MustCompile(`^[a-z./]+:[0-9]+:[0-9]+: `)

func (c badCase) errors(t *testing.T) string {
	_, err := load("f", c.files().content)
	if err == nil {
		return ""
	}
	if errs := (Errors{}); !errors.As(err, &errs) || len(errs) == 0 {
		t.Errorf("error is %T, want Errors", err)
	}
	return err.Error() + "\n"
}

func badCases(t testing.TB) []badCase {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "bad.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []badCase
	for section := range strings.SplitSeq("\n"+string(text), "\n# ") {
		head, want, _ := strings.Cut(section, "=>\n")
		name, edits, _ := strings.Cut(head, "\n")
		if name != "" {
			cases = append(cases, badCase{name, edits, strings.TrimSuffix(want, "\n") + "\n"})
		}
	}
	return cases
}

func TestBadConfigs(t *testing.T) {
	var rewritten strings.Builder
	for _, c := range badCases(t) {
		t.Run(c.name, func(t *testing.T) {
			got := c.errors(t)
			rewritten.WriteString("# " + c.name + "\n" + c.edits + "=>\n" + got + "\n")
			if diff := cmp.Diff(c.want, got); diff != "" && !*update {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			for line := range strings.Lines(got) {
				if !positioned.MatchString(line) {
					t.Errorf("line without position: %s", line)
				}
			}
			if got == "" {
				t.Error("accepted")
			}
		})
	}
	if *update {
		text := strings.TrimSuffix(rewritten.String(), "\n")
		if err := os.WriteFile(filepath.Join("testdata", "bad.txt"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
