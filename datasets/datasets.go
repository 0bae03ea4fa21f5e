// Package datasets supplies data sets for training and inference: files of one's own ([Files]), random inputs for want of any ([Random]), and
// image sets of ten classes each. Of these, the program draws "digits" (28×28 grey) and "shapes" (32×32 in colour) by itself; published are
// "mnist" and "fashion-mnist" (28×28 grey, read from IDX files) and "cifar-10" (32×32 in colour, read from its binary version).
//
// A set is identified by a checksum. That of an image set is known before any file is read; that of files of one's own is of
// what they were found to hold. Read refuses files that hold anything else, so that a result which carries the checksum was computed on
// exactly these samples.
package datasets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Set is a range of samples ready for training.
type Set struct {
	X      []float32 // N×Dim, row-major, each sample channels last (see [Shape]); images in [0,1]
	Labels []uint8   // N class numbers below Classes; nil if there are none
	Target []float32 // N×targets, what a regression should give; nil if there are none

	Dim, Classes int
}

// Len is the number of samples, N.
func (s *Set) Len() int { return len(s.X) / max(1, s.Dim) }

// Split is one of the two fixed parts of a data set.
type Split int

// The splits as published: what is trained on and what is only tested on.
const (
	Train Split = iota
	Test
)

func (s Split) String() string {
	switch s {
	case Train:
		return "train"
	case Test:
		return "test"
	}
	return fmt.Sprintf("Split(%d)", int(s))
}

// Source is a data set that can be read. It is safe for concurrent use.
type Source interface {
	// Form is the shape of its samples, and how many there are of what.
	Form() Form
	// Checksum identifies all that Read gives, in hexadecimal. It is pinned: nothing is read for it.
	Checksum() string
	// Read gives samples [from,to) of a split.
	Read(split Split, from, to int) (*Set, error)
}

// Published is a set of the catalogue, which may have been downloaded.
type Published struct {
	entry  entry
	folder string   // "" when drawn
	paths  []string // of entry.files, in that order
}

// MissingError says that no folder holds all files of a data set.
type MissingError struct {
	Name    string
	Folders []string // looked in, in this order
	Lacks   string   // the first file missing from a partly filled folder; "" if there is no such folder
}

func (e *MissingError) Error() string {
	where := "no folder to look in"
	if len(e.Folders) > 0 {
		where = "not found in " + strings.Join(e.Folders, ", ")
	}
	if e.Lacks != "" {
		where += " (" + e.Lacks + " is missing)"
	}
	return fmt.Sprintf("datasets: %s: %s: name the folder that holds %s/ with --data DIR or HEPEX_DATA, or run: hepex data fetch %s",
		e.Name, where, e.Name, e.Name)
}

// Open finds the named data set: the first of dirs with a folder of that name that holds all its files, each as .gz
// or unpacked. The files are not read yet. The error is a *MissingError if there is no such folder.
func Open(name string, dirs []string) (*Published, error) {
	e, err := lookUp(name)
	if err != nil {
		return nil, err
	}
	return e.open(dirs)
}

// Dirs is where data sets are looked for, in this order: the folder given by flag (if not empty), $HEPEX_DATA
// (if set), ./data, and hepex/data in the user's cache folder.
func Dirs(flag string) []string {
	var dirs []string
	for _, dir := range []string{flag, os.Getenv("HEPEX_DATA"), "data"} {
		if dir != "" {
			dirs = append(dirs, dir)
		}
	}
	if cache, err := os.UserCacheDir(); err == nil {
		dirs = append(dirs, filepath.Join(cache, "hepex", "data"))
	}
	return dirs
}

// Shape is the grid of a sample.
func (s *Published) Shape() Shape { return s.entry.Shape }

// Form is that of all sets of this name.
func (s *Published) Form() Form { return s.entry.Form }

// Checksum is that of the named data set, wherever it lies, or even if it does not.
func Checksum(name string) (string, error) {
	e, err := lookUp(name)
	if err != nil {
		return "", err
	}
	return e.format.checksum(e), nil
}

// Checksum identifies the content of the data set. For mnist and
// fashion-mnist it is the SHA-256 of their files' published MD5s, for cifar-10 of the digests of its images, and for a
// drawn set the SHA-256 of its first samples.
func (s *Published) Checksum() string { return s.entry.format.checksum(s.entry) }

// Read gives samples [from,to) of a split. Drawn sets draw only these; of the published ones the split is read and
// checked whole, and files that are damaged or do not hold the published images are an error.
func (s *Published) Read(split Split, from, to int) (*Set, error) {
	if n := s.entry.size(split); from < 0 || from > to || to > n {
		return nil, fmt.Errorf("datasets: %s: %v samples [%d,%d): want 0 ≤ from ≤ to ≤ %d", s.entry.name, split, from, to, n)
	}
	levels, labels, err := s.entry.format.read(s, split, from, to)
	if err != nil {
		return nil, err
	}
	set := &Set{X: make([]float32, len(levels)), Labels: labels, Dim: s.entry.Shape.Size(), Classes: s.entry.Classes}
	for i, v := range levels {
		set.X[i] = float32(v) / 255
	}
	return set, nil
}

func (e entry) open(dirs []string) (*Published, error) {
	if e.drawn() {
		return &Published{entry: e}, nil
	}
	missing := &MissingError{Name: e.name}
	for _, dir := range dirs {
		folder := filepath.Join(dir, e.name)
		paths, lacks, err := e.find(folder)
		if err != nil {
			return nil, err
		}
		if lacks == "" {
			return &Published{entry: e, folder: folder, paths: paths}, nil
		}
		missing.Folders = append(missing.Folders, folder)
		if len(paths) > 0 && missing.Lacks == "" {
			missing.Lacks = lacks
		}
	}
	return nil, missing
}

// find gives the paths of the files that lie in folder and the path of the first one that does not, if any.
func (e entry) find(folder string) (paths []string, lacks string, err error) {
	for _, f := range e.files {
		path, err := f.find(folder)
		switch {
		case err != nil:
			return nil, "", err
		case path != "":
			paths = append(paths, path)
		case lacks == "":
			lacks = filepath.Join(folder, f.name)
		}
	}
	return paths, lacks, nil
}

// find gives the path of the file in folder, packed or unpacked, or "" if it is not there.
func (f file) find(folder string) (string, error) {
	for _, name := range f.names() {
		path := filepath.Join(folder, name)
		info, err := os.Stat(path)
		switch {
		case err == nil && info.Mode().IsRegular(): // some archives unpack into a folder named like the file
			return path, nil
		case err == nil, errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		default:
			return "", fmt.Errorf("datasets: %w", err)
		}
	}
	return "", nil
}
