package datasets

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// Info describes one data set for people.
type Info struct {
	Form
	Name   string
	Where  string // folder, "built in" or "missing"
	Bytes  int64  // on disk, or to download if missing
	Origin string // what it shows and who made it
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
	info := Info{Form: e.Form, Name: e.name, Where: "built in", Origin: e.origin}
	source, err := e.open(dirs)
	var missing *MissingError
	switch {
	case errors.As(err, &missing):
		info.Where = "missing"
		for _, f := range e.downloads() {
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

// Check is the outcome of verifying one file or drawn set.
type Check struct {
	File string // path; the name of the set if the program draws it
	Err  error  // nil if the content is the published one
}

// Verify reads the files of a data set and compares them with the published ones; a drawn set is drawn and compared with
// its pinned checksum. The error is Open's; what is wrong with a file is in its Check.
func Verify(name string, dirs []string) ([]Check, error) {
	source, err := Open(name, dirs)
	if err != nil {
		return nil, err
	}
	return source.verify(), nil
}

func (s *Published) verify() []Check { return s.entry.format.verify(s) }

// verify compares the SHA-256 of the file at path, which may be packed or unpacked.
func (f file) verify(path string) error {
	disk, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("datasets: %w", err)
	}
	defer disk.Close()
	if err := checkSHA256(disk, f.wantSHA256(path)); err != nil {
		return fmt.Errorf("datasets: %s: %w", path, err)
	}
	return nil
}

// wantSHA256 is the checksum that the file at path must have, which may be packed or unpacked.
func (f file) wantSHA256(path string) string {
	if packed(f.name) && !packed(path) {
		return f.unpackedSHA256
	}
	return f.sha256
}

func checkSHA256(r io.Reader, want string) error {
	hash := sha256.New()
	if _, err := io.Copy(hash, r); err != nil {
		return err
	}
	return compareSHA256(hex.EncodeToString(hash.Sum(nil)), want)
}

func compareSHA256(got, want string) error {
	if got != want {
		return fmt.Errorf("SHA-256 %s: want %s, so this is not the published file", got, want)
	}
	return nil
}
