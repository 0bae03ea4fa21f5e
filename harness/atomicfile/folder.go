package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// MakeFolder creates a folder and those above it that are missing, and makes each durable: a file survives a power failure
// only if all folders on its way do.
func MakeFolder(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	above := filepath.Dir(path)
	if err := MakeFolder(above); err != nil {
		return err
	}
	if err := system.Mkdir(path); err != nil && !errors.Is(err, fs.ErrExist) { // another process may have been faster
		return err
	}
	return system.SyncFolder(above)
}

// Rename renames a file within its folder and makes that durable.
func Rename(from, to string) error {
	if err := system.Rename(from, to); err != nil {
		return err
	}
	return system.SyncFolder(filepath.Dir(to))
}

// Remove removes a file. One that is gone already is no error.
func Remove(path string) error {
	if err := system.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
