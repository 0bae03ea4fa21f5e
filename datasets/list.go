package datasets

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// Info describes one data set for people.
type Info struct {
	Name        string
	Where       string // folder, "built in" or "missing"
	Train, Test int    // samples
	Bytes       int64  // on disk, or to download if missing
	Origin      string // what it shows and who made it
}

// List describes all data sets, and where in dirs each is found.
func List(dirs []string) ([]Info, error) {
	var infos []Info
	for _, e := range catalogue() {
		info, err := e.describe(dirs)
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}

func (e entry) describe(dirs []string) (Info, error) {
	info := Info{Name: e.name, Where: "built in", Train: e.size[Train], Test: e.size[Test], Origin: e.origin}
	source, err := e.open(dirs)
	var missing *MissingError
	switch {
	case errors.As(err, &missing):
		info.Where = "missing"
		for _, f := range e.files {
			info.Bytes += f.bytes
		}
		return info, nil
	case err != nil:
		return Info{}, err
	case !e.drawn():
		info.Where = source.folder
	}
	for _, path := range source.paths {
		stat, err := os.Stat(path)
		if err != nil {
			return Info{}, fmt.Errorf("datasets: %w", err)
		}
		info.Bytes += stat.Size()
	}
	return info, nil
}

// Check is the outcome of verifying one file.
type Check struct {
	File string // path; the name of the set if the program draws it
	Err  error  // nil if the content is the published one
}

// Verify reads the files of a data set and compares their MD5s with the published ones; digits are drawn
// and compared with their pinned checksum. The error is Open's; what is wrong with a file is in its Check.
func Verify(name string, dirs []string) ([]Check, error) {
	source, err := Open(name, dirs)
	if err != nil {
		return nil, err
	}
	return source.verify(), nil
}

func (s *Source) verify() []Check {
	if s.entry.drawn() {
		return []Check{{File: s.Name(), Err: verifyDigits()}}
	}
	var checks []Check
	for i, f := range s.entry.files {
		checks = append(checks, Check{File: s.paths[i], Err: f.verify(s.paths[i])})
	}
	return checks
}

func verifyDigits() error {
	if got := sumDigits(); got != digitsChecksum {
		return fmt.Errorf("datasets: digits: SHA-256 %s: want %s: this machine draws other digits; please report it", got, digitsChecksum)
	}
	return nil
}

// verify compares the MD5 of the file at path, which may be packed or unpacked.
func (f file) verify(path string) error {
	disk, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("datasets: %w", err)
	}
	defer disk.Close()
	if err := checkMD5(disk, f.wantMD5(path)); err != nil {
		return fmt.Errorf("datasets: %s: %w", path, err)
	}
	return nil
}

func checkMD5(r io.Reader, want string) error {
	hash := md5.New()
	if _, err := io.Copy(hash, r); err != nil {
		return err
	}
	return compareMD5(hex.EncodeToString(hash.Sum(nil)), want)
}

func compareMD5(got, want string) error {
	if got != want {
		return fmt.Errorf("MD5 %s: want %s, so this is not the published file", got, want)
	}
	return nil
}
