package main

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"hepex/datasets"
	"hepex/harness/run"
)

// Every config is good: its keys, the names that figures, tables and expectations use, and, where its data sets are at hand, whether each
// of its points can work. No two experiments share a folder.
func TestConfigs(t *testing.T) {
	root, err := filepath.Abs("../../configs")
	if err != nil {
		t.Fatal(err)
	}
	s := newPricedSandbox(t)
	s.patients() // which one of them reads
	t.Chdir(s.dir)
	var paths []string
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if base := strings.TrimSuffix(d.Name(), ".yaml"); base != d.Name() && base != "base" && filepath.Base(filepath.Dir(path)) != "base" {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	at := map[string]string{}
	for _, path := range paths {
		t.Run(strings.TrimPrefix(path, root+"/"), func(t *testing.T) {
			c, err := loadConfig(path)
			if err != nil {
				t.Fatal(err)
			}
			if at[c.Name] != "" {
				t.Errorf("%s has the name %s, too", at[c.Name], c.Name)
			}
			at[c.Name] = path
			if c.Name == "quickstart" && len(c.Points) > 40 {
				t.Errorf("%d points: want at most 40", len(c.Points))
			}
			if testing.Short() {
				return
			}
			dirs := datasets.Dirs("")
			for _, p := range c.Points {
				if _, err := p.Spec.Data.Open(dirs); err != nil {
					t.Skipf("its points are not checked: %v", err)
				}
			}
			if _, err := run.Plan(c, dirs); err != nil {
				t.Error(err)
			}
		})
	}
}
