package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"hepex/harness/atomicfile"
)

// Store is the folder of one experiment. Each attempt at a point is a file of its own,
// points/<point>/<attempt>.json, which appears whole or not at all and ends with a checksum of all
// that comes before it. Bundle gathers these files into one, records.jsonl, of which each line is an attempt; readers see no
// difference, and what is written after that is a file of its own again.
type Store struct {
	dir string

	mu      sync.Mutex
	bundled *bundle // records.jsonl, as it was last read
}

// NewStore names the folder; nothing is created before the first record is written.
func NewStore(dir string) *Store { return &Store{dir: dir} }

// Exists tells whether the folder is one of records.
func (s *Store) Exists() bool {
	for _, path := range []string{s.points(), s.lines()} {
		if _, err := os.Stat(path); err == nil {
			return true
		}
	}
	return false
}

func (s *Store) points() string { return filepath.Join(s.dir, "points") }
func (s *Store) lines() string  { return filepath.Join(s.dir, "records.jsonl") }

// Write stores the record as the next attempt at its point. Of runners that write at the same time, none replaces what
// another wrote.
func (s *Store) Write(r *Record) error {
	if r.Point == "" {
		return errors.New("record: a record without a point has no place")
	}
	r.Schema = Schema
	var err error
	if r.Attempt, err = s.NextAttempt(r.Point); err != nil {
		return err
	}
	for ; ; r.Attempt++ {
		text, err := encode(r)
		if err != nil {
			return err
		}
		switch err := atomicfile.Create(filepath.Join(s.points(), r.Point, attemptFile(r.Attempt)), text); {
		case err == nil:
			return nil
		case !errors.Is(err, fs.ErrExist):
			return fmt.Errorf("record: %w", err)
		}
	}
}

// NextAttempt is the number that the next attempt at a point will have: no number is used twice, those of damaged files
// neither.
func (s *Store) NextAttempt(point string) (int, error) {
	entries, err := os.ReadDir(filepath.Join(s.points(), point))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("record: %w", err)
	}
	b, err := s.readBundle()
	if err != nil {
		return 0, err
	}
	next := 1
	for _, a := range b.attempts {
		if a.Point == point {
			next = max(next, a.Attempt+1)
		}
	}
	for _, e := range entries {
		name, _, found := strings.Cut(e.Name(), ".json")
		if n, err := strconv.Atoi(name); found && err == nil {
			next = max(next, n+1)
		}
	}
	return next, nil
}

func attemptFile(n int) string { return strconv.Itoa(n) + ".json" }

// attempts lists the attempts in a point's folder, lowest first.
func attempts(folder string) ([]int, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	var out []int
	for _, e := range entries {
		name, found := strings.CutSuffix(e.Name(), ".json")
		if n, err := strconv.Atoi(name); found && err == nil && n > 0 {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, nil
}

// Damaged is a file, or a line of a bundle, that could be read and is no intact record.
type Damaged struct {
	Path string // of the file
	Err  error
	line []byte // of a bundle; nil: the whole file
}

// stored is an intact record and where it lies.
type stored struct {
	*Record
	path string // of the file; a line has its number behind it
	text []byte // of the file, or of what would be one
}

// Load reads the deciding attempt of every point: the latest that is ok, or else the latest. Files and lines whose content is
// no intact record are listed, not used. A folder with records of a newer schema is refused as a whole, with a
// *NewerSchemaError, and so is one with records that cannot be read now, as when a server or a disk fails: without
// them, points would be done again, and figures lack them.
func (s *Store) Load() (Set, []Damaged, error) {
	all, damaged, err := s.all()
	if err != nil {
		return nil, nil, err
	}
	var set Set
	for _, a := range all {
		own := *a.Record // a bundle is kept as it was read
		n := len(set)
		switch {
		case n == 0 || set[n-1].Point != own.Point:
			set = append(set, &own)
		case own.Status == OK || set[n-1].Status != OK:
			set[n-1] = &own
		}
	}
	return set, damaged, nil
}

// all reads every attempt, by point and number. Files come before the bundle: while one is made, an attempt is in both, but never in
// neither.
func (s *Store) all() ([]stored, []Damaged, error) {
	files, damagedFiles, err := s.readFiles()
	if err != nil {
		return nil, nil, err
	}
	b, err := s.readBundle()
	if err != nil {
		return nil, nil, err
	}
	all, damaged := b.with(files)
	return all, slices.Concat(damagedFiles, b.damaged, damaged), nil
}

// readFiles reads the attempts that are files of their own.
func (s *Store) readFiles() ([]stored, []Damaged, error) {
	folders, err := os.ReadDir(s.points())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("record: %w", err)
	}
	var all []stored
	var damaged []Damaged
	for _, f := range folders {
		if !f.IsDir() {
			continue
		}
		found, bad, err := readPoint(filepath.Join(s.points(), f.Name()))
		if err != nil {
			return nil, nil, err
		}
		all, damaged = append(all, found...), append(damaged, bad...)
	}
	return all, damaged, nil
}

func readPoint(folder string) ([]stored, []Damaged, error) {
	numbers, err := attempts(folder)
	if err != nil {
		return nil, nil, err
	}
	var all []stored
	var damaged []Damaged
	for _, n := range numbers {
		path := filepath.Join(folder, attemptFile(n))
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // another runner has set it aside since it was listed
		}
		if err != nil {
			return nil, nil, unreadable(err)
		}
		r, err := parse(path, text)
		var newer *NewerSchemaError
		if errors.As(err, &newer) {
			return nil, nil, newer
		}
		if err == nil && (r.Point != filepath.Base(folder) || r.Attempt != n) {
			err = fmt.Errorf("record: %s holds attempt %d at point %s", path, r.Attempt, r.Point)
		}
		if err != nil {
			damaged = append(damaged, Damaged{Path: path, Err: err})
			continue
		}
		all = append(all, stored{r, path, text})
	}
	return all, damaged, nil
}

// unreadable is the error of records that are there and cannot be read now.
func unreadable(err error) error {
	return fmt.Errorf("record: %w; it may be intact, so nothing was changed: make it readable and try again", err)
}

// SetAside renames a damaged file to a name that is free and gives that name, so that its point is done again and
// nothing is lost; a damaged line it moves to such a file. If another runner was faster, the name is empty.
func (d Damaged) SetAside() (string, error) {
	if d.line != nil {
		return setLineAside(d.Path, d.line)
	}
	for n := 1; ; n++ {
		path := asideFile(d.Path, n)
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		err := atomicfile.Rename(d.Path, path)
		if errors.Is(err, fs.ErrNotExist) {
			return "", nil
		}
		return path, err
	}
}

// asideFile is where what is damaged at path goes, the nth time.
func asideFile(path string, n int) string { return fmt.Sprintf("%s.%d.damaged", path, n) }

// Read reads a record and verifies its checksum.
func Read(path string) (*Record, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return parse(path, text)
}

// parse decodes what the file at path holds.
func parse(path string, text []byte) (*Record, error) {
	r, err := decode(text)
	var newer *NewerSchemaError
	if errors.As(err, &newer) {
		newer.Path = path
		return nil, newer
	}
	if err != nil {
		return nil, fmt.Errorf("record: %s: %w", path, err)
	}
	return r, nil
}

const checksumKey = ",\n  \"checksum\": \""

// encode writes the record as JSON whose last field is the SHA-256 of everything before that field. All schemas end so:
// that is how a newer one is told from damage.
func encode(r *Record) ([]byte, error) {
	bare := *r
	bare.Checksum = ""
	text, err := json.MarshalIndent(bare, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("record: point %s: %w", r.Point, err)
	}
	body := bytes.TrimSuffix(text, []byte("\n}"))
	sum := sha256.Sum256(body)
	return fmt.Appendf(nil, "%s%s%x\"\n}\n", body, checksumKey, sum), nil
}

func decode(text []byte) (*Record, error) {
	i := bytes.LastIndex(text, []byte(checksumKey))
	if i < 0 {
		return nil, errors.New("no checksum: the file is not a whole record")
	}
	sum := sha256.Sum256(text[:i])
	if want := hex.EncodeToString(sum[:]) + "\"\n}\n"; string(text[i+len(checksumKey):]) != want {
		return nil, errors.New("the checksum does not match: the file was damaged or edited")
	}
	text, err := current(text, Schema, upgrades)
	if err != nil {
		return nil, err
	}
	var r Record
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, err
	}
	return &r, nil
}
