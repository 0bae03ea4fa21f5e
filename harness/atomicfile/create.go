package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// Create is Write for a path that must be free: of several processes that create the same path, on any hosts that share the
// folder, one succeeds, and the others get an error that is fs.ErrExist. It needs no locks.
func Create(path string, content []byte) error {
	folder := filepath.Dir(path)
	temporary, err := writeTemporary(folder, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
	if err != nil {
		return err
	}
	linked := os.Link(temporary, path) // unlike a rename, it never replaces
	if err := os.Remove(temporary); err != nil {
		return errors.Join(linked, err)
	}
	if unsupported(linked) {
		linked = createInPlace(path, content)
	}
	if linked != nil {
		return linked
	}
	return syncFolder(folder)
}

// unsupported tells whether a file system has no hard links.
func unsupported(link error) bool {
	return errors.Is(link, syscall.EPERM) || errors.Is(link, syscall.EOPNOTSUPP) || errors.Is(link, syscall.ENOSYS)
}

// createInPlace is Create without a link: as exclusive, but a process that dies leaves part of the content, which the readers
// of records find by their checksum.
func createInPlace(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
