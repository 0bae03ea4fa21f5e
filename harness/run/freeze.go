package run

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"hepex/harness/atomicfile"
	"hepex/harness/config"
	"hepex/harness/trial"
	"hepex/harness/tune"
)

// freeze keeps the config with the results. Nothing reads the files that it came from after that, so an edit during a
// run has no effect on it; an edit between runs changes which points are planned, and freeze says how, but no record,
// as each is of what its point says and names the config by hash. A config that is replaced is kept at OldConfigPath.
func (r *runner) freeze(c *config.Config, plan []Planned) error {
	r.configHash = hashOf(c.Frozen)
	path := filepath.Join(r.Dir, "config.yaml")
	old, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("run: %w", err)
	case bytes.Equal(old, c.Frozen):
		return nil
	default:
		if err := atomicfile.Write(OldConfigPath(r.Dir, old), old); err != nil {
			return fmt.Errorf("run: %w", err)
		}
		r.warn("%s differs from that of the last run: %s", path, difference(path, old, plan))
	}
	if err := atomicfile.Write(path, c.Frozen); err != nil {
		return fmt.Errorf("run: %w", err)
	}
	return nil
}

// OldConfigPath is where a frozen config that a later one has replaced lies in an experiment's folder, so that records
// which name it by hash stay explained.
func OldConfigPath(dir string, text []byte) string {
	return filepath.Join(dir, "configs", hashOf(text)[:12]+".yaml")
}

func hashOf(text []byte) string { return fmt.Sprintf("%x", sha256.Sum256(text)) }

// difference tells how the plan differs from that of an old frozen config.
func difference(path string, old []byte, plan []Planned) string {
	const unreadable = "that was no config for this version, and is replaced"
	before, err := tune.Chosen(config.Parse(path, old))
	if err != nil {
		return unreadable
	}
	gone := map[string]bool{}
	for _, p := range before.Points {
		id, err := trial.PointID(p)
		if err != nil {
			return unreadable
		}
		gone[id] = true
	}
	added := 0
	for _, p := range plan {
		if !gone[p.ID] {
			added++
		}
		delete(gone, p.ID)
	}
	if added == 0 && len(gone) == 0 {
		return "the same points are planned"
	}
	return fmt.Sprintf("points added: %d, no longer planned: %d (their records stay)", added, len(gone))
}
