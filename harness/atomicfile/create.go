package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Create is Write for a path that must be free: of several processes that create the same path, on any hosts that share the
// folder, one succeeds, and the others get an error that is fs.ErrExist. It needs no locks.
func Create(path string, content []byte) error {
	folder := filepath.Dir(path)
	temporary, err := writeTemporary(folder, readable, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
	if err != nil {
		return err
	}
	linked := system.Link(temporary, path) // unlike a rename, it never replaces
	if errors.Is(linked, fs.ErrExist) && same(temporary, path) {
		linked = nil
	}
	if err := Remove(temporary); err != nil {
		return errors.Join(linked, err)
	}
	if unsupported(linked) {
		linked = createInPlace(path, content)
	}
	if linked != nil {
		return linked
	}
	return system.SyncFolder(folder)
}

// same tells whether two paths are one file. A server that did not hear that its answer arrived links again, and then says
// that what it made itself exists.
func same(a, b string) bool {
	x, errX := os.Lstat(a)
	y, errY := os.Lstat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// unsupported tells whether a file system has no hard links.
func unsupported(link error) bool {
	return errors.Is(link, syscall.EPERM) || errors.Is(link, syscall.EOPNOTSUPP) || errors.Is(link, syscall.ENOSYS)
}

// createInPlace is Create without a link: as exclusive, but a process that dies leaves part of the content, which the readers
// of records find by their checksum.
func createInPlace(path string, content []byte) error {
	f, err := system.CreateNew(path)
	if err != nil {
		return err
	}
	err = finish(f, readable, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
	if err != nil {
		return errors.Join(err, Remove(path))
	}
	return nil
}
