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

// Attachment is what belongs to the record of a point and is too large for it, or wanted by few readers. It is JSON in
// <attachment>/<point>.json, or a line of <attachment>.jsonl once it is bundled. One in a file of its own is the newer one.
type Attachment string

// The attachments.
const (
	TileMap  Attachment = "maps"     // weights and tiles, before and after pruning
	Examples Attachment = "examples" // samples with what came out for them
)

// attached is a line of bundled attachments.
type attached struct {
	Point   string          `json:"point"`
	Content json.RawMessage `json:"content"`
}

func (s *Store) attachment(a Attachment, point string) string {
	return filepath.Join(s.dir, string(a), point+".json")
}

func (s *Store) attachments(a Attachment) string { return filepath.Join(s.dir, string(a)+".jsonl") }

// Attach stores the attachment of a point in the place of an earlier one.
func (s *Store) Attach(a Attachment, point string, content any) error {
	text, err := json.Marshal(content)
	if err == nil {
		err = atomicfile.Write(s.attachment(a, point), text)
	}
	if err != nil {
		return fmt.Errorf("record: %s of point %s: %w", a, point, err)
	}
	return nil
}

// Attached reads the attachment of a point and tells in which file it is. The error is fs.ErrNotExist if the point has none.
func (s *Store) Attached(a Attachment, point string) (text []byte, file string, err error) {
	text, err = os.ReadFile(s.attachment(a, point))
	if !errors.Is(err, fs.ErrNotExist) {
		return text, s.attachment(a, point), err
	}
	lines, damage := s.attachedLines(a)
	if line := lines[point]; line != nil {
		return line, s.attachments(a), nil
	}
	return nil, "", cmp.Or(damage, err)
}

// With tells which points have an attachment.
func (s *Store) With(a Attachment) (map[string]bool, error) {
	files, err := s.separate(a)
	if err != nil {
		return nil, err
	}
	lines, _ := s.attachedLines(a) // a damaged line is an error where its content is asked for
	points := map[string]bool{}
	for _, point := range slices.Concat(slices.Collect(maps.Keys(files)), slices.Collect(maps.Keys(lines))) {
		points[point] = true
	}
	return points, nil
}

// separate lists the attachments that are files of their own, by point.
func (s *Store) separate(a Attachment) (map[string]string, error) {
	entries, err := os.ReadDir(filepath.Dir(s.attachment(a, "")))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("record: %w", err)
	}
	files := map[string]string{}
	for _, e := range entries {
		if point, found := strings.CutSuffix(e.Name(), ".json"); found {
			files[point] = s.attachment(a, point)
		}
	}
	return files, nil
}

// attachedLines reads the attachments that are lines of a file. The error is that of the first damaged line; the others are there.
func (s *Store) attachedLines(a Attachment) (map[string][]byte, error) {
	text, err := os.ReadFile(s.attachments(a))
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
		var line attached
		err := json.Unmarshal(text, &line)
		if err == nil && (line.Point == "" || line.Content == nil) {
			err = errors.New("want a point and its content")
		}
		if err == nil {
			all[line.Point] = line.Content
		} else if damage == nil {
			damage = fmt.Errorf("record: %s:%d: %w", s.attachments(a), n, err)
		}
	}
	return all, damage
}

// bundleAttachments moves those that are files of their own into one. Damaged ones stay where they are, and are listed.
func (s *Store) bundleAttachments(a Attachment) (damaged []error, err error) {
	files, err := s.separate(a)
	if err != nil || len(files) == 0 {
		return nil, err
	}
	all, damage := s.attachedLines(a)
	if damage != nil { // to write the file again would lose what may still be read of the line
		return []error{fmt.Errorf("%w; delete the line, and bundle again", damage)}, nil
	}
	if all == nil {
		all = map[string][]byte{}
	}
	for _, point := range slices.Sorted(maps.Keys(files)) {
		text, err := os.ReadFile(files[point])
		if err != nil {
			return nil, fmt.Errorf("record: %w", err)
		}
		if !json.Valid(text) {
			damaged = append(damaged, fmt.Errorf("record: %s is no whole JSON and stays where it is; delete it, or make it again with hepex run --force", files[point]))
			delete(files, point)
			continue
		}
		all[point] = text
	}
	if len(files) == 0 {
		return damaged, nil
	}
	var text bytes.Buffer
	for _, point := range slices.Sorted(maps.Keys(all)) {
		line, err := json.Marshal(attached{point, all[point]})
		if err != nil {
			return nil, fmt.Errorf("record: %s of point %s: %w", a, point, err)
		}
		text.Write(append(line, '\n'))
	}
	if err := atomicfile.Write(s.attachments(a), text.Bytes()); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return damaged, removeFiles(slices.Collect(maps.Values(files)), filepath.Dir(s.attachment(a, "")))
}
