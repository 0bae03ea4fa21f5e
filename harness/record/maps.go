package record

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hepex/harness/atomicfile"
)

// Tile maps lie beside the records, as they are large and few readers want them: maps/<point>.json, or a line of maps.jsonl once they
// are bundled. A map in a file of its own is the newer one.

// mapLine is a line of maps.jsonl.
type mapLine struct {
	Point string          `json:"point"`
	Map   json.RawMessage `json:"map"`
}

func (s *Store) mapFile(point string) string { return filepath.Join(s.dir, "maps", point+".json") }
func (s *Store) mapLines() string            { return filepath.Join(s.dir, "maps.jsonl") }

// WriteTileMap stores the tile map of a point, on one line of JSON, in the place of an earlier one.
func (s *Store) WriteTileMap(point string, text []byte) error {
	if err := atomicfile.Write(s.mapFile(point), text); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return nil
}

// TileMap reads the tile map of a point and tells in which file it is. The error is fs.ErrNotExist if the point has none.
func (s *Store) TileMap(point string) (text []byte, file string, err error) {
	text, err = os.ReadFile(s.mapFile(point))
	if !errors.Is(err, fs.ErrNotExist) {
		return text, s.mapFile(point), err
	}
	lines, damage := s.readMapLines()
	if line := lines[point]; line != nil {
		return line, s.mapLines(), nil
	}
	return nil, "", cmp.Or(damage, err)
}

// Mapped tells which points have a tile map.
func (s *Store) Mapped() (map[string]bool, error) {
	files, err := s.mapFiles()
	if err != nil {
		return nil, err
	}
	lines, _ := s.readMapLines() // a damaged line is an error where its map is asked for
	points := map[string]bool{}
	for _, point := range slices.Concat(slices.Collect(maps.Keys(files)), slices.Collect(maps.Keys(lines))) {
		points[point] = true
	}
	return points, nil
}

// mapFiles lists the maps that are files of their own, by point.
func (s *Store) mapFiles() (map[string]string, error) {
	entries, err := os.ReadDir(filepath.Dir(s.mapFile("")))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("record: %w", err)
	}
	files := map[string]string{}
	for _, e := range entries {
		if point, found := strings.CutSuffix(e.Name(), ".json"); found {
			files[point] = s.mapFile(point)
		}
	}
	return files, nil
}

// readMapLines reads maps.jsonl. The error is that of the first damaged line; the others are there.
func (s *Store) readMapLines() (map[string][]byte, error) {
	text, err := os.ReadFile(s.mapLines())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	all := map[string][]byte{}
	var damage error
	n := 0
	for text := range bytes.Lines(text) {
		n++
		var line mapLine
		err := json.Unmarshal(text, &line)
		if err == nil && (line.Point == "" || line.Map == nil) {
			err = errors.New("want a point and its map")
		}
		if err == nil {
			all[line.Point] = line.Map
		} else if damage == nil {
			damage = fmt.Errorf("record: %s:%d: %w", s.mapLines(), n, err)
		}
	}
	return all, damage
}

// bundleMaps moves the maps into maps.jsonl.
func (s *Store) bundleMaps() error {
	files, err := s.mapFiles()
	if err != nil || len(files) == 0 {
		return err
	}
	all, err := s.readMapLines()
	if err != nil {
		return err
	}
	if all == nil {
		all = map[string][]byte{}
	}
	for point, path := range files {
		if all[point], err = os.ReadFile(path); err != nil {
			return fmt.Errorf("record: %w", err)
		}
	}
	var text bytes.Buffer
	for _, point := range slices.Sorted(maps.Keys(all)) {
		line, err := json.Marshal(mapLine{point, all[point]})
		if err != nil {
			return fmt.Errorf("record: tile map of point %s: %w", point, err)
		}
		text.Write(append(line, '\n'))
	}
	if err := atomicfile.Write(s.mapLines(), text.Bytes()); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return removeFiles(slices.Collect(maps.Values(files)), filepath.Dir(s.mapFile("")))
}
