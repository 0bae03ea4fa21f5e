package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata/bad.txt with the errors as they are")

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

// badCase is a section of testdata/bad.txt: "# name", lines to edit base with, "=>" and the errors. If the name
// ends in "(whole file)", the lines are not edits.
type badCase struct{ name, edits, want string }

func (c badCase) source() string {
	if strings.HasSuffix(c.name, "(whole file)") {
		return c.edits
	}
	return edited(c.edits)
}

func (c badCase) errors(t *testing.T) string {
	_, err := Parse("f", []byte(c.source()))
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
				if !strings.HasPrefix(line, "f:") {
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
