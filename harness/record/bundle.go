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
	"syscall"

	"hepex/harness/atomicfile"
)

// bundle is records.jsonl: one attempt a line, by point and number. A line is the file of that attempt without its white space, which
// expand gives back byte for byte; so checksums and schemas are those of files.
type bundle struct {
	info     os.FileInfo // nil: there is none
	attempts []stored
	damaged  []Damaged
}

// find gives the line of an attempt, or nil.
func (b *bundle) find(point string, attempt int) *stored {
	for i := range b.attempts {
		if b.attempts[i].Point == point && b.attempts[i].Attempt == attempt {
			return &b.attempts[i]
		}
	}
	return nil
}

// with adds files to the attempts of the bundle, by point and number.
func (b *bundle) with(files []stored) ([]stored, []Damaged) {
	all := slices.Clone(b.attempts)
	var damaged []Damaged
	for _, f := range files {
		switch line := b.find(f.Point, f.Attempt); {
		case line == nil:
			all = append(all, f)
		case line.Checksum != f.Checksum:
			damaged = append(damaged, Damaged{Path: f.path, Err: fmt.Errorf("record: %s is another attempt %d at its point than %s has", f.path, f.Attempt, line.path)})
		}
	}
	slices.SortFunc(all, func(a, b stored) int {
		return cmp.Or(strings.Compare(a.Point, b.Point), cmp.Compare(a.Attempt, b.Attempt))
	})
	return all, damaged
}

// readBundle reads records.jsonl, unless it is as it was last time.
func (s *Store) readBundle() (*bundle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	info, err := os.Stat(s.lines())
	if errors.Is(err, fs.ErrNotExist) {
		return &bundle{}, nil
	}
	if err != nil {
		return nil, unreadable(err)
	}
	if b := s.bundled; b != nil && os.SameFile(b.info, info) && b.info.ModTime().Equal(info.ModTime()) && b.info.Size() == info.Size() {
		return b, nil
	}
	text, err := os.ReadFile(s.lines())
	if err != nil {
		return nil, unreadable(err)
	}
	b := &bundle{info: info}
	if err := b.parse(s.lines(), text); err != nil {
		return nil, err
	}
	s.bundled = b
	return b, nil
}

func (b *bundle) parse(path string, text []byte) error {
	type key struct {
		point   string
		attempt int
	}
	lines := map[key]string{}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		place := fmt.Sprintf("%s:%d", path, n)
		whole, err := expand(line)
		if err != nil {
			err = fmt.Errorf("record: %s: not a whole record: %w", place, err)
		}
		var r *Record
		if err == nil {
			r, err = parse(place, whole)
		}
		var newer *NewerSchemaError
		if errors.As(err, &newer) {
			return newer
		}
		if err == nil {
			if first := lines[key{r.Point, r.Attempt}]; first != "" {
				err = fmt.Errorf("record: %s: attempt %d at point %s is at %s already", place, r.Attempt, r.Point, first)
			}
		}
		if err != nil {
			b.damaged = append(b.damaged, Damaged{path, err, slices.Clone(line)})
			continue
		}
		lines[key{r.Point, r.Attempt}] = place
		b.attempts = append(b.attempts, stored{r, place, whole})
	}
	return nil
}

// expand gives a line as the file that it was.
func expand(line []byte) ([]byte, error) {
	var whole bytes.Buffer
	if err := json.Indent(&whole, bytes.TrimSuffix(line, []byte("\n")), "", "  "); err != nil {
		return nil, err
	}
	whole.WriteByte('\n')
	return whole.Bytes(), nil
}

// Bundle moves every attempt, failed ones too, from its file into a line of records.jsonl, and attachments likewise.
// Nothing is lost, whenever it is stopped: a file goes once the line that says the same is there. Damaged records are refused; damaged
// attachments stay where they are, and are an error when all else is done. There must be no runners. It returns how many attempts are gathered.
func (s *Store) Bundle() (int, error) {
	files, damaged, err := s.readFiles()
	if err != nil {
		return 0, err
	}
	b, err := s.readBundle()
	if err != nil {
		return 0, err
	}
	all, twice := b.with(files)
	if damaged = slices.Concat(damaged, b.damaged, twice); len(damaged) > 0 {
		errs := []error{fmt.Errorf("record: %s has damaged records: hepex run sets them aside and does their points again", s.dir)}
		for _, d := range damaged {
			errs = append(errs, d.Err)
		}
		return 0, errors.Join(errs...)
	}
	var left []error
	for _, a := range []Attachment{TileMap, Examples} {
		damaged, err := s.bundleAttachments(a)
		if err != nil {
			return 0, err
		}
		left = append(left, damaged...)
	}
	if err := s.bundleRecords(all, files); err != nil {
		return 0, err
	}
	return len(all), errors.Join(left...)
}

// bundleRecords writes all attempts to the bundle, and removes those that are files.
func (s *Store) bundleRecords(all, files []stored) error {
	if len(files) == 0 {
		return nil
	}
	text, err := linesOf(all)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(s.lines(), text); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	var paths []string
	for _, f := range files {
		paths = append(paths, f.path)
	}
	return removeFiles(paths, s.points())
}

// linesOf writes one attempt a line, from which its file could be made again.
func linesOf(all []stored) ([]byte, error) {
	var text bytes.Buffer
	for _, a := range all {
		start := text.Len()
		if err := json.Compact(&text, a.text); err != nil {
			return nil, fmt.Errorf("record: %s: %w", a.path, err)
		}
		text.WriteByte('\n')
		if whole, err := expand(text.Bytes()[start:]); err != nil || !bytes.Equal(whole, a.text) {
			return nil, fmt.Errorf("record: %s is not as hepex writes records: as a line it would change", a.path)
		}
	}
	return text.Bytes(), nil
}

// removeFiles removes files and the folders that this leaves empty, up to the given one.
func removeFiles(paths []string, top string) error {
	folders := map[string]bool{top: true}
	for _, path := range paths {
		if err := atomicfile.Remove(path); err != nil {
			return fmt.Errorf("record: %w", err)
		}
		folders[filepath.Dir(path)] = true
	}
	for _, folder := range slices.Backward(slices.Sorted(maps.Keys(folders))) { // those inside others first
		if err := atomicfile.Remove(folder); err != nil && !errors.Is(err, syscall.ENOTEMPTY) {
			return fmt.Errorf("record: %w", err)
		}
	}
	return nil
}

// setLineAside moves a line to a file of its own, whose name it gives. If it is gone, the name is empty.
func setLineAside(path string, line []byte) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("record: %w", err)
	}
	lines := slices.Collect(bytes.Lines(text))
	last := -1 // of two alike, the later is one too many
	for i := range lines {
		if bytes.Equal(lines[i], line) {
			last = i
		}
	}
	if last < 0 {
		return "", nil
	}
	aside, err := createAside(path, line)
	if err == nil {
		err = atomicfile.Write(path, bytes.Join(slices.Delete(lines, last, last+1), nil))
	}
	if err != nil {
		return "", fmt.Errorf("record: %w", err)
	}
	return aside, nil
}

func createAside(path string, content []byte) (string, error) {
	for n := 1; ; n++ {
		aside := asideFile(path, n)
		if err := atomicfile.Create(aside, content); !errors.Is(err, fs.ErrExist) {
			return aside, err
		}
	}
}
